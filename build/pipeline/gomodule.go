package pipeline

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// registryModule is the registry's Go module: a branch whose own module requires it names the registry version there, too.
const registryModule = "github.com/elastic/package-registry"

// requirement finds the version in a go.mod. Its last word may be a comment.
var requirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(registryModule) + `\s+(v[^\s]+)`)

// GoError says that the go command could not bring a branch's module to another registry version.
type GoError struct{ Branch, Command, Said string }

func (e *GoError) Error() string {
	return branchPath(e.Branch, "go.mod") + ": " + e.Command + ": " + e.Said
}

// moduleVersion is the registry version that the branch's go.mod requires, "" where it requires none.
func (s *Session) moduleVersion(branch scanned) (string, error) {
	content, err := s.file(branch, "go.mod")
	if err != nil {
		return "", err
	}
	found := requirement.FindSubmatch(content)
	if found == nil {
		return "", nil
	}
	return string(found[1]), nil
}

// bumpModule lets the go command bring a branch's module to a version, in a folder of its own without the packages. files are
// what changes, remove what goes: the folder vendor is made anew.
func (s *Session) bumpModule(ctx context.Context, branch scanned, version string, files map[string][]byte) (remove []string, err error) {
	before, err := s.moduleVersion(branch)
	if err != nil || before == "" || before == version {
		return nil, err
	}
	stage := s.report.Stage("update the Go module of " + branch.Name)
	dir, err := os.MkdirTemp("", "package-storage-module-")
	if err != nil {
		stage.Failed()
		return nil, errors.Wrap(err, "make a folder for the Go module")
	}
	defer os.RemoveAll(dir)
	vendored, err := s.extract(branch, dir)
	commands := []string{"get " + registryModule + "@" + version, "mod tidy"}
	if vendored {
		commands = append(commands, "mod vendor")
	}
	for _, command := range commands {
		if err == nil {
			err = goCommand(ctx, branch.Name, dir, command)
		}
	}
	if err == nil {
		err = collect(dir, files)
	}
	if err != nil {
		stage.Failed()
		return nil, err
	}
	stage.Done(before + " to " + version)
	if vendored {
		remove = []string{"vendor"}
	}
	return remove, nil
}

// goCommand runs go in a folder, where nothing of the caller's module counts.
func goCommand(ctx context.Context, branch, dir, command string) error {
	cmd := exec.CommandContext(ctx, "go", strings.Fields(command)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		said := strings.TrimSpace(string(out))
		if said == "" {
			said = err.Error()
		}
		return &GoError{branch, "go " + command, said}
	}
	return nil
}

// extract writes the branch's files but packages/ into a folder; vendored says whether there is a folder vendor.
func (s *Session) extract(branch scanned, dir string) (vendored bool, err error) {
	err = s.readers.with(func(reader *gitstore.Reader) error {
		root, err := reader.Trees([]object.ID{branch.Root})
		if err != nil {
			return err
		}
		for _, e := range root[0] {
			vendored = vendored || e.Name == "vendor"
			if e.Name == "packages" {
				continue
			}
			if err := extractEntry(reader, filepath.Join(dir, e.Name), e); err != nil {
				return err
			}
		}
		return nil
	})
	return vendored, errors.Wrapf(err, "write the files of branch %s", branch.Name)
}

func extractEntry(reader *gitstore.Reader, path string, e object.TreeEntry) error {
	switch e.Mode {
	case object.ModeFile, object.ModeExecutable:
		content, err := reader.Blob(e.ID)
		if err != nil {
			return err
		}
		return os.WriteFile(path, content, 0o644)
	case object.ModeTree:
		inner, err := reader.Trees([]object.ID{e.ID})
		if err != nil {
			return err
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		for _, e := range inner[0] {
			if err := extractEntry(reader, filepath.Join(path, e.Name), e); err != nil {
				return err
			}
		}
	}
	return nil // links and submodules are no part of a module
}

// collect reads what the go command writes: go.mod, go.sum and vendor.
func collect(dir string, files map[string][]byte) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if err == nil {
			files[name] = content
		}
	}
	vendor := filepath.Join(dir, "vendor")
	if _, err := os.Stat(vendor); err != nil {
		return nil // there is none
	}
	folder, err := gitstore.ReadFolder("", vendor, "vendor")
	if err != nil {
		return err
	}
	for path, source := range folder.Files {
		if files[path], err = os.ReadFile(source); err != nil {
			return err
		}
	}
	return nil
}
