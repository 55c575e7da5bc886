//go:build unix

package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// release is what was built at a moment, in an output folder of its own.
type release struct {
	moment moment
	dist   string
	images map[string]built // by distribution
}

// built is what the tags of one distribution's image are made of.
type built struct {
	commit, inputsID, index string
}

// exactTag is the tag of commit and inputs.
func (b built) exactTag() string { return b.commit + "-" + b.inputsID[:12] }

// at builds the distributions of a moment, or one of them alone, unless that has been done.
func (w *workshop) at(t *testing.T, m moment, only ...string) *release {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	name := m.String() + strings.Join(only, "")
	if w.releases[name] == nil {
		r, err := w.build(name, m, only)
		if err != nil {
			t.Fatal(err)
		}
		w.releases[name] = r
	}
	return w.releases[name]
}

// build leaves the branches at the newest generation: who pushes knows all commits.
func (w *workshop) build(name string, m moment, only []string) (*release, error) {
	if err := w.history.goTo(m); err != nil {
		return nil, err
	}
	r := &release{m, filepath.Join(w.dir, "dist", name), map[string]built{}}
	target, names := "build:all", upstreamFirst
	if len(only) > 0 {
		target, names = "build:"+only[0], only
	}
	if _, err := outputOf(w.command(context.Background(), target, "DIST="+r.dist)); err != nil {
		return nil, err
	}
	for _, distribution := range names {
		var err error
		if r.images[distribution], err = readBuilt(filepath.Join(r.dist, distribution)); err != nil {
			return nil, err
		}
	}
	return r, w.history.goTo(all(generations))
}

func readBuilt(dir string) (built, error) {
	var report struct {
		Inputs          struct{ Commit string }
		InputsID, Index string
	}
	content, err := os.ReadFile(filepath.Join(dir, "build.json"))
	if err == nil {
		err = json.Unmarshal(content, &report)
	}
	if err == nil && (len(report.InputsID) < 12 || report.Index == "" || report.Inputs.Commit == "") {
		err = fmt.Errorf("inputs.commit, inputsId or index is missing in %.300s", content)
	}
	return built{report.Inputs.Commit, report.InputsID, report.Index}, err
}

// ages are the generations of all that has been built at one.
func (w *workshop) ages() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	ages := map[string]int{}
	for _, r := range w.releases {
		for distribution, image := range r.images {
			ages[image.index] = r.moment[distribution]
		}
	}
	return ages
}
