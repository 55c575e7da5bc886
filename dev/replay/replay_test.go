package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// text has about as many bytes packed as it has, so that sizes tell contents apart.
func text(seed int64, size int) string {
	letters := make([]byte, size)
	for i, r := 0, rand.New(rand.NewSource(seed)); i < size; i++ {
		letters[i] = byte(' ' + r.Intn(95))
	}
	return string(letters)
}

// The packages of the synthetic storage. Beta's second version shares its document with alpha, so that it is not unique; no
// two files of one family are the same, so that layerSize needs no links.
var (
	shared    = text(1, 9_000)
	alpha10   = pack("alpha", "1.0.0", "docs/README.md", shared)
	alpha11   = pack("alpha", "1.1.0", "docs/README.md", text(2, 4_000))
	beta10    = pack("beta", "1.0.0", "docs/README.md", text(3, 2_000))
	beta10new = pack("beta", "1.0.0", "docs/README.md", text(4, 3_000))
	beta11    = pack("beta", "1.1.0", "docs/README.md", shared, "docs/more.md", text(5, 1_000))
	gamma10   = pack("gamma", "1.0.0", "docs/README.md", text(6, 5_000))
)

// synthetic has each kind of update once.
func synthetic(t *testing.T) string {
	return newStorage(t,
		moment{"production", 100, files(dockerfile("a"), alpha10)},
		moment{"staging", 110, files(dockerfile("a"), beta10, gamma10)},
		moment{"staging", 120, files(dockerfile("a"), beta10new, gamma10)},         // an overwriting
		moment{"staging", 130, files(dockerfile("a"), beta10new, beta11, gamma10)}, // an addition
		moment{"staging", 140, files(dockerfile("a"), beta10new, gamma10)},         // a removal
		moment{"staging", 150, files(dockerfile("b"), beta10new, gamma10)},         // nothing that is in the image
		moment{"production", 155, files(dockerfile("a"), alpha10, alpha11)},
		moment{"staging", 160, files(dockerfile("c"), beta10new, gamma10)}, // an addition upstream
		moment{"production", 165, files(dockerfile("a"), alpha10, alpha11, beta10new)},
		moment{"staging", 170, files(dockerfile("c"), gamma10)}, // a promotion
	)
}

// layerSize packs files without the code that is tested: entries are written in the order that layers have.
func layerSize(t *testing.T, content map[string]string) int64 {
	t.Helper()
	folders := map[string]bool{}
	var names []string
	for name := range content {
		full := strings.Replace(name, "packages/", "packages/package-storage/", 1)
		names = append(names, full)
		for dir := path.Dir(full); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	var entries []layer.Entry
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		entries = append(entries, layer.Entry{Path: dir, Folder: true, Mode: 0o755})
	}
	slices.SortFunc(names, func(a, b string) int {
		key := func(s string) string { return path.Ext(s) + "\x00" + path.Base(s) + "\x00" + s }
		return strings.Compare(key(a), key(b))
	})
	for _, name := range names {
		original := strings.Replace(name, "packages/package-storage/", "packages/", 1)
		entries = append(entries, layer.Entry{Path: name, Mode: 0o644, Content: []byte(content[original])})
	}
	writer, err := layer.NewWriter(layer.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := writer.WriteEntries(io.Discard, entries)
	if err != nil {
		t.Fatal(err)
	}
	return blob.Size
}

// families is a plan whose layers are known beforehand: one for each name, in the order of the alphabet.
type families struct{}

func (families) Version() string { return "families" }

func (families) Plan(parts []layer.Part, _ int) ([][]layer.Part, error) {
	named := map[string][]layer.Part{}
	for _, p := range parts {
		name, _, _ := strings.Cut(p.Path, "/")
		named[name] = append(named[name], p)
	}
	var layers [][]layer.Part
	for _, name := range slices.Sorted(maps.Keys(named)) {
		layers = append(layers, named[name])
	}
	return layers, nil
}

// breaking fails where there is a second version of beta.
type breaking struct{ families }

var errBroken = errors.New("broken on purpose")

func (b breaking) Plan(parts []layer.Part, most int) ([][]layer.Part, error) {
	if slices.ContainsFunc(parts, func(p layer.Part) bool { return p.Path == "beta/1.1.0" }) {
		return nil, errBroken
	}
	return b.families.Plan(parts, most)
}

// server is compiled once for all tests.
var server string

func TestMain(m *testing.M) {
	code := 1
	dir, err := os.MkdirTemp("", "replay-test-")
	if err == nil {
		server, err = compileServer(context.Background(), filepath.Join("..", ".."), dir)
	}
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func replayed(t *testing.T, storage string, commits int, plans ...plan) (record, error) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp) // replay sets both
	t.Setenv("DOCKER_CONFIG", tmp)
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	o := options{distribution: "staging", storage: storage, commits: commits, plans: plans, compression: layer.Zstd, server: server}
	return o.replay(t.Context(), root, tmp, t.Output())
}

