// Package readme_test runs the README's commands, so that it stays true.
package readme_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/otiai10/copy"
)

// elsewhere are commands that other tests run, or that can't be run in a test; and why.
var elsewhere = map[string]string{
	"go tool mage test": "this test is part of it",
	"git clone":         "there may be no network; a storage is put in its place",
	"podman":            "dev/peers runs the image in engines",
	"curl":              "dev/peers asks the registry in the image",
	"buildah":           "dev/peers builds from the context",
}

// needed are tools that a command starts with and that are not installed everywhere.
var needed = []string{"skopeo"}

// command is one of a block, with the lines that the README shows below it.
type command struct {
	line     string
	expected []string
}

func TestCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	project := checkout(t)
	env := append(os.Environ(), "STORAGE=", "CI=true", "PACKAGE_STORAGE_CACHE="+t.TempDir(), "DIST=", "WITH=",
		"COMPRESSION=", "PACKAGE_REGISTRY_IMAGE=preview", "CONTAINERS_STORAGE_CONF="+engineStorage(t))
	run := 0
	for _, c := range commands(string(readme)) {
		t.Run(c.line, func(t *testing.T) {
			for prefix, why := range elsewhere {
				if strings.HasPrefix(c.line, prefix) {
					t.Log("not run here: " + why)
					return
				}
			}
			for _, tool := range needed {
				if _, err := exec.LookPath(tool); err != nil && strings.HasPrefix(c.line, tool) {
					t.Skip(tool + " is not installed")
				}
			}
			run++
			c.check(t, project, env)
		})
	}
	if run < 8 {
		t.Errorf("only %d commands were found in the README", run)
	}
}

// checkout copies the project, without its history, to where commands can't harm it, and puts a storage beside it.
func checkout(t *testing.T) string {
	t.Helper()
	project := filepath.Join(t.TempDir(), "project")
	err := copy.Copy("../..", project, copy.Options{Skip: func(info os.FileInfo, src, _ string) (bool, error) {
		return info.IsDir() && (info.Name() == ".git" || info.Name() == "dist" || info.Name() == "vendor"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	script := `set -e
git init --quiet --bare storage.git
for branch in production staging snapshot experimental; do
	export GIT_DIR=$PWD/storage.git GIT_INDEX_FILE=$PWD/$branch.index
	(cd testdata/storage/$branch && git --work-tree=. add --all .)
	commit=$(echo $branch | git -c user.name=a -c user.email=a@b commit-tree "$(git write-tree)")
	git update-ref refs/heads/$branch "$commit"
done`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = project
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a storage: %v\n%s", err, out)
	}
	return project
}

// engineStorage is a configuration (containers-storage.conf(5)) by which skopeo keeps images apart from the user's.
func engineStorage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "storage.conf")
	content := "[storage]\ndriver = \"vfs\"\ngraphroot = \"" + dir + "/root\"\nrunroot = \"" + dir + "/run\"\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var block = regexp.MustCompile("(?ms)^```(console|sh)\n(.*?)^```$")

// commands are those of all blocks. In a console block they start with "$ ", and what follows is expected.
func commands(readme string) []command {
	var found []command
	for _, match := range block.FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(match[2]) {
			line = strings.TrimSuffix(line, "\n")
			if match[1] == "sh" {
				found = append(found, command{line: line})
			} else if typed, isCommand := strings.CutPrefix(line, "$ "); isCommand {
				found = append(found, command{line: typed})
			} else {
				last := &found[len(found)-1]
				last.expected = append(last.expected, line)
			}
		}
	}
	return found
}

// check runs a command and looks for the lines that the README shows, numbers aside.
func (c command) check(t *testing.T, project string, env []string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", c.line)
	cmd.Dir, cmd.Env = project, env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	failure := len(c.expected) > 0 && strings.HasPrefix(c.expected[0], "Error: ")
	if (err != nil) != failure {
		t.Fatalf("%v\n%s", err, out.String())
	}
	got := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		got[blurred(line)] = true
	}
	for _, line := range c.expected {
		if !got[blurred(line)] {
			t.Errorf("the README shows\n\t%s\nbut the command printed\n%s", line, out.String())
		}
	}
}

var (
	digests = regexp.MustCompile(`\b(sha256:)?[0-9a-f]{12,64}\b`)
	times   = regexp.MustCompile(`\b[0-9.]+ (s|kB|MB|B)\b`)
)

// blurred leaves out what differs from machine to machine and from change to change.
func blurred(line string) string {
	line = digests.ReplaceAllString(strings.TrimSpace(line), "#")
	return times.ReplaceAllString(line, "#")
}
