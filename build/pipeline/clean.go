package pipeline

import (
	"os"
	"path/filepath"

	"github.com/seed-604f7181/package-storage/build/cache"
)

// Clean removes what builds wrote into the output folder, for all distributions of the table, and empties the cache.
// What else lies in the output folder stays. It returns the folders that it removed.
// Errors: *cache.BusyError, *cache.ForeignError.
func Clean(config Config) (removed []string, err error) {
	table, err := LoadTable(config)
	if err != nil {
		return nil, err
	}
	if err := cache.Clean(config.Cache); err != nil {
		return nil, err
	}
	for _, d := range table.Distributions {
		for _, name := range []string{d.Name, contextName(d.Name), "." + d.Name + ".new", "." + contextName(d.Name) + ".new"} {
			path := filepath.Join(config.Dist, name)
			if _, err := os.Lstat(path); err != nil {
				continue
			}
			if err := os.RemoveAll(path); err != nil {
				return removed, &OutputError{path, err}
			}
			removed = append(removed, path)
		}
	}
	os.Remove(filepath.Join(config.Dist, lockName))
	os.Remove(config.Dist) // only where nothing else is in it
	return removed, nil
}
