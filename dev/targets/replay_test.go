package targets_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// dev/replay is a module of its own, which `go test ./...` of this one leaves out.
func TestReplayModule(t *testing.T) {
	for _, dir := range []string{"../replay", "../imagerepo", "../../build"} {
		look(t, dir)
	}
	for _, args := range [][]string{{"vet", "-C", "../replay", "./..."}, {"test", "-C", "../replay", "./..."}} {
		if said, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args, err, said)
		}
	}
}

// look reads the sources below a folder. The go command takes what a test has looked at for its input: without that it
// would show an earlier result as "(cached)" though the code has changed.
func look(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if ext := filepath.Ext(path); ext == ".go" || ext == ".mod" || ext == ".sum" {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
