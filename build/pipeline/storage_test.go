package pipeline_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// storage is a bare repository with the branches snapshot, staging and production, each a commit with one package at
// first. Its clock goes on by a minute with each commit.
type storage struct {
	t     testing.TB
	dir   string
	clock int64
}

func newStorage(t testing.TB) *storage {
	t.Helper()
	s := &storage{t: t, dir: filepath.Join(t.TempDir(), "storage.git"), clock: 1700000000}
	if out, err := exec.Command("git", "init", "--quiet", "--bare", "--initial-branch=main", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	var first []commit
	for _, branch := range []string{"production", "staging", "snapshot"} {
		first = append(first, commit{branch, add("first_of_"+branch+"/1.0.0", "here from the start")})
	}
	s.commitAll(first)
	return s
}

// change is what a commit does to one package's folder.
type change struct {
	path  string // "<name>/<version>"
	files map[string]string
}

// add puts a package there, or other bytes in the place of those that are there: with equal contents it is the same tree.
func add(path string, contents ...string) change {
	name, version, _ := strings.Cut(path, "/")
	c := change{path, map[string]string{"manifest.yml": fmt.Sprintf("name: %s\nversion: %s\n", name, version)}}
	for i, content := range contents {
		c.files[fmt.Sprintf("docs/%d.md", i)] = content
	}
	return c
}

func remove(path string) change { return change{path: path} }

// commit is one commit on a branch, on top of what it has.
func (s *storage) commit(branch string, changes ...change) {
	s.t.Helper()
	s.clock += 60
	s.commitAt(s.clock, branch, changes...)
}

func (s *storage) commitAt(seconds int64, branch string, changes ...change) {
	s.t.Helper()
	s.commitOn(seconds, branch, s.git("for-each-ref", "--format=%(objectname)", "refs/heads/"+branch), changes...)
}

// commitOn makes a branch of one more commit on a parent, whatever it was; "" for a first commit.
func (s *storage) commitOn(seconds int64, branch, parent string, changes ...change) {
	s.t.Helper()
	var stream bytes.Buffer
	writeCommit(&stream, seconds, branch, parent, changes)
	s.load(&stream)
}

// commitAll is what commit does, many times; each has its branch and its change.
func (s *storage) commitAll(commits []commit) {
	s.t.Helper()
	var stream bytes.Buffer
	parents := map[string]string{}
	for line := range strings.Lines(s.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")) {
		branch, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		parents[branch] = id
	}
	for _, c := range commits {
		s.clock += 60
		writeCommit(&stream, s.clock, c.branch, parents[c.branch], []change{c.change})
		parents[c.branch] = "" // from now on git knows
	}
	s.load(&stream)
}

type commit struct {
	branch string
	change change
}

// writeCommit writes a commit as git fast-import reads it.
func writeCommit(stream *bytes.Buffer, seconds int64, branch, parent string, changes []change) {
	data := func(text string) { fmt.Fprintf(stream, "data %d\n%s\n", len(text), text) }
	fmt.Fprintf(stream, "commit refs/heads/%s\ncommitter A Tester <tester@localhost> %d +0000\n", branch, seconds)
	data("Change " + branch)
	if parent != "" {
		fmt.Fprintf(stream, "from %s\n", parent)
	}
	for _, c := range changes {
		fmt.Fprintf(stream, "D packages/%s\n", c.path)
		for _, name := range slices.Sorted(maps.Keys(c.files)) {
			fmt.Fprintf(stream, "M 100644 inline packages/%s/%s\n", c.path, name)
			data(c.files[name])
		}
	}
}

func (s *storage) load(stream *bytes.Buffer) {
	s.t.Helper()
	cmd := exec.Command("git", "-c", "core.compression=1", "fast-import", "--quiet", "--force")
	cmd.Dir, cmd.Stdin = s.dir, stream
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

func (s *storage) git(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = s.dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return strings.TrimSpace(string(out))
}

// promote moves a package from one branch to its upstream: there before it is gone here. between is done in between.
func (s *storage) promote(c change, from, to string, between func()) {
	s.t.Helper()
	s.commit(to, c)
	if between != nil {
		between()
	}
	s.commit(from, remove(c.path))
}

// clone is a bare clone with all branches, through a transport that knows of depths and filters.
func (s *storage) clone(args ...string) string {
	s.t.Helper()
	s.git("config", "uploadpack.allowFilter", "true")
	s.git("config", "uploadpack.allowAnySHA1InWant", "true")
	dir := filepath.Join(s.t.TempDir(), "clone.git")
	s.git(slices.Concat([]string{"clone", "--quiet", "--bare", "--no-single-branch"}, args, []string{"file://" + s.dir, dir})...)
	return dir
}

// loseOldTree removes the tree of packages/ as it was some commits before a branch's head, and says what it was.
func (s *storage) loseOldTree(revision string) string {
	s.t.Helper()
	s.git("config", "gc.auto", "0")
	packs, err := filepath.Glob(filepath.Join(s.dir, "objects", "pack", "*.pack"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, pack := range packs { // as loose objects they can be removed one by one
		content, err := os.ReadFile(pack)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, ending := range []string{".pack", ".idx", ".rev"} {
			os.Remove(strings.TrimSuffix(pack, ".pack") + ending)
		}
		cmd := exec.Command("git", "unpack-objects", "-q")
		cmd.Dir, cmd.Stdin = s.dir, bytes.NewReader(content)
		if out, err := cmd.CombinedOutput(); err != nil {
			s.t.Fatalf("git unpack-objects: %v\n%s", err, out)
		}
	}
	id := s.git("rev-parse", revision)
	if err := os.Remove(filepath.Join(s.dir, "objects", id[:2], id[2:])); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// tinyBase is an OCI layout with an image of nothing: what is on top of it is what counts here.
func tinyBase(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "base")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	config := &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{WorkingDir: "/"}}
	image, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(image); err != nil {
		t.Fatal(err)
	}
	return "oci:" + dir
}

// imageRepository is an image repository in memory, on this machine.
func imageRepository(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String() + "/distribution"
}

// config is for builds of a storage, with an empty cache.
func (s *storage) config() pipeline.Config {
	return pipeline.Config{
		Root: "../..", Storage: s.dir, Registry: "v1.31.1", Base: tinyBase(s.t), Compression: layer.Zstd, Dist: s.t.TempDir(), Cache: s.t.TempDir(),
	}
}

// elsewhere is the same on another machine: a cache and an output folder of its own.
func elsewhere(t testing.TB, config pipeline.Config, storage string) pipeline.Config {
	config.Storage, config.Cache, config.Dist = storage, t.TempDir(), t.TempDir()
	return config
}

// push builds a distribution and pushes it.
func push(t testing.TB, config pipeline.Config, name string) pipeline.Result {
	t.Helper()
	result := build(t, config, name)
	within(t, config, silent{}, func(ctx context.Context, session *pipeline.Session) error {
		_, err := session.Push(ctx, name)
		return err
	})
	return result
}

// within opens a session and fails the test if use does.
func within(t testing.TB, config pipeline.Config, report pipeline.Reporter, use func(context.Context, *pipeline.Session) error) {
	t.Helper()
	if err := tried(t, config, report, use); err != nil {
		t.Fatal(err)
	}
}

func tried(t testing.TB, config pipeline.Config, report pipeline.Reporter, use func(context.Context, *pipeline.Session) error) error {
	t.Helper()
	session, err := pipeline.Open(t.Context(), config, report)
	if err != nil {
		t.Fatal(err)
	}
	err = use(t.Context(), session)
	if closing := session.Close(); err == nil && closing != nil {
		t.Fatal(closing)
	}
	return err
}

// listener is a Reporter that keeps warnings and stages.
type listener struct {
	silent
	warnings, stages []string
}

func (l *listener) Warn(text string) { l.warnings = append(l.warnings, text) }

func (l *listener) Stage(name string) pipeline.Stage {
	l.stages = append(l.stages, name)
	return silent{}
}

// heard builds a distribution and keeps what is said meanwhile.
func heard(t testing.TB, config pipeline.Config, name string) (pipeline.Result, *listener) {
	t.Helper()
	l := &listener{}
	var result pipeline.Result
	within(t, config, l, func(ctx context.Context, session *pipeline.Session) (err error) {
		result, err = session.Build(ctx, name)
		return err
	})
	return result, l
}

// said says whether one of texts holds all parts.
func said(texts []string, parts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	})
}

// digests are those of a build's layers of packages, the lowest first.
func digests(report pipeline.BuildReport) []string {
	all := make([]string, len(report.Layers))
	for i, l := range report.Layers {
		all[i] = l.Digest
	}
	return all
}

// sameLayers holds two builds to the same layers, and prints what is in those that differ.
func sameLayers(t testing.TB, what string, got, want pipeline.BuildReport) {
	t.Helper()
	if !slices.Equal(digests(got), digests(want)) {
		t.Errorf("%s: the layers are\n%swant\n%s", what, listed(got), listed(want))
	}
}

// onTop holds a build to the layers of an earlier one, but for some of the highest.
func onTop(t testing.TB, what string, now, before pipeline.BuildReport, others int) {
	t.Helper()
	want := digests(before)[:len(before.Layers)-others]
	if got := digests(now); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%s: the layers are\n%swhere all but the highest %d should be\n%s", what, listed(now), others, listed(before))
	}
}

