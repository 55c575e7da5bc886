//go:build unix

package push_test

import (
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestOvertaken holds up a push between its look at the distribution's tag and its writing of it, until newer ones have
// come and gone. It is the last to write: it must find out, and put the newest up again.
func TestOvertaken(t *testing.T) {
	w := open(t)
	at := func(generation int) *release { return w.at(t, moment{"production": generation}, "production") }
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, holds := range [][]*release{nil, {at(1)}} {
		for _, newer := range [][]*release{{at(3)}, {at(8), at(6)}, {at(4), at(5), at(8)}} {
			for _, storage := range []string{w.history.repository, w.storageAt(t, 2)} {
				name := fmt.Sprintf("over %d, by %d, who knows all %v", len(holds), len(newer), storage == w.history.repository)
				o := overtaken{w, at(2), newer, holds, storage}
				group.Go(func() error {
					t.Run(name, o.run)
					return nil
				})
			}
		}
	}
	group.Wait()
}

// overtaken is a push that newer ones overtake.
type overtaken struct {
	*workshop
	slow    *release
	newer   []*release // in the order in which they are pushed
	holds   []*release
	storage string // of who is slow
}

func (o overtaken) run(t *testing.T) {
	to := o.fresh(t, o.holds...)
	watcher := watch(to, o.holds, o.ages())
	looked, goOn := make(chan bool), make(chan bool)
	var once sync.Once
	slow := o.errandTo(t, to, watcher, o.slow, proxy.Config{Arrived: func(r proxy.Request) {
		if r.WritesTag() && r.Reference == "production" {
			once.Do(func() { close(looked) })
			<-goOn
		}
	}})
	slow.rivals = true
	ended := make(chan outcome)
	go func() { ended <- slow.push(t, "STORAGE="+o.storage, "PACKAGE_STORAGE_PATIENCE=40s") }()
	select {
	case <-looked:
	case said := <-ended:
		t.Fatalf("it never wrote the tag: %s", said)
	}
	newest := o.slow
	for _, r := range o.newer {
		e := o.errandTo(t, to, watcher, r, proxy.Config{})
		e.rivals = true
		if said := e.push(t); said.status != 0 && r.moment["production"] > newest.moment["production"] {
			t.Errorf("generation %d: %s", r.moment["production"], said)
		}
		if r.moment["production"] > newest.moment["production"] {
			newest = r
		}
	}
	close(goOn)
	said := <-ended
	slow.checkTag(t, "production", newest.images["production"].index)
	wrong, _, _ := watcher.seen()
	for _, one := range wrong {
		t.Error(one)
	}
	if t.Failed() {
		t.Logf("who was slow: %s\n%s", said, slow.exchanges())
	}
}
