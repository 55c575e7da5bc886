package gitstore

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
)

// Mirror brings the bare repository in dir up to date with the branches of url, and opens it. Only what is new is
// fetched; an interrupted fetch leaves dir as it was, but for objects that the next one uses. The caller sees to it
// that nobody else mirrors into dir at the same time.
func Mirror(ctx context.Context, url, dir string) (*Storage, error) {
	location := withoutUser(url)
	r := newRepository(dir)
	if err := r.prepareMirror(ctx); err != nil {
		return nil, errors.Wrapf(err, "mirror %s", location)
	}
	err := r.fetch(ctx, url)
	if err != nil && strings.Contains(err.Error(), "mismatched algorithms") {
		// Git learns the other side's object format only by asking; the mirror is empty, or of a storage that is no more.
		if err = r.initAgain(ctx); err == nil {
			err = r.fetch(ctx, url)
		}
	}
	if err != nil {
		return nil, &FetchError{Location: location, Err: err}
	}
	s, err := OpenAs(ctx, dir, location)
	if err != nil {
		return nil, err
	}
	s.remote = url
	return s, nil
}

func (r repository) fetch(ctx context.Context, url string) error {
	_, err := r.output(ctx, nil, "-c", "gc.autoDetach=false", "fetch", "--quiet", "--prune", "--no-tags",
		"--no-write-fetch-head", url, "+refs/heads/*:refs/heads/*")
	return err
}

// initAgain makes the mirror anew in the other object format.
func (r repository) initAgain(ctx context.Context) error {
	format, err := r.output(ctx, nil, "rev-parse", "--show-object-format")
	if err != nil {
		return err
	}
	other := "sha256"
	if strings.TrimSpace(string(format)) == other {
		other = "sha1"
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	return r.init(ctx, other)
}

// prepareMirror makes the repository where it is not there, and removes the lock files of a git that was killed in it:
// every later one would give up at them. Nobody else is at work here, as Mirror's caller has seen to.
func (r repository) prepareMirror(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err != nil {
		return r.init(ctx, "sha1")
	}
	return filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".lock" {
			return err
		}
		return os.Remove(path)
	})
}

// init makes the repository beside its place and moves it there: a git that is killed leaves half of one.
func (r repository) init(ctx context.Context, format string) error {
	beside := newRepository(r.dir + ".new")
	for _, dir := range []string{beside.dir, r.dir} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(beside.dir, 0o755); err != nil {
		return err
	}
	if _, err := beside.output(ctx, nil, "init", "--quiet", "--bare", "--object-format="+format); err != nil {
		return err
	}
	return os.Rename(beside.dir, r.dir)
}

// FetchError says that a storage's URL could not be fetched from.
type FetchError struct {
	Location string
	Err      error
}

func (e *FetchError) Error() string { return "fetch " + e.Location + ": " + firstLine(e.Err) }

// firstLine is what git says is wrong; the rest is its advice, which suits who typed the git command.
func firstLine(err error) string {
	said := err.Error()
	if failed := (*GitError)(nil); errors.As(err, &failed) {
		said = failed.Said
	}
	for line := range strings.SplitSeq(said, "\n") {
		if !strings.HasPrefix(strings.ToLower(line), "warning: ") { // ssh's, of hosts that it had not known
			return strings.TrimPrefix(line, "fatal: ")
		}
	}
	return said
}

// Unwrap is git's own error.
func (e *FetchError) Unwrap() error { return e.Err }
