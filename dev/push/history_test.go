//go:build unix

package push_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// generations is how many commits each branch has.
const generations = 8

// upstreamFirst are the distributions that live; each has a branch of its name.
var upstreamFirst = []string{"production", "staging", "snapshot"}

// growing is the package of each branch that every generation adds a version of.
var growing = map[string]struct{ folder, minor string }{
	"production": {"packages/meadow_uptime", "1.0"},
	"staging":    {"packages/acme_web", "1.4"},
	"snapshot":   {"packages/otter_queue", "0.1"},
}

// history is a storage made of the sample. Generation 1 is the sample, each later one adds a version to each branch.
type history struct {
	repository string
	commits    map[string][]string // by branch, the oldest first
}

func newHistory(repository string, generations int) (history, error) {
	h := history{repository, map[string][]string{}}
	if _, err := output(".", "git", "init", "--quiet", "--bare", repository); err != nil {
		return h, err
	}
	for _, branch := range upstreamFirst {
		folder := filepath.Join(filepath.Dir(repository), "worktree", branch)
		if err := os.CopyFS(folder, os.DirFS(filepath.Join(moduleRoot, "testdata/storage", branch))); err != nil {
			return h, err
		}
		for g := 1; g <= generations; g++ {
			if err := h.grow(branch, folder, g); err != nil {
				return h, err
			}
		}
	}
	return h, nil
}

// grow commits a branch's next generation.
func (h history) grow(branch, folder string, generation int) error {
	if generation > 1 {
		if err := addVersion(folder, growing[branch].folder, growing[branch].minor, generation-1); err != nil {
			return err
		}
	}
	if _, err := h.git("read-tree", "--empty"); err != nil {
		return err
	}
	if _, err := h.git("--work-tree="+folder, "-c", "core.autocrlf=false", "add", "--all", "--force", folder); err != nil {
		return err
	}
	tree, err := h.git("write-tree")
	if err != nil {
		return err
	}
	args := []string{"commit-tree", "-m", fmt.Sprint("Generation ", generation), tree}
	if parents := h.commits[branch]; len(parents) > 0 {
		args = append(args, "-p", parents[len(parents)-1])
	}
	cmd := exec.Command("git", append([]string{"--git-dir=" + h.repository}, args...)...)
	cmd.Env = append(os.Environ(), author(time.Unix(1700000000, 0).Add(time.Duration(generation)*time.Hour))...)
	commit, err := outputOf(cmd)
	h.commits[branch] = append(h.commits[branch], commit)
	return err
}

// author is one and the same, so that commits have the same ids in each run.
func author(when time.Time) []string {
	date := fmt.Sprint(when.Unix(), " +0000")
	return []string{"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@localhost", "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@localhost", "GIT_COMMITTER_DATE=" + date}
}

var versionLine = regexp.MustCompile(`(?m)^version: .*$`)

// addVersion copies a package's <minor>.0 to <minor>.<patch>.
func addVersion(folder, pack, minor string, patch int) error {
	from, to := filepath.Join(folder, pack, minor+".0"), filepath.Join(folder, pack, fmt.Sprintf("%s.%d", minor, patch))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	manifest := filepath.Join(to, "manifest.yml")
	content, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	content = versionLine.ReplaceAll(content, fmt.Appendf(nil, "version: %s.%d", minor, patch))
	return os.WriteFile(manifest, content, 0o644)
}

// git runs git in the storage.
func (h history) git(args ...string) (string, error) {
	return output(".", "git", append([]string{"--git-dir=" + h.repository}, args...)...)
}

// moment is which generation each branch is at; those that do not matter are left out.
type moment map[string]int

// all is a moment with all branches at one generation.
func all(generation int) moment {
	m := moment{}
	for _, branch := range upstreamFirst {
		m[branch] = generation
	}
	return m
}

func (m moment) String() string {
	var parts []string
	for _, branch := range upstreamFirst {
		if m[branch] > 0 {
			parts = append(parts, fmt.Sprint(branch, m[branch]))
		}
	}
	return strings.Join(parts, "-")
}

// goTo puts the branches where they were at a moment.
func (h history) goTo(m moment) error {
	for branch, generation := range m {
		if _, err := h.git("update-ref", "refs/heads/"+branch, h.commits[branch][generation-1]); err != nil {
			return err
		}
	}
	return nil
}
