package gitstore

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/errors"
)

// repository is a git directory and the environment in which git is run on it.
type repository struct {
	dir string
	env []string
}

// scrubbed are variables that a git hook or an alias may have set: they would point git at another repository.
var scrubbed = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG",
}

// noFile is where there can't be a file: git says something of grafts even where they are empty.
const noFile = os.DevNull + "/none"

// newRepository prepares to run git in dir. Git must not look for a repository further up: a folder inside of some
// checkout is no storage.
func newRepository(dir string) repository {
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(scrubbed, name)
	})
	env = append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE="+noFile,
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	return repository{dir: dir, env: env}
}

// command is a git process that ends with ctx: asked first, killed five seconds later.
func (r repository) command(ctx context.Context, args ...string) *exec.Cmd {
	// The repository is always one that was named, never one that git came upon: what safe.bareRepository guards against.
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "safe.bareRepository=all"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = r.env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// output runs git and returns what it printed. The error carries what git said.
func (r repository) output(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := r.command(ctx, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return nil, ErrNoGit
		}
		said := strings.TrimSpace(stderr.String())
		if said == "" {
			said = err.Error()
		}
		return nil, &GitError{Command: subcommand(args), Dir: r.dir, Said: said}
	}
	return stdout.Bytes(), nil
}

// GitError is a git command that failed, with what it wrote to its standard error.
type GitError struct {
	Command string
	Dir     string
	Said    string
}

func (e *GitError) Error() string {
	return "git " + e.Command + " in " + e.Dir + ": " + e.Said
}

// subcommand is the word after git's own options.
func subcommand(args []string) string {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// ErrNoGit says that there is no git to run.
var ErrNoGit = errors.New("git is not installed, or not on the PATH")

// ErrOldGit says that git lacks what is needed of it.
var ErrOldGit = errors.New("this git is too old (git cat-file --batch-command is needed)")
