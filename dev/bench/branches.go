package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// measureBranches times what moves packages between branches, and what looks at them: on a bare clone, which is its own
// remote.
func (b *bench) measureBranches(ctx context.Context, r *report) error {
	b.say("a promotion, status, policy, %d × each", b.runs)
	clone := filepath.Join(b.tmp, "branches.git")
	if _, err := timed(command(ctx, b.tmp, "git", "clone", "-q", "--bare", b.source, clone)); err != nil {
		return fmt.Errorf("clone the storage for promotions: %w", err)
	}
	dir := filepath.Join(b.tmp, "branches")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	target := func(words ...string) (float64, error) {
		cmd := command(ctx, b.root, b.pipeline, words...)
		cmd.Env = environment("STORAGE="+clone, "DIST="+filepath.Join(dir, "dist"), "PACKAGE_STORAGE_CACHE="+cacheIn(dir), "CI=1",
			"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@localhost", "GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@localhost", "REASON=to measure it") // some have been in staging before
		used, err := timed(cmd)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", strings.Join(words, " "), err)
		}
		return used.wall, nil
	}
	packages, err := b.promotable(ctx, clone)
	if err != nil {
		return err
	}
	first, err := target("status") // histories are read once
	if err != nil {
		return err
	}
	var promotions, statuses, policies []float64
	for i := range b.runs {
		for _, one := range []struct {
			into  *[]float64
			words []string
		}{
			{&promotions, []string{"promote", "staging", packages[i%len(packages)]}}, {&statuses, []string{"status"}}, {&policies, []string{"policy", branch}},
		} {
			took, err := target(one.words...)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, took)
		}
	}
	r.add(newFigure("one package promoted, whole process", inSeconds, 0.3, "snapshot to staging, both branches pushed at once", promotions...),
		newFigure("status, whole process", inSeconds, 0.5, fmt.Sprintf("%.2f s the first time, when it reads the histories", first), statuses...),
		newFigure("policy of all commits, whole process", inSeconds, 3, "", policies...))
	return nil
}

// promotable are versions that only snapshot has.
func (b *bench) promotable(ctx context.Context, clone string) ([]string, error) {
	there := map[string]map[string]bool{}
	for _, name := range []string{"snapshot", "staging", branch} {
		out, err := output(command(ctx, clone, "git", "ls-tree", "-d", "-r", "--name-only", name, "packages/"))
		if err != nil {
			return nil, fmt.Errorf("list the packages of %s: %w", name, err)
		}
		there[name] = map[string]bool{}
		for _, path := range strings.Fields(string(out)) {
			if strings.Count(path, "/") == 2 {
				there[name][path] = true
			}
		}
	}
	var found []string
	for path := range there["snapshot"] {
		if !there["staging"][path] && !there[branch][path] {
			found = append(found, strings.Replace(strings.TrimPrefix(path, "packages/"), "/", "-", 1))
		}
	}
	if len(found) < b.runs {
		return nil, fmt.Errorf("only %d versions can be promoted, and %d runs are wanted", len(found), b.runs)
	}
	return found, nil
}
