package gitstore_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/object"
)

// TestContentOfAnotherId: git hands out what lies under an id without a look at it, and layers are kept under ids.
func TestContentOfAnotherId(t *testing.T) {
	for kind, name := range map[string]string{"blob": ":manifest.yml", "tree": "^{tree}"} {
		t.Run(kind, func(t *testing.T) {
			// A checkout each: git resolves a blob's name through the tree, damaged or not.
			dir := checkout(t, "production", "staging")
			loose := func(id object.ID) string {
				return filepath.Join(dir, ".git", "objects", string(id[:2]), string(id[2:]))
			}
			victim, other := resolve(t, dir, "production"+name), resolve(t, dir, "staging"+name)
			if victim == other {
				t.Fatalf("the two branches have one %s", kind)
			}
			content, err := os.ReadFile(loose(other))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Remove(loose(victim)), os.WriteFile(loose(victim), content, 0o644)); err != nil {
				t.Fatal(err)
			}
			r := reader(t, open(t, dir))
			if kind == "tree" {
				_, err = r.Trees([]object.ID{victim})
			} else {
				err = r.Blobs([]object.ID{victim}, func(_ int, _ int64, content io.Reader) error {
					_, err := io.Copy(io.Discard, content)
					return err
				})
			}
			var lost *object.LostError
			if !errors.As(err, &lost) || lost.ID != victim || !lost.Damaged || !strings.Contains(err.Error(), "is damaged") {
				t.Error(err)
			}
		})
	}
}
