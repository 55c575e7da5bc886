//go:build unix

package push_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestInterrupted kills a first push at every sixth request, or with FAULTS=all at each. Run again it must come
// through, and send no blob that has arrived.
func TestInterrupted(t *testing.T) {
	w := open(t)
	m := matrix{workshop: w, release: w.at(t, all(1))}
	requests := len(m.withoutFault(t))
	step := 6
	if wholeProduct() {
		step = 1
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for n := 1; n <= requests; n += step {
		group.Go(func() error {
			t.Run(fmt.Sprint("at request ", n), func(t *testing.T) { w.interrupt(t, m.release, n) })
			return nil
		})
	}
	group.Wait()
}

func (w *workshop) interrupt(t *testing.T, r *release, n int) {
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	e := w.errand(t, r, nil, proxy.Config{Arrived: func(q proxy.Request) {
		if q.Number == n {
			kill()
		}
	}})
	o := w.tryPush(ctx, e.variables()...)
	e.checkWatcher(t)
	before := e.proxy.Exchanges()
	if again := e.push(t); again.status != 0 {
		t.Errorf("again: %s\nbefore: %s\n%s", again, o, e.exchanges())
	}
	e.checkTags(t)
	e.checkWatcher(t)

	arrived := map[string]bool{}
	for i, x := range e.proxy.Exchanges() {
		if x.Kind != proxy.Upload || x.Method != http.MethodPut || x.Status != http.StatusCreated {
			continue
		}
		if arrived[x.Reference] && i >= len(before) {
			t.Errorf("%s was sent twice", x.Reference)
		}
		arrived[x.Reference] = true
	}
}
