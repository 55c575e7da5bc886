package codehost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// git is a bare repository.
type git struct{ dir string }

// gitError is git's refusal; code is its exit status.
type gitError struct {
	command, said string
	code          int
}

func (e *gitError) Error() string { return fmt.Sprintf("git %s: %s (%d)", e.command, e.said, e.code) }

// run gives what git says, without the last line's end. What users have set for their own git does not count.
func (g git) run(ctx context.Context, env []string, input string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "safe.bareRepository=all", "--git-dir=" + g.dir}, arguments...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = &gitError{arguments[0], strings.TrimSpace(problems.String()), exit.ExitCode()}
	}
	return strings.TrimSuffix(out.String(), "\n"), err
}

// says runs git and tells whether it says yes (0) or no (1).
func (g git) says(ctx context.Context, arguments ...string) (bool, error) {
	_, err := g.run(ctx, nil, "", arguments...)
	var refused *gitError
	if errors.As(err, &refused) && refused.code == 1 {
		return false, nil
	}
	return err == nil, err
}

func (g git) check() error {
	if g.dir == "" {
		return errors.New("there is no folder")
	}
	_, err := g.run(context.Background(), nil, "", "rev-parse", "--git-dir")
	return err
}

// branches are commits by name.
func (g git) branches(ctx context.Context) (map[string]string, error) {
	out, err := g.run(ctx, nil, "", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
	branches := map[string]string{}
	for line := range strings.Lines(out) {
		commit, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		branches[strings.TrimPrefix(name, "refs/heads/")] = commit
	}
	return branches, err
}

// mergeTree merges two commits into a tree; "" where they conflict.
func (g git) mergeTree(ctx context.Context, ours, theirs string) (string, error) {
	out, err := g.run(ctx, nil, "", "merge-tree", "--write-tree", "--allow-unrelated-histories", ours, theirs)
	var refused *gitError
	if errors.As(err, &refused) && refused.code == 1 {
		return "", nil
	}
	return out, err
}

// identity is whom commits are by.
var identity = []string{
	"GIT_COMMITTER_NAME=GitHub", "GIT_COMMITTER_EMAIL=noreply@example.org",
	"GIT_AUTHOR_NAME=Merger", "GIT_AUTHOR_EMAIL=merger@example.org",
}

// commit makes a commit of a tree. Whatever env says of its author counts.
func (g git) commit(ctx context.Context, env []string, message, tree string, parents ...string) (string, error) {
	arguments := []string{"commit-tree", tree}
	for _, parent := range parents {
		arguments = append(arguments, "-p", parent)
	}
	return g.run(ctx, append(slices.Clone(identity), env...), message, arguments...)
}

// move moves a ref, if it is where it was seen last; "" is for a new one.
func (g git) move(ctx context.Context, ref, to, from string) error {
	_, err := g.run(ctx, nil, "", "update-ref", ref, to, from)
	return err
}
