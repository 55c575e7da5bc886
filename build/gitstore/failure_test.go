package gitstore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// requests are all that a reader can be asked, for one id.
var requests = map[string]struct {
	kind string
	ask  func(r *gitstore.Reader, ids ...object.ID) error
}{
	"Blobs": {"blob", func(r *gitstore.Reader, ids ...object.ID) error {
		return r.Blobs(ids, func(_ int, _ int64, content io.Reader) error {
			_, err := io.Copy(io.Discard, content)
			return err
		})
	}},
	"Sizes": {"blob", func(r *gitstore.Reader, ids ...object.ID) error { _, err := r.Sizes(ids); return err }},
	"Trees": {"tree", func(r *gitstore.Reader, ids ...object.ID) error { _, err := r.Trees(ids); return err }},
	"Blob":  {"blob", func(r *gitstore.Reader, ids ...object.ID) error { _, err := r.Blob(ids[len(ids)-1]); return err }},
	"Commit": {"commit", func(r *gitstore.Reader, ids ...object.ID) error {
		_, err := r.Commit(ids[len(ids)-1])
		return err
	}},
}

// kinds are one object of each kind.
func kinds(t *testing.T, dir string) map[string]object.ID {
	return map[string]object.ID{
		"blob":   resolve(t, dir, "production:manifest.yml"),
		"tree":   resolve(t, dir, "production^{tree}"),
		"commit": resolve(t, dir, "production"),
	}
}

func TestMissingObject(t *testing.T) {
	dir := checkout(t, "production")
	s, ids := open(t, dir), kinds(t, dir)
	for name, request := range requests {
		lost := object.ID(strings.Repeat("ab", 20))
		r := reader(t, s)
		err := request.ask(r, ids[request.kind], lost)
		var missing *object.LostError
		if !errors.As(err, &missing) || missing.ID != lost {
			t.Errorf("%s: %v", name, err)
		}
		unusable(t, name, r, err, ids[request.kind])
	}
}

func TestObjectOfTheWrongKind(t *testing.T) {
	dir := checkout(t, "production")
	s, ids := open(t, dir), kinds(t, dir)
	for name, request := range requests {
		for kind, wrong := range ids {
			if kind == request.kind {
				continue
			}
			r := reader(t, s)
			err := request.ask(r, ids[request.kind], wrong)
			want := object.LostError{ID: wrong, Kind: kind, Want: request.kind}
			var got *object.LostError
			if !errors.As(err, &got) || *got != want {
				t.Errorf("%s of a %s: %v", name, kind, err)
			}
			unusable(t, name, r, err, ids[request.kind])
		}
	}
}

// unusable: after an error, answers could belong to other questions.
func unusable(t *testing.T, name string, r *gitstore.Reader, first error, good object.ID) {
	t.Helper()
	if again := requests[name].ask(r, good); again == nil || again.Error() != first.Error() {
		t.Errorf("%s after %v: %v", name, first, again)
	}
	if err := r.Close(); err != nil {
		t.Errorf("%s after %v: Close: %v", name, first, err)
	}
}

func TestErrorOfUseComesThrough(t *testing.T) {
	dir := fixture(t, "sha1")
	enough := errors.New("enough")
	r := reader(t, open(t, dir))
	large := resolve(t, dir, "production:large")
	seen := 0
	err := r.Blobs([]object.ID{large, large, large}, func(i int, _ int64, _ io.Reader) error {
		seen++
		if i == 1 {
			return enough
		}
		return nil
	})
	if err != enough || seen != 2 {
		t.Errorf("%v after %d blobs", err, seen)
	}
	unusable(t, "Sizes", r, err, large)
}

// TestReadersAreApart: what breaks one does not touch another.
func TestReadersAreApart(t *testing.T) {
	dir := checkout(t, "production")
	s := open(t, dir)
	a, b := reader(t, s), reader(t, s)
	if _, err := a.Blob(object.ID(strings.Repeat("ab", 20))); err == nil {
		t.Fatal("a blob that is not there was read")
	}
	if got, err := b.Blob(resolve(t, dir, "production:manifest.yml")); err != nil || string(got) != "production" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDamagedObject(t *testing.T) {
	for name, damage := range map[string]string{"garbage": "not zlib", "nothing": ""} {
		dir := checkout(t, "production")
		id := resolve(t, dir, "production:manifest.yml")
		path := filepath.Join(dir, ".git", "objects", string(id[:2]), string(id[2:]))
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		r := reader(t, open(t, dir))
		if content, err := r.Blob(id); err == nil {
			t.Errorf("%s: it is %q", name, content)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}

func TestDamagedTree(t *testing.T) {
	dir := checkout(t, "production")
	for name, content := range map[string]string{
		"cut off":    "100644 f\x00short",
		"no mode":    " f\x00" + strings.Repeat("x", 20),
		"no NUL":     "100644 f",
		"bad digits": "100999 f\x00" + strings.Repeat("x", 20),
		"NUL first":  "\x00100644 f" + strings.Repeat("x", 20),
	} {
		id := object.ID(gitWith(t, dir, content, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"))
		if trees, err := reader(t, open(t, dir)).Trees([]object.ID{id}); err == nil || !strings.Contains(err.Error(), string(id)) {
			t.Errorf("%s: %v, %v", name, trees, err)
		}
	}
}

func TestDamagedCommit(t *testing.T) {
	dir := checkout(t, "production")
	tree := "tree " + string(resolve(t, dir, "production^{tree}")) + "\n"
	for name, content := range map[string]string{
		"no tree":        "author A <a> 1 +0000\ncommitter C <c> 5 +0000\n\nmessage",
		"half a tree":    "tree 0123\ncommitter C <c> 5 +0000\n\n",
		"no time":        tree + "committer C\n\n",
		"a time in text": tree + "committer C <c> yesterday +0000\n\n",
	} {
		id := object.ID(gitWith(t, dir, content, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"))
		if got, err := reader(t, open(t, dir)).Commit(id); err == nil || !strings.Contains(err.Error(), string(id)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	dir := fixture(t, "sha1")
	s := open(t, dir)
	large := resolve(t, dir, "production:large")
	ids := make([]object.ID, 1000)
	for i := range ids {
		ids[i] = large
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err = r.Blobs(ids, func(i int, _ int64, content io.Reader) error {
		if i == 2 {
			cancel()
		}
		_, err := io.Copy(io.Discard, content)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while reading: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if took := time.Since(start); took > 30*time.Second { // it is a moment, or for ever
		t.Errorf("it took %s", took)
	}
	if _, err := s.Reader(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// TestIdleReaderEndsWithItsContext, and Close has nothing to complain of.
func TestIdleReaderEndsWithItsContext(t *testing.T) {
	dir := checkout(t, "production")
	blob := resolve(t, dir, "production:manifest.yml")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := open(t, dir).Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Blob(blob); err != nil {
		t.Fatal(err)
	}
	cancel()
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		if _, err = r.Sizes([]object.ID{blob}); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the reader says %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
