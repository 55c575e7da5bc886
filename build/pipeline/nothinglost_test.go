package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// actors are people at work on a storage, who do one thing after the other.
type actors struct {
	t      *testing.T
	random *rand.Rand
	*storage
	repository
	config pipeline.Config
	// published are the bytes that production has had of each version, owed those of all versions that must be somewhere.
	published, owed map[string]string
	// promotions are commits that brought packages, "<distribution> <commit>".
	promotions []string
	done       map[string]int
	// last is what was done last, removed what was removed by it.
	last, removed string
}

// do carries something out. What is refused, or means nothing, changes nothing.
func (a *actors) do(what, reason string, use func(context.Context, *pipeline.Session) (pipeline.ChangeResult, error)) (pipeline.ChangeResult, bool) {
	a.t.Helper()
	a.last = what
	config := a.config
	config.Reason = reason
	before := a.repository.git("for-each-ref", "refs/heads")
	var result pipeline.ChangeResult
	err := tried(a.t, config, silent{}, func(ctx context.Context, s *pipeline.Session) (err error) {
		result, err = use(ctx, s)
		return err
	})
	var refused *pipeline.RefusedPlanError
	var request *promote.RequestError
	switch {
	case err == nil:
		a.done[what]++
	case errors.As(err, &refused), errors.As(err, &request):
		a.done[what+", refused"]++
		if now := a.repository.git("for-each-ref", "refs/heads"); now != before {
			a.t.Fatalf("%s was refused (%v), and branches have moved", what, err)
		}
	default:
		a.t.Fatalf("%s: %v", what, err)
	}
	for _, m := range result.Moves {
		if m.To != "" && len(m.Added) > 0 {
			a.promotions = append(a.promotions, m.Distribution+" "+string(m.To))
		}
	}
	return result, err == nil
}

func (a *actors) state() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, branch := range []string{"production", "staging", "snapshot"} {
		all[branch] = a.packages("refs/heads/" + branch)
	}
	return all
}

// any is one of the packages that a branch has, "<name>-<version>".
func (a *actors) any(branch string) string {
	paths := slices.Sorted(maps.Keys(a.packages("refs/heads/" + branch)))
	if len(paths) == 0 {
		return "none-1.0.0"
	}
	return strings.Replace(paths[a.random.IntN(len(paths))], "/", "-", 1)
}

// act does one thing, of which some go wrong.
func (a *actors) act(step int) {
	a.t.Helper()
	a.last, a.removed = "", ""
	to := []string{"staging", "production"}[a.random.IntN(2)]
	from := []string{"snapshot", "staging"}[a.random.IntN(2)]
	reason := []string{"", "for a good reason"}[a.random.IntN(2)]
	switch n := a.random.IntN(20); {
	case n < 5: // an author publishes, or overwrites what is in snapshot only
		path := fmt.Sprintf("p%d/1.%d.0", a.random.IntN(6), a.random.IntN(4))
		state := a.state()
		a.commit("snapshot", add(path, fmt.Sprintf("step %d", step)))
		if state["staging"][path] == "" && state["production"][path] == "" {
			a.owed[path] = "" // the old bytes may go
		}
		a.done["publish"]++
	case n < 12:
		a.do("promote", reason, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
			return s.Promote(ctx, to, []string{a.any(from)})
		})
	case n < 13:
		a.do("promote many", reason, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
			return s.Promote(ctx, to, []string{fmt.Sprintf("p%d-*", a.random.IntN(6))})
		})
	case n < 14: // half of a promotion: it has arrived, and was killed, or was done by hand
		path := strings.Replace(a.any(from), "-", "/", 1)
		state := a.state()
		if state[from][path] != "" && state["staging"][path] == "" && state["production"][path] == "" {
			a.copyTo("staging", from, path)
			a.done["half a promotion"]++
		}
	case n < 16:
		a.do("finish", "", func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
			return s.FinishPromotions(ctx)
		})
	case n < 18:
		branch := []string{"snapshot", "staging", "production"}[a.random.IntN(3)]
		word := a.any(branch)
		if _, done := a.do("remove from "+branch, reason, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
			return s.Remove(ctx, branch, []string{word})
		}); done {
			a.removed = strings.Replace(word, "-", "/", 1)
			delete(a.owed, a.removed)
		}
	case len(a.promotions) > 0:
		name, commit, _ := strings.Cut(a.promotions[a.random.IntN(len(a.promotions))], " ")
		a.do("revert", reason, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
			return s.Revert(ctx, name, commit)
		})
	}
}

