// Package readme_test runs the commands of the README and of docs/, and the steps of the workflows, so that they stay true.
package readme_test

import (
	"os"
	"os/exec"
	"path/filepath"
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

func TestCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, repository := string(readme), ""
	if _, err := exec.LookPath("docker-registry"); err == nil || required() {
		repository = imageRepository(t, false)
		text = strings.ReplaceAll(text, shownRepository, repository)
	}
	s := newShell(t, checkout(t), "CONTAINERS_STORAGE_CONF="+engineStorage(t))
	run := 0
	for _, c := range commands(blocks(text)) {
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
			if repository == "" && strings.Contains(c.line, shownRepository) {
				t.Skip("docker-registry is not installed")
			}
			run++
			c.check(t, s)
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
