package gitstore_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// formats are git's two object formats.
var formats = []string{"sha1", "sha256"}

// fixture is a branch with files of each kind, in either format.
func fixture(t *testing.T, format string) string {
	t.Helper()
	dir := checkoutIn(t, filepath.Join(folder(t), format), format)
	for path, content := range map[string]string{
		"a-b": "dash", "a/x": "in a", "a.b": "dot", "a0": "zero", "empty": "", "large": strings.Repeat("large\n", 100_000), "run": "#!",
		"newline": "\n", "binary": "\x00\xff\r\n",
	} {
		write(t, filepath.Join(dir, path), content)
	}
	if err := os.Chmod(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a/x", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	commit(t, dir, "last", "last")
	git(t, dir, "branch", "production")
	return dir
}

func TestReader(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			dir := fixture(t, format)
			s := open(t, dir)
			if got, want := len(head(t, s, "production")), map[string]int{"sha1": 40, "sha256": 64}[format]; got != want {
				t.Fatalf("ids are of %d digits", got)
			}
			r := reader(t, s)
			at, err := r.Commit(head(t, s, "production"))
			if err != nil {
				t.Fatal(err)
			}
			if want := resolve(t, dir, "production^{tree}"); at.Tree != want {
				t.Errorf("the tree is %s, want %s", at.Tree, want)
			}
			if want := time.Unix(1667482888, 0).UTC(); at.Time != want {
				t.Errorf("the time is %s, want the committer's, %s", at.Time, want)
			}
			trees, err := r.Trees([]object.ID{at.Tree, resolve(t, dir, "production:a"), at.Tree})
			if err != nil || len(trees) != 3 {
				t.Fatalf("%d trees, %v", len(trees), err)
			}
			var got []string
			for _, e := range trees[0] {
				got = append(got, fmt.Sprintf("%06o %s %s", e.Mode, e.ID, e.Name))
			}
			var want []string // as git prints it: "<mode> <kind> <id>\t<name>"
			for line := range strings.Lines(git(t, dir, "ls-tree", "production")) {
				fields := strings.Fields(line)
				want = append(want, fields[0]+" "+fields[2]+" "+fields[3])
			}
			wantLines(t, "tree", got, want)
			if !slices.Equal(trees[0], trees[2]) || len(trees[1]) != 1 || trees[1][0].Name != "x" {
				t.Errorf("the other trees are %v and %v", trees[1], trees[2])
			}
		})
	}
}

