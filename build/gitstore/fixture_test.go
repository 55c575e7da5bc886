package gitstore_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// TestMain makes git the same for everybody: no configuration or variables of theirs (a hook's name a repository), one
// identity, one time. And nothing may go on in the background after a command, as git 2.47 has it: a test compares what
// is in a repository, or removes it.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "GIT_") && name != "GIT_EXEC_PATH" {
			os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "maintenance.auto", "GIT_CONFIG_VALUE_0": "false",
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "Author", "GIT_AUTHOR_EMAIL": "author@example.org", "GIT_AUTHOR_DATE": "1600000000 +0000",
		"GIT_COMMITTER_NAME": "Committer", "GIT_COMMITTER_EMAIL": "committer@example.org", "GIT_COMMITTER_DATE": "1667482888 +0200",
	} {
		os.Setenv(name, value)
	}
	os.Exit(m.Run())
}

// git runs git in a folder and returns what it prints.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return gitWith(t, dir, "", args...)
}

func gitWith(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// checkout is a new repository with a working tree and one commit on each branch: a file, manifest.yml, that holds the
// branch's name.
func checkout(t testing.TB, branches ...string) string {
	t.Helper()
	return checkoutIn(t, filepath.Join(folder(t), "checkout"), "sha1", branches...)
}

// folder is an empty one, under its real name: git resolves links.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkoutIn(t testing.TB, dir, format string, branches ...string) string {
	t.Helper()
	git(t, "", "init", "--quiet", "--object-format="+format, "--initial-branch=main", dir)
	for _, branch := range branches {
		git(t, dir, "checkout", "--quiet", "--orphan", branch)
		commit(t, dir, "manifest.yml", branch)
	}
	return dir
}

// commit writes a file and commits it to the branch that is checked out.
func commit(t testing.TB, dir, path, content string) object.ID {
	t.Helper()
	write(t, filepath.Join(dir, filepath.FromSlash(path)), content)
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message", "change "+path)
	return resolve(t, dir, "HEAD")
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func resolve(t testing.TB, dir, revision string) object.ID {
	t.Helper()
	id, err := object.Parse(git(t, dir, "rev-parse", "--verify", revision))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func open(t testing.TB, dir string) *gitstore.Storage {
	t.Helper()
	s, err := gitstore.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reader is closed with the test.
func reader(t testing.TB, s *gitstore.Storage) *gitstore.Reader {
	t.Helper()
	r, err := s.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// head is the commit of a branch.
func head(t testing.TB, s *gitstore.Storage, branch string) object.ID {
	t.Helper()
	b, err := s.Branch(branch)
	if err != nil {
		t.Fatal(err)
	}
	return b.Commit
}

// listed is all that a branch holds, read by a Reader: "<mode> <path>=<content>" a line.
func listed(t testing.TB, s *gitstore.Storage, branch string) []string {
	t.Helper()
	r, err := s.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	at, err := r.Commit(head(t, s, branch))
	if err != nil {
		t.Fatal(err)
	}
	forest := object.NewForest()
	if err := forest.Load(r, at.Tree); err != nil {
		t.Fatal(err)
	}
	var lines []string
	err = forest.Walk("", at.Tree, func(path string, e object.TreeEntry) error {
		if e.Mode == object.ModeTree {
			return nil
		}
		content, err := r.Blob(e.ID)
		lines = append(lines, fmt.Sprintf("%06o %s=%s", e.Mode, path, content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func wantLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%q\nwant:\n%q", what, got, want)
	}
}