func listed(report pipeline.BuildReport) string {
	var text strings.Builder
	for _, l := range report.Layers {
		fmt.Fprintf(&text, "  %.19s %s: %s\n", l.Digest, strings.Join(l.Branches, "+"), strings.Join(l.Packages, " "))
	}
	return text.String()
}

// whole holds an image to exactly these packages, each in exactly one layer, by the bytes of the layers. Without any
// named, they are those of packages.json.
func whole(t testing.TB, config pipeline.Config, report pipeline.BuildReport, packages ...string) {
	t.Helper()
	dir := filepath.Join(config.Dist, report.Inputs.Distribution)
	if len(packages) == 0 {
		packages = listing(t, dir)
	}
	in := map[string]int{}
	for i, l := range report.Layers {
		held := packagesIn(t, filepath.Join(dir, "image", "blobs", strings.ReplaceAll(l.Digest, ":", "/")))
		if !slices.Equal(held, l.Packages) {
			t.Errorf("layer %d holds %v, and build.json says %v", i, held, l.Packages)
		}
		for _, p := range held {
			if other, twice := in[p]; twice {
				t.Errorf("%s is in layer %d and in %d", p, other, i)
			}
			in[p] = i
		}
	}
	slices.Sort(packages)
	if got := slices.Sorted(maps.Keys(in)); !slices.Equal(got, packages) {
		t.Errorf("the layers hold\n  %v, want\n  %v", got, packages)
	}
	if names := listing(t, dir); !slices.Equal(names, packages) {
		t.Errorf("packages.json has\n  %v, want\n  %v", names, packages)
	}
}

// listing are the packages of packages.json.
func listing(t testing.TB, dir string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "packages.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Packages []struct{ Name, Version string }
	}
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range read.Packages {
		paths = append(paths, p.Name+"/"+p.Version)
	}
	slices.Sort(paths)
	return paths
}

// entries are the names of a layer's files, without the packages' folder, with their contents.
func entries(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	found := map[string]string{}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if below, ok := strings.CutPrefix(h.Name, "packages/package-storage/"); ok && h.Typeflag != tar.TypeDir {
			found[below] = string(content)
		}
	}
}

func packagesIn(t testing.TB, path string) []string {
	t.Helper()
	found := map[string]bool{}
	for name := range entries(t, path) {
		parts := strings.SplitN(name, "/", 3)
		found[parts[0]+"/"+parts[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}
