package readme_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// shell is a shell that somebody types into: the folder and what is exported last from command to command.
type shell struct {
	interpreter []string
	env         []string
	state       string
}

// newShell is a shell in a folder. Settings of the user's do not reach it, those of env do.
func newShell(t *testing.T, dir string, env ...string) *shell {
	t.Helper()
	s := &shell{interpreter: []string{"sh"}, state: filepath.Join(t.TempDir(), "state")}
	s.env = append(os.Environ(), "CI=true", "STORAGE=", "IMAGE=", "PUBLISHED=", "FORCE=", "REASON=", "DRY_RUN=", "DIST=", "WITH=",
		"COMPRESSION=", "PLATFORMS=", "PACKAGE_REGISTRY=", "PACKAGE_REGISTRY_IMAGE=preview", "GITHUB_STEP_SUMMARY=",
		"PACKAGE_STORAGE_CACHE="+t.TempDir(), "SHELL_STATE="+s.state)
	s.env = append(s.env, env...)
	if err := os.WriteFile(s.state, []byte("cd '"+dir+"'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a script, which ends at the first command that fails, and returns what it printed.
func (s *shell) run(script string) (string, error) {
	const before = `. "$SHELL_STATE"
trap '{ export -p; echo "cd \"$PWD\""; } > "$SHELL_STATE"' EXIT
set -e
`
	cmd := exec.Command(s.interpreter[0], append(s.interpreter[1:], "-c", before+script)...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
