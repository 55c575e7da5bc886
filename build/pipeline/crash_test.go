package pipeline_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	codehostclient "github.com/seed-604f7181/package-storage/build/codehost"
	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/dev/codehost"
)

// TestMain runs a promotion instead of the tests, where a test has started this program to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("PROMOTE_TO") == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	config := pipeline.Config{
		Root: os.Getenv("PROMOTE_ROOT"), Storage: os.Getenv("PROMOTE_STORAGE"), Cache: os.Getenv("PROMOTE_CACHE"), Dist: "dist",
		CodeHost: pipeline.CodeHost{API: os.Getenv("PROMOTE_API"), Repository: "o/n", Token: os.Getenv("PROMOTE_TOKEN")},
	}
	session, err := pipeline.Open(ctx, config, silent{})
	switch {
	case err != nil:
	case os.Getenv("PROMOTE_PACKAGES") == "":
		_, err = session.FinishPromotions(ctx)
	default:
		_, err = session.Promote(ctx, os.Getenv("PROMOTE_TO"), strings.Split(os.Getenv("PROMOTE_PACKAGES"), ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// killer is a folder with a git that kills whoever has started it, before or after the real git has done its work, once it
// has been started so many times; 0 is never. Which commands were run is in the log.
func killer(t *testing.T) (path string, arm func(at int, after bool), commands func() []string) {
	t.Helper()
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, armed := filepath.Join(dir, "log"), filepath.Join(dir, "armed")
	script := `#!/bin/sh
# Git starts git itself: only what the pipeline starts counts.
[ -n "$KILLER_INSIDE" ] && exec ` + real + ` "$@"
export KILLER_INSIDE=1
echo "$*" >>` + log + `
n=$(wc -l <` + log + `)
read at after <` + armed + `
[ "$n" = "$at" ] && [ "$after" = before ] && kill -9 $PPID && exit 1
[ "$n" = "$at" ] || exec ` + real + ` "$@"
` + real + ` "$@"
code=$?
kill -9 $PPID
exit $code
`
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	arm = func(at int, after bool) {
		when := "before"
		if after {
			when = "after"
		}
		for path, content := range map[string]string{log: "", armed: fmt.Sprintln(at, when)} {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir, arm, func() []string {
		content, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(content)), "\n")
	}
}

// TestKilledPromotion: a promotion is killed before and after each git command that it runs. Whatever is left, every version
// is where it was or where it belongs, and the same command run again does the rest.
func TestKilledPromotion(t *testing.T) {
	identity(t)
	s := newStorage(t)
	for _, name := range []string{"apple", "pear", "plum"} {
		s.commit("snapshot", add(name+"/1.0.0", "content of "+name))
	}
	s.commit("staging", add("pear/1.0.0", "content of pear")) // half of it has happened
	root := direct(t)
	git, arm, commands := killer(t)
	heads := map[string]string{}
	for _, branch := range []string{"production", "staging", "snapshot"} {
		heads[branch] = s.git("rev-parse", branch)
	}
	promote := func(cache string) error {
		cmd := exec.Command(os.Args[0])
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), "PATH="+git+string(os.PathListSeparator)+os.Getenv("PATH"), "PROMOTE_TO=staging", "PROMOTE_PACKAGES=apple-1.0.0,pear-1.0.0",
			"PROMOTE_STORAGE="+s.dir, "PROMOTE_ROOT="+root, "PROMOTE_CACHE="+cache)
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(err.Error(), syscall.SIGKILL.String()) {
			t.Fatalf("%v: %s", err, out)
		}
		return err
	}
	r := repository{t, s.dir}
	state := func() map[string]map[string]string {
		all := map[string]map[string]string{}
		for branch := range heads {
			all[branch] = r.packages("refs/heads/" + branch)
		}
		return all
	}
	before := state()
	arm(0, false)
	if err := promote(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	after, steps := state(), commands()
	if maps.Equal(before["snapshot"], after["snapshot"]) || len(steps) < 5 {
		t.Fatalf("nothing was promoted, or not in steps: %q", steps)
	}
	killed, finished := 0, 0
	for at := 1; at <= len(steps); at++ {
		for _, later := range []bool{false, true} {
			for branch, head := range heads {
				s.git("update-ref", "refs/heads/"+branch, head)
			}
			cache := t.TempDir()
			arm(at, later)
			if promote(cache) != nil {
				killed++
			}
			where := fmt.Sprintf("killed at %q (after it: %v)", steps[at-1], later)
			left := state()
			for branch := range heads {
				if !maps.Equal(left[branch], before[branch]) && !maps.Equal(left[branch], after[branch]) {
					t.Errorf("%s: %s is neither as before nor as after: %v", where, branch, left[branch])
				}
			}
			for path := range missing(before["snapshot"], before["staging"]) {
				if left["snapshot"][path] == "" && left["staging"][path] == "" {
					t.Errorf("%s: %s is lost", where, path)
				}
			}
			if maps.Equal(left["snapshot"], after["snapshot"]) {
				finished++
			}
			arm(0, false)
			if err := promote(cache); err != nil {
				t.Errorf("%s: again: %v", where, err)
			}
			for branch, want := range after {
				if got := r.packages("refs/heads/" + branch); !maps.Equal(got, want) {
					t.Errorf("%s: again: %s has %v, want %v", where, branch, got, want)
				}
			}
		}
	}
	t.Logf("%d kills around %d git commands: %d times all had happened by then, %d times nothing", killed, len(steps), finished, 2*len(steps)-finished)
	if killed < 2*len(steps)-2 {
		t.Errorf("only %d were killed", killed)
	}
}

// TestKilledPullRequest: a promotion by pull request, and then its end, are killed around each git command that they run. One
// pull request is open in the end, and nothing is removed before it has been merged.
func TestKilledPullRequest(t *testing.T) {
	identity(t)
	s := newStorage(t)
	s.commit("staging", add("apple/1.0.0", "content of apple"))
	r := repository{t, s.dir}
	first := r.git("for-each-ref", "--format=update %(refname) %(objectname)", "refs/heads")
	git, arm, commands := killer(t)
	var host *codehost.Server
	var api string
	run := func(packages, cache string) error {
		cmd := exec.Command(os.Args[0])
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), "PATH="+git+string(os.PathListSeparator)+os.Getenv("PATH"), "PROMOTE_TO=production", "PROMOTE_PACKAGES="+packages,
			"PROMOTE_STORAGE="+s.dir, "PROMOTE_CACHE="+cache, "PROMOTE_API="+api, "PROMOTE_TOKEN=t")
		root, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "PROMOTE_ROOT="+root)
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(err.Error(), syscall.SIGKILL.String()) {
			t.Fatalf("%v: %s", err, out)
		}
		return err
	}
	// anew puts all branches where they were, with a code host that has never heard of them.
	anew := func() {
		t.Helper()
		for line := range strings.Lines(r.git("for-each-ref", "--format=%(refname)", "refs/heads")) {
			r.git("update-ref", "-d", strings.TrimSpace(line))
		}
		for line := range strings.Lines(first) {
			fields := strings.Fields(line)
			r.git("update-ref", fields[1], fields[2])
		}
		var err error
		if host, err = codehost.New(codehost.Config{Repository: "o/n", Dir: s.dir, Tokens: map[string]codehost.Access{"t": codehost.Write}}); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(host)
		t.Cleanup(server.Close)
		api = server.URL
	}
	open := func() []codehostclient.PullRequest {
		t.Helper()
		client, err := codehostclient.Open(codehostclient.Options{API: api, Token: "t", Repository: "o/n"})
		if err != nil {
			t.Fatal(err)
		}
		all, err := client.PullRequests(t.Context(), "production", "promote/production/")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	apple := treeAt(r, "staging", "apple/1.0.0")["packages/apple/1.0.0"]
	anew()
	arm(0, false)
	if err := run("apple-1.0.0", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	opening := len(commands())
	kills := 0
	for at := 1; at <= opening; at++ {
		for _, later := range []bool{false, true} {
			anew()
			cache := t.TempDir()
			arm(at, later)
			if run("apple-1.0.0", cache) != nil {
				kills++
			}
			if r.packages("refs/heads/staging")["apple/1.0.0"] != string(apple) {
				t.Fatalf("killed at command %d: it is gone from staging, and nothing is merged", at)
			}
			arm(0, false)
			if err := run("apple-1.0.0", cache); err != nil {
				t.Fatal(err)
			}
			if all := open(); len(all) != 1 || all[0].State != codehostclient.StateOpen || r.packages(all[0].Head)["apple/1.0.0"] != string(apple) {
				t.Fatalf("killed at command %d, and run again: the pull requests are %+v", at, all)
			}
		}
	}
	// It is merged, and what ends it is killed.
	merged := open()[0]
	r.git("update-ref", "refs/heads/production", merged.HeadCommit)
	first = r.git("for-each-ref", "--format=update %(refname) %(objectname)", "refs/heads")
	arm(0, false)
	if err := run("", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	ending := len(commands())
	for at := 1; at <= ending; at++ {
		for _, later := range []bool{false, true} {
			anew()
			cache := t.TempDir()
			arm(at, later)
			if run("", cache) != nil {
				kills++
			}
			arm(0, false)
			if err := run("", cache); err != nil {
				t.Fatal(err)
			}
			if there := r.packages("refs/heads/staging")["apple/1.0.0"]; there != "" || r.packages("refs/heads/production")["apple/1.0.0"] != string(apple) {
				t.Fatalf("killed at command %d, and run again: staging has %q", at, there)
			}
		}
	}
	t.Logf("%d kills around %d git commands that open it and %d that end it", kills, opening, ending)
}

// TestTwoPromotionsAtOnce: whoever is overtaken plans again. Both arrive.
func TestTwoPromotionsAtOnce(t *testing.T) {
	identity(t)
	root := direct(t)
	for round := range 5 {
		s := newStorage(t)
		for _, name := range []string{"apple", "pear"} {
			s.commit("snapshot", add(name+"/1.0.0", "content of "+name))
		}
		var group sync.WaitGroup
		errs := make([]error, 2)
		for i, word := range []string{"apple-1.0.0", "pear-1.0.0"} {
			config := pipeline.Config{Root: root, Storage: s.dir, Cache: t.TempDir(), Dist: t.TempDir()}
			group.Go(func() {
				session, err := pipeline.Open(context.Background(), config, silent{})
				if err == nil {
					_, err = session.Promote(context.Background(), "staging", []string{word})
					session.Close()
				}
				errs[i] = err
			})
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		r := repository{t, s.dir}
		snapshot, staging := r.packages("refs/heads/snapshot"), r.packages("refs/heads/staging")
		for _, path := range []string{"apple/1.0.0", "pear/1.0.0"} {
			if snapshot[path] != "" || staging[path] == "" {
				t.Errorf("round %d: %s is in snapshot (%q) or not in staging (%q)", round, path, snapshot[path], staging[path])
			}
		}
	}
}