func TestReplay(t *testing.T) {
	found, err := replayed(t, synthetic(t), 0, plan{"families", families{}}, plan{"breaking", breaking{}})
	if !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if len(found.Updates) != 6 {
		t.Fatalf("there are %d updates", len(found.Updates))
	}
	if want := `plan "breaking" at ` + found.Updates[1].Commit[:12]; !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %q, and lacks %q", err, want)
	}
	size := func(parts ...map[string]string) int64 { return layerSize(t, files(parts...)) }
	only := func(version map[string]string, names ...string) int64 {
		kept := maps.Clone(version)
		maps.DeleteFunc(kept, func(name, _ string) bool { return !slices.Contains(names, path.Base(name)) })
		return layerSize(t, kept)
	}
	wants := []struct {
		what                       string
		change                     change
		chain, digest, own, unique int64
	}{
		{"an overwriting", change{Overwritten: []string{"beta/1.0.0"}}, size(beta10new) + size(gamma10), size(beta10new), size(beta10new),
			only(beta10new, "README.md")},
		{"an addition", change{Added: []string{"beta/1.1.0"}}, size(beta10new, beta11) + size(gamma10), size(beta10new, beta11),
			size(beta11), only(beta11, "manifest.yml", "more.md")},
		{"a removal", change{Removed: []string{"beta/1.1.0"}}, size(beta10new) + size(gamma10), size(beta10new), 0, 0},
		{"nothing", change{}, 0, 0, 0, 0},
		{"an addition upstream", change{Added: []string{"alpha/1.1.0"}}, size(alpha10, alpha11) + size(beta10new) + size(gamma10),
			size(alpha10, alpha11), size(alpha11), size(alpha11)},
		{"a promotion", change{Moved: []string{"beta/1.0.0"}}, 0, 0, 0, 0},
	}
	for i, want := range wants {
		got := found.Updates[i]
		c := got.Costs["families"]
		if !slices.Equal(got.fresh(), want.change.fresh()) || !slices.Equal(got.Removed, want.change.Removed) ||
			!slices.Equal(got.Moved, want.change.Moved) || !slices.Equal(got.Overwritten, want.change.Overwritten) {
			t.Errorf("%s: changed is %+v, want %+v", want.what, got.change, want.change)
		}
		if c.Chain != want.chain || c.Digest != want.digest || got.Own != want.own || got.Unique != want.unique {
			t.Errorf("%s: chain %d, digest %d, own %d, unique %d; want %d, %d, %d, %d", want.what, c.Chain, c.Digest, got.Own, got.Unique,
				want.chain, want.digest, want.own, want.unique)
		}
		// Beside layers and documents there are the headers of a few dozen requests. A removal brings back what was there.
		sent := c.Digest
		if want.what == "a removal" {
			sent = 0
		}
		if least := sent + c.Documents; c.Pushed < least || c.Pushed > least+30_000 {
			t.Errorf("%s: %d bytes were pushed, of layers and documents %d", want.what, c.Pushed, least)
		}
		if _, there := got.Costs["breaking"]; there != (i == 0) {
			t.Errorf("%s: breaking has costs: %v", want.what, there)
		}
	}
	last := found.Updates[5].Costs["families"]
	wanted := []int64{size(alpha10, alpha11), size(beta10new), size(gamma10)}
	if last.Layers != 5 || last.PackageLayers != 3 || len(last.Sizes) != 5 || !slices.Equal(last.Sizes[2:], wanted) {
		t.Errorf("the last image is %+v, want layers of %d", last, wanted)
	}
	if last.Base != last.Sizes[0] || last.Packed != last.Base+last.Sizes[1]+wanted[0]+wanted[1]+wanted[2] || last.Unpacked < last.Packed {
		t.Errorf("the sizes of the last image disagree: %+v", last)
	}
	if last.Seconds <= last.PlanSeconds || last.PlanSeconds <= 0 {
		t.Errorf("the last update took %g s, and planning %g", last.Seconds, last.PlanSeconds)
	}
	if at := found.Updates[3].Branches["production"]; at != found.Start.Branches["production"] || at == found.Updates[4].Branches["production"] {
		t.Error("production moved at another time than it did")
	}
	var tables bytes.Buffer
	if err := found.writeTables(&tables); err != nil || !strings.Contains(tables.String(), "failed at update 2 of 6") {
		t.Errorf("%v: the tables hide a failure:\n%s", err, &tables)
	}
}

// The history before the last commits has no part in it. Every plan can do this; the one layer that they are compared with
// is built at the end.
func TestReplayOfTheLastCommits(t *testing.T) {
	var chosen []plan
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		if name != single {
			chosen = append(chosen, plan{name, plans[name]()})
		}
	}
	found, err := replayed(t, synthetic(t), 1, chosen...)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Updates) != 1 || found.Start.Versions != 4 || found.Updates[0].Versions != 4 {
		t.Fatalf("%d updates, of %d versions at first", len(found.Updates), found.Start.Versions)
	}
	if moved := found.Updates[0].Moved; !slices.Equal(moved, []string{"beta/1.0.0"}) {
		t.Errorf("moved are %v", moved)
	}
	for _, p := range chosen {
		if c, there := found.Updates[0].Costs[p.name]; !there || c.PackageLayers == 0 {
			t.Errorf("%s: %+v", p.name, c)
		}
	}
	want := layerSize(t, files(alpha10, alpha11, beta10new, gamma10))
	last := found.Updates[0].Costs[chosen[0].name]
	if found.Single == nil || found.Single.PackageLayers != 1 || found.Single.Packed != last.Packed-last.packages.Size+want {
		t.Fatalf("the image with one layer is %+v, and the layer should be %d", found.Single, want)
	}
	if ratio := found.ratio(*found.Single, packedSize); ratio != 1 {
		t.Errorf("it is %g times as large as itself", ratio)
	}
}

// cancelling interrupts a run when it prints a line.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	tmp, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	t.Setenv("TMPDIR", tmp)
	t.Setenv("DOCKER_CONFIG", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := options{distribution: "staging", storage: synthetic(t), out: out, plans: []plan{{single, oneLayer{}}}, compression: layer.Zstd,
		server: server}
	var said bytes.Buffer
	if err := run(ctx, o, &said, cancelling{cancel}); err == nil || err.Error() != "interrupted" {
		t.Errorf("the error is %v", err)
	}
	if said.Len() > 0 {
		t.Errorf("it said %s", &said)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("in the temporary folder there is %v: %v", left, err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("an output was written: %v", err)
	}
}