// copyTo puts the same tree on another branch, with git alone.
func (a *actors) copyTo(to, from, path string) {
	a.t.Helper()
	store, err := gitstore.Open(a.t.Context(), a.repository.dir)
	if err != nil {
		a.t.Fatal(err)
	}
	source, err := store.Resolve(a.t.Context(), from)
	if err != nil {
		a.t.Fatal(err)
	}
	target, err := store.Resolve(a.t.Context(), to)
	if err != nil {
		a.t.Fatal(err)
	}
	change := gitstore.Change{On: target, Message: "Copy " + path, Folders: treeAt(a.repository, string(source), path)}
	commits, err := store.Commit(a.t.Context(), []gitstore.Change{change})
	if err != nil {
		a.t.Fatal(err)
	}
	a.repository.git("update-ref", "refs/heads/"+to, string(commits[0]), string(target))
}

// treeAt is the tree of a package in a commit, by its path on the branch.
func treeAt(r repository, commit, path string) map[string]object.ID {
	return map[string]object.ID{"packages/" + path: object.ID(r.git("rev-parse", commit+":packages/"+path))}
}

// look sees whether all is where it should be.
func (a *actors) look(step int, before map[string]map[string]string) {
	a.t.Helper()
	now := a.state()
	for path, tree := range now["production"] {
		if known := a.published[path]; known != "" && known != tree {
			a.t.Fatalf("step %d: production has other bytes of %s than it had", step, path)
		}
		a.published[path] = tree
	}
	somewhere := map[string]bool{}
	for _, packages := range now {
		for path := range packages {
			somewhere[path] = true
			if _, known := a.owed[path]; !known {
				a.owed[path] = ""
			}
		}
	}
	for path := range a.owed {
		if !somewhere[path] {
			a.t.Fatalf("step %d, %s: %s is lost; it was in %v", step, a.last, path, before)
		}
	}
	// What left a branch without being removed is upstream or downstream with the same bytes.
	for branch, packages := range before {
		for path, tree := range packages {
			if now[branch][path] != "" || path == a.removed {
				continue
			}
			if now["production"][path] != tree && now["staging"][path] != tree && now["snapshot"][path] != tree {
				a.t.Fatalf("step %d, %s: the bytes of %s that %s had are lost", step, a.last, path, branch)
			}
		}
	}
}

// TestNothingIsLost: whatever people do to a storage, one after the other, no version is ever in no distribution, unless
// somebody has removed it, and production never changes a version.
func TestNothingIsLost(t *testing.T) {
	identity(t)
	steps := 120
	if testing.Short() {
		steps = 30
	}
	done := map[string]int{}
	for seed := range uint64(3) {
		s := newStorage(t)
		a := &actors{
			t: t, random: rand.New(rand.NewPCG(seed, 5)), storage: s, repository: repository{t, s.dir}, published: map[string]string{},
			owed: map[string]string{}, done: done,
			config: pipeline.Config{Root: direct(t), Storage: s.dir, Cache: t.TempDir(), Dist: t.TempDir()},
		}
		a.look(0, a.state())
		for step := range steps {
			before := a.state()
			a.act(step)
			a.look(step, before)
		}
	}
	t.Logf("done: %v", done)
	for _, what := range []string{"publish", "promote", "promote, refused", "finish", "half a promotion", "remove from production", "revert"} {
		if done[what] == 0 && !testing.Short() {
			t.Errorf("nobody did: %s", what)
		}
	}
}
