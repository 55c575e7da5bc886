package pipeline

import (
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/seed-604f7181/package-storage/build/cache"
)

// Clean removes what builds wrote into the output folder, for all distributions of the table, and empties the cache.
// What else lies in the output folder stays. It returns the folders that it removed, in a dry run those that it
// would.
// Errors: *cache.BusyError, *cache.ForeignError.
func Clean(config Config) (removed []string, err error) {
	table, err := LoadTable(config)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(config.Dist); err == nil && !config.DryRun {
		lock := flock.New(filepath.Join(config.Dist, lockName))
		if free, err := lock.TryLock(); err == nil && !free {
			return nil, &cache.BusyError{Dir: config.Dist}
		}
		defer lock.Close()
	}
	if !config.DryRun {
		if err := cache.Clean(config.Cache); err != nil {
			return nil, err
		}
	}
	for _, d := range table.Distributions {
		for _, name := range leavings(d.Name) {
			path := filepath.Join(config.Dist, name)
			if _, err := os.Lstat(path); err != nil || name[0] != '.' && !ours(path) {
				continue
			}
			removed = append(removed, path)
			if config.DryRun {
				continue
			}
			if err := os.RemoveAll(path); err != nil {
				return removed, &OutputError{path, err}
			}
		}
	}
	if config.DryRun {
		return removed, nil
	}
	os.Remove(filepath.Join(config.Dist, lockName))
	os.Remove(config.Dist) // only where nothing else is in it
	return removed, nil
}

// leavings are the folders that builds of a distribution leave, whole or half done.
func leavings(distribution string) []string {
	var names []string
	for _, name := range []string{distribution, contextName(distribution)} {
		names = append(names, name, "."+name+".new", "."+name+".new.old")
	}
	return names
}
