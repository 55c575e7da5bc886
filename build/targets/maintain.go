package targets

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/magefile/mage/mg"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// toolsModfile has the linters, so that the library does not depend on them.
const toolsModfile = "-modfile=dev/tools/go.mod"

// Vendor tidies go.mod, copies all dependencies into vendor/ and verifies them.
func Vendor(ctx context.Context) error {
	return commands(ctx, "vendor", "go mod tidy", "go mod vendor", "go mod verify")
}

// Check finds what is wrong without running it: format, vet, staticcheck, go.mod, workflows, known vulnerabilities.
func Check(ctx context.Context) error {
	out := newTerminal(os.Stdout, os.Stderr, mg.Verbose())
	if err := formatted(ctx); err != nil {
		return explain("check", err)
	}
	err := commands(ctx, "check", "go vet ./...", "go vet -tags mage ./...", "go mod tidy -diff",
		"go tool "+toolsModfile+" staticcheck ./...", "go tool "+toolsModfile+" staticcheck -tags mage .")
	if err != nil {
		return err
	}
	if err := workflows(ctx); err != nil {
		return err
	}
	return vulnerabilities(ctx, out)
}

// workflows judges those of GitHub and the examples of docs/ci. What else actionlint can ask (shellcheck, pyflakes) may
// be installed here and not there, and is left out: the check must say the same everywhere.
func workflows(ctx context.Context) error {
	var files []string
	for _, pattern := range []string{".github/workflows/*.yml", "docs/ci/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("find workflows: %w", err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil // another project's magefile has this target too
	}
	return commands(ctx, "check", "go tool "+toolsModfile+" actionlint -no-color -shellcheck= -pyflakes= "+strings.Join(files, " "))
}

// formatted judges the files that git knows: vendor/ is others' business.
func formatted(ctx context.Context) error {
	known, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.go").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	files := strings.FieldsFunc(string(known), func(r rune) bool { return r == 0 })
	unformatted, err := exec.CommandContext(ctx, "gofmt", append([]string{"-l"}, files...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("gofmt: %w: %s", err, unformatted)
	}
	if names := strings.Fields(string(unformatted)); len(names) > 0 {
		return &requestError{"not formatted: " + strings.Join(names, ", "), "gofmt -w " + strings.Join(names, " ")}
	}
	return nil
}

// vulnerabilities asks the vulnerability database; where that can't be reached the check goes on without, and says so.
func vulnerabilities(ctx context.Context, out *terminal) error {
	cmd := exec.CommandContext(ctx, "go", "tool", toolsModfile, "govulncheck", "./...")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	switch {
	case err == nil:
		out.line("ok govulncheck")
		return nil
	case strings.Contains(said.String(), "fetching vulnerabilities"):
		out.Warn("govulncheck: its database can't be reached; known vulnerabilities were not looked for")
		return nil
	}
	fmt.Fprint(os.Stderr, said.String())
	return explain("check", fmt.Errorf("govulncheck: %w", err))
}

// Test runs all tests; those that need a tool which is not installed skip themselves.
func Test(ctx context.Context) error {
	return commands(ctx, "test", "go test -timeout 40m ./...")
}

// Bench measures the pipeline on the real storage and prints the figures beside their targets.
func Bench(ctx context.Context) error {
	return commands(ctx, "bench", "go run ./dev/bench")
}

// Clean removes the outputs of all distributions and empties the cache.
func Clean(ctx context.Context) error {
	config, err := configuration()
	if err != nil {
		return explain("clean", err)
	}
	removed, err := pipeline.Clean(config)
	if err != nil {
		return explain("clean", err)
	}
	out := newTerminal(os.Stdout, os.Stderr, mg.Verbose())
	title := "clean"
	if config.DryRun {
		title = "clean: a dry run, nothing was removed"
	}
	out.summary(title, [][2]string{{"output", strings.Join(removed, " ")}, {"cache", config.Cache}})
	return nil
}

// commands runs commands one after the other, with their output as it comes. Their words hold no user data.
func commands(ctx context.Context, doing string, lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		fmt.Fprintln(os.Stderr, line)
		if err := cmd.Run(); err != nil {
			return explain(doing, fmt.Errorf("%s: %w", line, err))
		}
	}
	return nil
}
