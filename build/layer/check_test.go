package layer_test

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// TestCheckSeesEachNameOfAFile: two packages may share one manifest, which can be right for one of them at most.
func TestCheckSeesEachNameOfAFile(t *testing.T) {
	s := newStorage()
	large := strings.Repeat("l", 300<<10)
	files := map[string]string{
		"packages/apm/1.0.0/manifest.yml": "the same", "packages/apm/1.1.0/manifest.yml": "the same",
		"packages/apm/1.2.0/manifest.yml": "the same", "packages/apm/1.0.0/large": large, "packages/apm/1.0.0/x": "unwanted",
	}
	listing := list(t, s, map[string]map[string]string{
		"apm/1.0.0": {"manifest.yml": "the same", "x": "unwanted", "large": large},
		"apm/1.1.0": {"manifest.yml": "the same"}, "apm/1.2.0": {"manifest.yml": "the same"},
	})
	var wanted, seen []string
	check := layer.Check{
		Wants: func(path string, size int64) bool {
			wanted = append(wanted, path)
			if size != int64(len(files[path])) {
				t.Errorf("%s is of %d bytes", path, size)
			}
			return !strings.HasSuffix(path, "/x")
		},
		Content: func(path string, content []byte) error {
			seen = append(seen, path)
			if string(content) != files[path] {
				t.Errorf("%s has %d other bytes", path, len(content))
			}
			return nil
		},
	}
	blob, err := newWriter(t, layer.Zstd).Write(io.Discard, listing, s, check)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Sorted(maps.Keys(files))
	slices.Sort(wanted)
	slices.Sort(seen)
	wantLines(t, "asked for", wanted, all)
	wantLines(t, "seen", seen, slices.DeleteFunc(slices.Clone(all), func(path string) bool { return strings.HasSuffix(path, "/x") }))
	// What was looked at is packed all the same.
	if unlooked, _ := write(t, newWriter(t, layer.Zstd), layer.Zstd, s, listing); blob != unlooked {
		t.Errorf("with a check %+v, without %+v", blob, unlooked)
	}
}

type failing struct {
	after int64
	err   error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= int64(len(p)); f.after < 0 {
		return 0, f.err
	}
	return len(p), nil
}

// sourceFunc is a Source whose contents are made up.
type sourceFunc func(i int) (size int64, content string)

func (f sourceFunc) Blobs(ids []object.ID, use func(int, int64, io.Reader) error) error {
	for i := range ids {
		size, content := f(i)
		if err := use(i, size, strings.NewReader(content)); err != nil {
			return err
		}
	}
	return nil
}

// TestErrorsEndTheLayer, and the writer's next one is as if nothing had been.
func TestErrorsEndTheLayer(t *testing.T) {
	oops := errors.New("oops")
	s := newStorage()
	listing := list(t, s, packages())
	lost := newStorage()
	for id, content := range s.blobs {
		if content != "long" {
			lost.blobs[id] = content
		}
	}
	noCheck := layer.Check{}
	all := func(string, int64) bool { return true }
	for _, c := range compressions {
		want, _ := write(t, newWriter(t, c), c, s, listing)
		w := newWriter(t, c)
		for name, attempt := range map[string]func() (layer.Blob, error){
			"a blob is missing": func() (layer.Blob, error) { return w.Write(io.Discard, listing, lost, noCheck) },
			"a check fails": func() (layer.Blob, error) {
				return w.Write(io.Discard, listing, s, layer.Check{Wants: all, Content: func(path string, _ []byte) error {
					if path == "packages/apm/1.1.0/docs/README.md" {
						return oops
					}
					return nil
				}})
			},
			"the disk is full": func() (layer.Blob, error) { return w.Write(&failing{100, oops}, listing, s, noCheck) },
			"content too short": func() (layer.Blob, error) {
				return w.Write(io.Discard, listing, sourceFunc(func(int) (int64, string) { return 10, "short" }), noCheck)
			},
			"content too long": func() (layer.Blob, error) {
				return w.Write(io.Discard, listing, sourceFunc(func(int) (int64, string) { return 2, "long" }), noCheck)
			},
			"the last content too short": func() (layer.Blob, error) {
				last := layer.Listing{Files: listing.Files[:1]}
				return w.Write(io.Discard, last, sourceFunc(func(int) (int64, string) { return 10, "short" }), noCheck)
			},
		} {
			blob, err := attempt()
			if err == nil || blob != (layer.Blob{}) {
				t.Errorf("%s, %s: %+v, %v", string(c), name, blob, err)
			}
			if name == "a check fails" || name == "the disk is full" {
				if !errors.Is(err, oops) {
					t.Errorf("%s, %s: %v", string(c), name, err)
				}
			}
			if got, _ := write(t, w, c, s, listing); got != want {
				t.Errorf("%s, after %s: %+v, want %+v", string(c), name, got, want)
			}
		}
	}
}
