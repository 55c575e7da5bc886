package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// commit is a commit to be made on the storage's branch, in the language of git fast-import.
type commit struct{ stream strings.Builder }

// newCommit starts one. A parent is a commit id; empty: the branch's first.
func newCommit(message, parent string) *commit {
	c := &commit{}
	fmt.Fprintf(&c.stream, "commit refs/heads/%s\ncommitter bench <bench@localhost> 1700000000 +0000\n", branch)
	fmt.Fprintf(&c.stream, "data %d\n%s\n", len(message), message)
	if parent != "" {
		fmt.Fprintf(&c.stream, "from %s\n", parent)
	}
	return c
}

// folder puts a tree that git has at a path.
func (c *commit) folder(path, tree string) { fmt.Fprintf(&c.stream, "M 040000 %s %s\n", tree, path) }

// file writes a file, also into a folder.
func (c *commit) file(path, content string) {
	fmt.Fprintf(&c.stream, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
}

func (c *commit) make(ctx context.Context, repository string) error {
	cmd := command(ctx, repository, "git", "fast-import", "--quiet", "--done")
	cmd.Stdin = strings.NewReader(c.stream.String() + "done\n")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("commit in %s: %w", filepath.Base(repository), err)
	}
	return nil
}

// line runs a git command that prints one line.
func line(ctx context.Context, repository string, args ...string) (string, error) {
	out, err := output(command(ctx, repository, "git", args...))
	return strings.TrimSpace(string(out)), err
}

// makeTiny makes a storage of one small package, which a registry would accept. The Dockerfile is the real one, so
// that both have the same registry version.
func (b *bench) makeTiny(ctx context.Context) error {
	b.tiny = filepath.Join(b.tmp, "tiny.git")
	if _, err := output(command(ctx, b.tmp, "git", "init", "-q", "--bare", b.tiny)); err != nil {
		return fmt.Errorf("make a small storage: %w", err)
	}
	c := newCommit("A small storage", "")
	dockerfile, err := output(command(ctx, b.storage, "git", "show", branch+":Dockerfile"))
	if err == nil { // else the pipeline has a default
		c.file("Dockerfile", string(dockerfile))
	}
	c.file("packages/bench/1.0.0/manifest.yml", "format_version: 1.0.0\nname: bench\nversion: 1.0.0\n"+
		"title: Bench\ndescription: A small package.\ntype: integration\nrelease: ga\n")
	c.file("packages/bench/1.0.0/docs/README.md", "# Bench\n")
	return errors.Join(ctx.Err(), c.make(ctx, b.tiny))
}
