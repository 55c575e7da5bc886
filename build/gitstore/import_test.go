package gitstore_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// samples is a folder with all that Import knows of.
func samples(t *testing.T) string {
	t.Helper()
	root := filepath.Join(folder(t), "samples")
	for path, content := range map[string]string{
		"apm/1.0.0/manifest.yml": "name: apm\n", "apm/1.0.0/bin/run": "#!", "apm/1.0.0/empty": "", "README.md": "# hi\n",
		"apm/1.0.0/.git/config": "not mine", "apm/1.0.0/.gitignore": "*", "apm/1.0.0/no-newline": "x", "apm/1.0.0/data": "data 3\nabc\n",
	} {
		write(t, filepath.Join(root, path), content)
	}
	write(t, filepath.Join(root, "apm/1.1.0/.git"), "gitdir: elsewhere")
	if err := os.Chmod(filepath.Join(root, "apm/1.0.0/bin/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../none", filepath.Join(root, "apm/1.0.0/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "apm/2.0.0/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// imported are the samples, as a branch.
var imported = []string{
	"100644 README.md=# hi\n", "100644 apm/1.0.0/.gitignore=*", "100755 apm/1.0.0/bin/run=#!", "100644 apm/1.0.0/data=data 3\nabc\n",
	"100644 apm/1.0.0/empty=", "120000 apm/1.0.0/link=../none", "100644 apm/1.0.0/manifest.yml=name: apm\n",
	"100644 apm/1.0.0/no-newline=x",
}

func readFolder(t *testing.T, branch, root, prefix string) gitstore.Folder {
	t.Helper()
	f, err := gitstore.ReadFolder(branch, root, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func importInto(t *testing.T, folders ...gitstore.Folder) *gitstore.Storage {
	t.Helper()
	s, err := gitstore.Import(t.Context(), filepath.Join(t.TempDir(), "storage.git"), "the sample", folders)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func below(prefix string, lines []string) []string {
	var out []string
	for _, line := range lines {
		mode, rest, _ := strings.Cut(line, " ")
		out = append(out, mode+" "+prefix+rest)
	}
	return out
}

func TestImport(t *testing.T) {
	root := samples(t)
	s := importInto(t, readFolder(t, "production", root, ""), readFolder(t, "staging", root, "packages/x"))
	wantLines(t, "production", listed(t, s, "production"), imported)
	wantLines(t, "staging", listed(t, s, "staging"), below("packages/x/", imported))
	if s.Location() != "the sample" || s.HasBranch("main") {
		t.Errorf("location %s", s.Location())
	}
	at, err := reader(t, s).Commit(head(t, s, "production"))
	if err != nil || !at.Time.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%+v, %v", at, err)
	}
}

// TestSameFilesSameCommits: wherever they lie, whatever their times, whoever imports them.
func TestSameFilesSameCommits(t *testing.T) {
	first := importInto(t, readFolder(t, "production", samples(t), ""))
	root := samples(t)
	old := time.Unix(1, 0)
	if err := os.Chtimes(filepath.Join(root, "README.md"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "README.md"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_COMMITTER_NAME", "Somebody else")
	t.Setenv("GIT_COMMITTER_DATE", "1 +0000")
	t.Setenv("TZ", "Asia/Tokyo")
	second := importInto(t, readFolder(t, "production", root, ""))
	if a, b := head(t, first, "production"), head(t, second, "production"); a != b {
		t.Errorf("the commits are %s and %s", a, b)
	}
	// And in years to come: the sample's images are compared by digest.
	if got, want := head(t, first, "production"), object.ID("8a64e6b5fda6ec85d6134eff6a24010b19405738"); got != want {
		t.Errorf("the commit is %s, it has always been %s", got, want)
	}
}

func TestFingerprint(t *testing.T) {
	fingerprint := func(branch, root, prefix string) string {
		t.Helper()
		f, err := gitstore.Fingerprint([]gitstore.Folder{readFolder(t, branch, root, prefix)})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	root := samples(t)
	first := fingerprint("production", root, "")
	if again := fingerprint("production", samples(t), ""); again != first {
		t.Error("the same files elsewhere have another fingerprint")
	}
	seen := map[string]string{
		first: "the first", fingerprint("staging", root, ""): "the branch", fingerprint("production", root, "packages"): "the prefix",
	}
	for _, c := range []struct {
		name   string
		change func() error
	}{
		{"content", func() error { return os.WriteFile(filepath.Join(root, "README.md"), []byte("# ho\n"), 0o644) }},
		{"mode", func() error { return os.Chmod(filepath.Join(root, "README.md"), 0o755) }},
		{"name", func() error { return os.Rename(filepath.Join(root, "README.md"), filepath.Join(root, "readme.md")) }},
		{"one less", func() error { return os.Remove(filepath.Join(root, "readme.md")) }},
		{"a link", func() error { return os.Symlink("# ho\n", filepath.Join(root, "readme.md")) }},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		f := fingerprint("production", root, "")
		if other, taken := seen[f]; taken {
			t.Errorf("a change of %s has the fingerprint of %s", c.name, other)
		}
		seen[f] = c.name
	}
	if len(seen) != 8 {
		t.Errorf("%d fingerprints", len(seen))
	}
}

// TestStrangeNames come back byte by byte.
func TestStrangeNames(t *testing.T) {
	root := folder(t)
	names := []string{
		" leading", "trailing ", `"quoted"`, `back\slash`, "new\nline", "tab\t", "-dash", "日本", "e\u0301", "\xff\xfe", "$HOME", "*",
		"M 100644 inline x", "'", "a\"\\b", "\x01", "\x7f", ":1", "#", `\101`,
	}
	want := map[string]bool{}
	for _, name := range names {
		for _, path := range []string{name, filepath.Join("in "+name, "f")} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
				t.Skip("the file system takes no such name: ", err)
			}
			if err := os.WriteFile(filepath.Join(root, path), []byte(path), 0o644); err != nil {
				t.Skip("the file system takes no such name: ", err)
			}
			want["100644 "+path+"="+path] = true
		}
	}
	for _, line := range listed(t, importInto(t, readFolder(t, "production", root, "")), "production") {
		if !want[line] {
			t.Errorf("%q was not there", line)
		}
		delete(want, line)
	}
	for line := range want {
		t.Errorf("%q is lost", line)
	}
}

func TestImportOfNothing(t *testing.T) {
	s := importInto(t)
	if s.HasBranch("production") {
		t.Error("there is a branch")
	}
	wantLines(t, "an empty folder", listed(t, importInto(t, readFolder(t, "production", folder(t), "")), "production"), nil)
}

func TestReadFolderThroughALink(t *testing.T) {
	root := samples(t)
	link := filepath.Join(folder(t), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	f := readFolder(t, "production", link, "packages")
	wantLines(t, "order", f.Order, readFolder(t, "production", root, "packages").Order)
}

func TestReadFolderThatIsNotThere(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	if _, err := gitstore.ReadFolder("production", none, ""); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), none) {
		t.Errorf("%v", err)
	}
}

// TestImportSaysWhichFileItCannotRead, and not what git makes of a stream that ends too early.
func TestImportSaysWhichFileItCannotRead(t *testing.T) {
	root, err := os.MkdirTemp("", "import") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	for _, size := range []int{0, 3000, 4000, 5000, 100_000} {
		write(t, filepath.Join(root, "before"), strings.Repeat("x", size))
		socket, err := net.Listen("unix", filepath.Join(root, "socket"))
		if err != nil {
			t.Skip("no sockets here: ", err)
		}
		f := readFolder(t, "production", root, "")
		for what, try := range map[string]func() error{
			"Import": func() error {
				_, err := gitstore.Import(t.Context(), filepath.Join(t.TempDir(), "s"), "x", []gitstore.Folder{f})
				return err
			},
			"Fingerprint": func() error { _, err := gitstore.Fingerprint([]gitstore.Folder{f}); return err },
		} {
			if err := try(); err == nil || !strings.Contains(err.Error(), filepath.Join(root, "socket")) {
				t.Errorf("%s, after a file of %d bytes: %v", what, size, err)
			}
		}
		socket.Close()
	}
}

func TestImportOfAFileThatIsGone(t *testing.T) {
	root := samples(t)
	f := readFolder(t, "production", root, "")
	if err := os.Remove(filepath.Join(root, "apm/1.0.0/manifest.yml")); err != nil {
		t.Fatal(err)
	}
	_, err := gitstore.Import(t.Context(), filepath.Join(t.TempDir(), "s"), "x", []gitstore.Folder{f})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
