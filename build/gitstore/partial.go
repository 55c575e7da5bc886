package gitstore

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// promisor is a remote that has what a partial clone lacks. The url and the filter are as they were configured, empty where
// they were not.
type promisor struct{ remote, url, filter string }

// mayPromise finds what names a promisor remote in a configuration, or a file in which one may be named.
var mayPromise = regexp.MustCompile(`(?i)promisor|partialclone|\[include`)

// readPromisors finds the promisor remotes. A look at the configuration file spares ordinary clones the git process.
func (s *Storage) readPromisors(ctx context.Context, config string) error {
	if !filepath.IsAbs(config) {
		config = filepath.Join(s.dir, config)
	}
	if content, err := os.ReadFile(config); err == nil && !mayPromise.Match(content) {
		return nil
	}
	out, err := s.output(ctx, nil, "config", "--null", "--list")
	if err != nil {
		return errors.Wrapf(err, "read the configuration of %s", s.location)
	}
	s.promisors = parsePromisors(string(out))
	return nil
}

// parsePromisors reads what `git config --null --list` prints: a key, a newline and a value each; no newline where a
// key stands alone, which means true. They come in the order in which git itself asks them: that of the configuration,
// but the remote of extensions.partialClone last (git-scm.com, "Partial Clone Design Notes").
func parsePromisors(config string) []promisor {
	var remotes []string
	last, urls, filters := "", map[string]string{}, map[string]string{}
	for entry := range strings.SplitSeq(config, "\x00") {
		key, value, given := strings.Cut(entry, "\n")
		if key == "extensions.partialclone" {
			last = value
			continue
		}
		name, isRemote := strings.CutPrefix(key, "remote.")
		dot := strings.LastIndexByte(name, '.') // a remote's name may have dots, too
		if !isRemote || dot < 0 {
			continue
		}
		name, variable := name[:dot], name[dot+1:]
		switch {
		case variable == "url" && urls[name] == "": // git fetches from the first
			urls[name] = value
		case variable == "partialclonefilter":
			filters[name] = value
		case variable == "promisor" && (!given || isTrue(value)) && !slices.Contains(remotes, name):
			remotes = append(remotes, name)
		}
	}
	if last != "" {
		remotes = append(slices.DeleteFunc(remotes, func(name string) bool { return name == last }), last)
	}
	promisors := make([]promisor, len(remotes))
	for i, name := range remotes {
		promisors[i] = promisor{remote: name, url: urls[name], filter: filters[name]}
	}
	return promisors
}

// isTrue reads a boolean of git's configuration, which git has found to be one.
func isTrue(value string) bool {
	return !slices.Contains([]string{"", "false", "no", "off", "0"}, strings.ToLower(value))
}

// Partial says whether the storage is a partial clone (git clone --filter): git fetches what it lacks from a promisor
// remote as it is read, in one request for each object. Fetch is the way around that.
func (s *Storage) Partial() bool { return len(s.promisors) > 0 }

// Treeless says whether the storage is a partial clone that lacks folders as well (git clone --filter=tree:0). Fetch does not
// bring those: git asks for each as it is read.
func (s *Storage) Treeless() bool {
	return slices.ContainsFunc(s.promisors, func(p promisor) bool { return strings.HasPrefix(p.filter, "tree:") })
}

// Fetch sees to it that the blobs are in the repository, and says how many of them were not. These come from the
// promisor remote in one request, and nothing else comes with them; where none is missing, there is no request. Open
// readers find them. Processes may fetch at the same time: each writes a pack of its own, no ref, no configuration.
//
// For a storage that is not partial, or no ids, nothing is done: what such a storage lacks is lost. The zero id is none.
//
// Errors: *FetchError, for a remote that can't be reached, that lacks one of the blobs (then none of them comes) or
// that does not hand out single objects; *GitError, for a damaged repository; that of ctx. With several promisor remotes
// the next is asked where one fails, and the error is the last one's.
func (s *Storage) Fetch(ctx context.Context, ids []object.ID) (fetched int, err error) {
	// An empty line is the end of the list to rev-list, and HEAD to fetch.
	ids = slices.DeleteFunc(slices.Clone(ids), func(id object.ID) bool { return id == "" })
	if !s.Partial() || len(ids) == 0 {
		return 0, nil
	}
	missing, err := s.missing(ctx, ids)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	for _, from := range s.promisors {
		if err = s.fetchObjects(ctx, from, missing); err == nil {
			return len(missing), nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return 0, err
}

// fetchObjects runs git fetch as git itself does for an object that it lacks (promisor-remote.c), but for all at once.
// An object that is named comes in spite of the filter, which keeps away what hangs on it.
func (s *Storage) fetchObjects(ctx context.Context, from promisor, ids []object.ID) error {
	_, err := s.output(ctx, lines(ids),
		"-c", "fetch.negotiationAlgorithm=noop", // who names commits as known is not sent their blobs
		"-c", "remote."+from.remote+".partialCloneFilter=blob:none", // or git writes ours into a configuration without one
		"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none",
		"--no-auto-maintenance", "--no-write-commit-graph", // the repository is the user's to tidy, and both take locks
		"--stdin", from.remote)
	if err != nil {
		location := from.url
		if location == "" {
			location = from.remote
		}
		return &FetchError{Location: withoutUser(location), Err: err}
	}
	return nil
}

// missing are those of ids that are not in the repository, each once. Nothing is fetched: --missing keeps rev-list from
// it, where cat-file would ask the remote. But before git 2.45 it dies of an id that is missing and was named, rather
// than met on the way; so these are ignored, and what is printed is what is there.
func (s *Storage) missing(ctx context.Context, ids []object.ID) ([]object.ID, error) {
	out, err := s.output(ctx, lines(ids), "rev-list", "--no-walk", "--objects", "--no-object-names",
		"--missing=print", "--ignore-missing", "--stdin")
	if err != nil {
		return nil, err
	}
	known := make(map[object.ID]bool, len(ids))
	for line := range strings.Lines(string(out)) {
		known[object.ID(strings.TrimSuffix(line, "\n"))] = true // "?<id>" is none of ids
	}
	var missing []object.ID
	for _, id := range ids {
		if !known[id] {
			known[id] = true
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// lines are ids as git reads them from its standard input.
func lines(ids []object.ID) []byte {
	var out []byte
	for _, id := range ids {
		out = append(append(out, id...), '\n')
	}
	return out
}