func TestBlobsAndSizes(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			dir := fixture(t, format)
			r := reader(t, open(t, dir))
			paths := []string{"large", "empty", "a-b", "binary", "large", "newline", "link", "empty", "run"}
			ids := make([]object.ID, len(paths))
			contents := make([]string, len(paths))
			for i, path := range paths {
				ids[i] = resolve(t, dir, "production:"+path)
				content, err := os.ReadFile(filepath.Join(dir, path))
				if err != nil {
					t.Fatal(err)
				}
				contents[i] = string(content)
			}
			contents[6] = "a/x" // a symlink's content is its target
			if object.EmptyBlob(ids[0]) != ids[1] {
				t.Errorf("the empty blob is %s", ids[1])
			}
			sizes, err := r.Sizes(ids)
			if err != nil {
				t.Fatal(err)
			}
			next := 0
			err = r.Blobs(ids, func(i int, size int64, content io.Reader) error {
				if i != next {
					t.Errorf("blob %d comes after %d", i, next-1)
				}
				next++
				read, err := io.ReadAll(content)
				if string(read) != contents[i] || size != int64(len(read)) || sizes[i] != size {
					t.Errorf("%s: %d bytes, of size %d and %d, want %d", paths[i], len(read), size, sizes[i], len(contents[i]))
				}
				return err
			})
			if err != nil || next != len(paths) {
				t.Errorf("%d blobs, %v", next, err)
			}
			for i, id := range ids {
				if got, err := r.Blob(id); err != nil || string(got) != contents[i] {
					t.Errorf("%s alone: %d bytes, %v", paths[i], len(got), err)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhatIsLeftUnreadIsSkipped: the next blob is whole.
func TestWhatIsLeftUnreadIsSkipped(t *testing.T) {
	dir := fixture(t, "sha1")
	r := reader(t, open(t, dir))
	ids := []object.ID{resolve(t, dir, "production:large"), resolve(t, dir, "production:a-b")}
	for _, bite := range []int64{0, 1, 599_999, 600_000} {
		err := r.Blobs(slices.Concat(ids, ids), func(i int, size int64, content io.Reader) error {
			if i%2 == 0 {
				_, err := io.CopyN(io.Discard, content, bite)
				return err
			}
			if read, err := io.ReadAll(content); err != nil || string(read) != "dash" {
				t.Errorf("after %d bytes, the next blob is %q, %v", bite, read, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("after %d bytes: %v", bite, err)
		}
	}
}

func TestRequestForNothing(t *testing.T) {
	r := reader(t, open(t, checkout(t, "production")))
	if err := r.Blobs(nil, nil); err != nil {
		t.Error(err)
	}
	if sizes, err := r.Sizes(nil); err != nil || len(sizes) != 0 {
		t.Error(sizes, err)
	}
	if trees, err := r.Trees(nil); err != nil || len(trees) != 0 {
		t.Error(trees, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestManyBlobsInOneRequest: requests and answers are both larger than a pipe, and neither process may wait for the other.
func TestManyBlobsInOneRequest(t *testing.T) {
	const many = 5000
	dir := checkout(t)
	var stream bytes.Buffer
	contents := make([]string, many)
	for i := range contents {
		contents[i] = strings.Repeat(fmt.Sprintf("content %d\n", i), i%100)
		fmt.Fprintf(&stream, "blob\nmark :%d\ndata %d\n%s\n", i+1, len(contents[i]), contents[i])
	}
	marks := filepath.Join(t.TempDir(), "marks")
	gitWith(t, dir, stream.String(), "fast-import", "--quiet", "--export-marks="+marks)
	exported, err := os.ReadFile(marks)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]object.ID, many)
	for line := range strings.Lines(string(exported)) {
		var i int
		var id object.ID
		if _, err := fmt.Sscanf(line, ":%d %s", &i, &id); err != nil {
			t.Fatal(err)
		}
		ids[i-1] = id
	}
	s := open(t, dir)
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			r, err := s.Reader(t.Context())
			if err != nil {
				return err
			}
			sizes, err := r.Sizes(ids)
			if err != nil {
				return err
			}
			err = r.Blobs(ids, func(i int, size int64, content io.Reader) error {
				read, err := io.ReadAll(content)
				if err == nil && (string(read) != contents[i] || sizes[i] != size) {
					return fmt.Errorf("blob %d: %d bytes, want %d", i, len(read), len(contents[i]))
				}
				return err
			})
			if err != nil {
				return err
			}
			return r.Close()
		}()
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("both processes wait for each other")
	}
}

// TestReplacedObjectsAreIgnored, or the content would not match its id.
func TestReplacedObjectsAreIgnored(t *testing.T) {
	dir := checkout(t, "production", "other")
	git(t, dir, "replace", string(resolve(t, dir, "production:manifest.yml")), string(resolve(t, dir, "other:manifest.yml")))
	git(t, dir, "replace", string(resolve(t, dir, "production")), string(resolve(t, dir, "other")))
	s := open(t, dir)
	if got := s.Replaced(); got != 2 {
		t.Errorf("%d are replaced", got)
	}
	wantLines(t, "branch", listed(t, s, "production"), []string{"100644 manifest.yml=production"})
	if s.HasBranch("refs/replace/" + string(head(t, s, "production"))) {
		t.Error("a replacement is a branch")
	}
}

// TestOldModes: git once wrote group's permissions into trees, and checks such files out like any others.
func TestOldModes(t *testing.T) {
	dir := checkout(t, "production")
	blob := resolve(t, dir, "production:manifest.yml")
	raw := func(id object.ID) string {
		out := make([]byte, len(id)/2)
		fmt.Sscanf(string(id), "%x", &out)
		return string(out)
	}
	tree := "100664 f\x00" + raw(blob) + "100654 g\x00" + raw(blob) + "100775 x\x00" + raw(blob) + "100744 y\x00" + raw(blob)
	id := object.ID(gitWith(t, dir, tree, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"))
	trees, err := reader(t, open(t, dir)).Trees([]object.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	want := []object.TreeEntry{
		{Name: "f", Mode: object.ModeFile, ID: blob}, {Name: "g", Mode: object.ModeFile, ID: blob}, // by the owner's permission
		{Name: "x", Mode: object.ModeExecutable, ID: blob}, {Name: "y", Mode: object.ModeExecutable, ID: blob},
	}
	if !slices.Equal(trees[0], want) {
		t.Errorf("%+v", trees[0])
	}
}

// TestCommitHeaders: a signed commit has lines that look like others, and a message may, too.
func TestCommitHeaders(t *testing.T) {
	dir := checkout(t, "production")
	tree := resolve(t, dir, "production^{tree}")
	other := strings.Repeat("1", 40)
	for name, c := range map[string]struct {
		text string
		when int64
	}{
		"signed": {"author A <a> 1 +0000\ncommitter C <c> 1700000000 -0930\n" +
			"gpgsig -----BEGIN\n \n tree " + other + "\n -----END\n\nmessage\n", 1700000000},
		"a message like a header": {"author A <a> 1 +0000\ncommitter C <c> 5 +0000\n\ntree " + other + "\ncommitter D <d> 6 +0000\n", 5},
		"no message":              {"author A <a> 1 +0000\ncommitter C <c> 5 +0000\n", 5},
		"names with digits":       {"author A <a> 1 +0000\ncommitter 7 of 9 <7@9> 8 +0000\n\n", 8},
		"no name":                 {"author  <> 1 +0000\ncommitter  <> 9 +0000\n\n", 9},
		"before 1970":             {"author A <a> 1 +0000\ncommitter C <c> -10 +0000\n\n", -10},
	} {
		parent := "parent " + string(head(t, open(t, dir), "production")) + "\n"
		text := "tree " + string(tree) + "\n" + parent + parent + c.text
		id := object.ID(gitWith(t, dir, text, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"))
		got, err := reader(t, open(t, dir)).Commit(id)
		_, message, _ := strings.Cut(c.text, "\n\n")
		if want := (gitstore.Commit{Tree: tree, Time: time.Unix(c.when, 0).UTC(), Parents: 2, Message: message}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
}
