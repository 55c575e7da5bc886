//go:build unix

package push_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestConcurrent pushes all generations of production at once, each from a desk of its own, with random delays. In the
// end the distribution's tag must stand for the newest, and each commit's for that commit's image.
func TestConcurrent(t *testing.T) {
	w := open(t)
	var releases []*release
	for g := 1; g <= generations; g++ {
		releases = append(releases, w.at(t, moment{"production": g}, "production"))
	}
	rounds := 4
	if text := os.Getenv("ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatalf("ROUNDS: %v", err)
		}
	}
	for seed := range rounds {
		r := round{workshop: w, random: rand.New(rand.NewPCG(uint64(seed), 0)), releases: releases}
		if seed%2 == 1 {
			r.holds = releases[:1]
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { r.run(t, seed/2%2 == 0) })
	}
}

// round is one push of all at once.
type round struct {
	*workshop
	releases []*release
	holds    []*release

	mu     sync.Mutex
	random *rand.Rand
}

// run pushes. Whose storage is his own knows no newer commit than the one that he pushes.
func (r *round) run(t *testing.T, ownStorage bool) {
	to := r.fresh(t, r.holds...)
	watcher := watch(to, r.holds, r.ages())
	slow := r.random.IntN(generations)
	outcomes := make([]outcome, generations)
	errands := make([]*errand, generations)
	var group sync.WaitGroup
	for i, release := range r.releases {
		delay := r.delay
		if i == slow {
			delay = r.longDelay
		}
		e := r.errandTo(t, to, watcher, release, proxy.Config{Arrived: delay})
		e.rivals = true
		errands[i] = e
		env := []string{"PACKAGE_STORAGE_PATIENCE=20s"}
		if ownStorage {
			env = append(env, "STORAGE="+r.storageAt(t, i+1))
		}
		group.Go(func() { outcomes[i] = e.push(t, env...) })
	}
	group.Wait()

	r.judge(t, errands, outcomes)
	wrong, steps, checked := watcher.seen()
	for _, one := range wrong {
		t.Error(one)
	}
	t.Logf("own storage: %v; generation %d was slow; %d tags checked; for moments, the tag went back %d times: %q", ownStorage, slow+1,
		checked, len(steps), steps)
}

// judge looks at the tags when all is over, and at what each user was told.
func (r *round) judge(t *testing.T, errands []*errand, outcomes []outcome) {
	t.Helper()
	newest := generations - 1
	for i, e := range errands {
		image := e.release.images["production"]
		e.checkTag(t, image.exactTag(), image.index)
		e.checkTag(t, image.commit, image.index)
		o := outcomes[i]
		refused := o.status == 1 && strings.Contains(o.stderr, image.commit[:7]) && strings.Contains(o.stderr, "way out")
		if o.status != 0 && (i == newest || !refused) {
			t.Errorf("generation %d: %s", i+1, o)
		}
	}
	errands[newest].checkTag(t, "production", errands[newest].release.images["production"].index)
	if t.Failed() {
		for i, e := range errands {
			t.Logf("generation %d: %s\n%s", i+1, outcomes[i], e.exchanges())
		}
	}
}

// delay is short, but for one in twenty.
func (r *round) delay(proxy.Request) {
	r.mu.Lock()
	longest := 20 * time.Millisecond
	if r.random.IntN(20) == 0 {
		longest = 400 * time.Millisecond
	}
	pause := time.Duration(r.random.Int64N(int64(longest)))
	r.mu.Unlock()
	time.Sleep(pause)
}

// longDelay is for who writes the distribution's tag long after he has looked at it.
func (r *round) longDelay(q proxy.Request) {
	if !q.WritesTag() || q.Reference != "production" {
		r.delay(q)
		return
	}
	r.mu.Lock()
	pause := time.Duration(r.random.Int64N(int64(4 * time.Second)))
	r.mu.Unlock()
	time.Sleep(pause)
}

// storageAt is a clone of the storage as it was when a generation was the newest.
func (w *workshop) storageAt(t *testing.T, generation int) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	clone := filepath.Join(w.dir, fmt.Sprint("storage-", generation, ".git"))
	if _, err := os.Stat(clone); err == nil {
		return clone
	}
	err := w.history.goTo(all(generation))
	if err == nil {
		_, err = output(".", "git", "clone", "--quiet", "--bare", "file://"+w.history.repository, clone)
	}
	if err == nil {
		err = w.history.goTo(all(generations))
	}
	if err != nil {
		t.Fatal(err)
	}
	return clone
}
