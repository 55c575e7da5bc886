//go:build unix

package push_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// atOnce is how many trials run at a time: most of them wait most of the time.
const atOnce = 4

// TestUpdate pushes production, staging and snapshot of generation 2 over generation 1, and breaks one request each time:
// all of them in turn. A push must come through, or say what to do, and come through when it is run again.
func TestUpdate(t *testing.T) {
	w := open(t)
	m := matrix{workshop: w, release: w.at(t, all(2)), holds: []*release{w.at(t, all(1))}}
	book := m.withoutFault(t)
	m.run(t, append(plan("request", book, nil, wholeProduct()), plan("tag", book, proxy.Request.WritesTag, true)...))
}

// TestFirst does the same where nothing is there yet, so that megabytes have to be sent; only uploads are broken.
func TestFirst(t *testing.T) {
	w := open(t)
	m := matrix{workshop: w, release: w.at(t, all(1))}
	book := m.withoutFault(t)
	if wholeProduct() {
		m.run(t, plan("request", book, nil, true))
		return
	}
	m.run(t, plan("upload", book, func(r proxy.Request) bool { return r.Kind == proxy.Upload }, false))
}

// wholeProduct says whether each request is to be broken in all ways.
func wholeProduct() bool { return os.Getenv("FAULTS") == "all" }

// trial is a push with one fault.
type trial struct {
	name  string
	fault proxy.Fault
	nth   int // of the requests that match
	match func(proxy.Request) bool
}

// plan breaks each request of a kind that is in the book: in one way, or in all.
func plan(kind string, book []proxy.Exchange, match func(proxy.Request) bool, whole bool) (trials []trial) {
	n := 0
	for _, x := range book {
		if match != nil && !match(x.Request) {
			continue
		}
		n++
		for i, fault := range proxy.Faults {
			if whole || i == n%len(proxy.Faults) {
				trials = append(trials, trial{fmt.Sprintf("%s %d %s", kind, n, fault), fault, n, match})
			}
		}
	}
	return trials
}

// matrix is the pushes of one release over one state of the image repository.
type matrix struct {
	*workshop
	release *release
	holds   []*release
	totals
}

// withoutFault is the proxy's book of a push that nothing happens to.
func (m *matrix) withoutFault(t *testing.T) []proxy.Exchange {
	t.Helper()
	e := m.errand(t, m.release, m.holds, proxy.Config{})
	o := e.push(t)
	if o.status != 0 {
		t.Fatalf("without any fault: %s\n%s", o, e.exchanges())
	}
	e.checkTags(t)
	e.checkWatcher(t)
	t.Logf("without a fault: %s\n%s", o, e.exchanges())
	return e.proxy.Exchanges()
}

func (m *matrix) run(t *testing.T, trials []trial) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, one := range trials {
		group.Go(func() error {
			t.Run(one.name, func(t *testing.T) { m.try(t, one) })
			return nil
		})
	}
	group.Wait()
	t.Logf("the totals:\n%s", &m.totals)
}

func (m *matrix) try(t *testing.T, one trial) {
	e := m.errand(t, m.release, m.holds, proxy.Config{})
	e.proxy.Inject(one.fault, one.nth, one.match)
	o := e.push(t)
	result := count{tried: 1}
	switch {
	case o.status == 0 && e.struck():
		result.survived = 1
	case o.status == 0:
		result.missed = 1 // requests go out several at once: there may be fewer than last time
	default:
		result.recovered = 1
		e.pushAgain(t, o)
	}
	e.checkTags(t)
	e.checkWatcher(t)
	_, _, tags := e.watcher.seen()
	m.totals.add(one.fault, result, tags)
	if t.Failed() {
		t.Logf("%s\n%s", o, e.exchanges())
	}
}

// totals are what the trials came to, by fault.
type totals struct {
	mu     sync.Mutex
	counts map[proxy.Fault]*count
	tags   int
}

type count struct{ tried, survived, recovered, missed int }

func (c *count) add(other count) {
	c.tried += other.tried
	c.survived += other.survived
	c.recovered += other.recovered
	c.missed += other.missed
}

func (c count) String() string {
	return fmt.Sprintf("%3d pushes, %3d came through, %2d when run again, %2d met no fault", c.tried, c.survived, c.recovered, c.missed)
}

func (y *totals) String() string {
	var b strings.Builder
	var sum count
	for _, fault := range proxy.Faults {
		if one := y.counts[fault]; one != nil {
			fmt.Fprintf(&b, "%-14s %s\n", fault, *one)
			sum.add(*one)
		}
	}
	fmt.Fprintf(&b, "%-14s %s\n%d tags were checked when they were written", "all", sum, y.tags)
	return b.String()
}

func (y *totals) add(fault proxy.Fault, one count, tags int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.counts == nil {
		y.counts = map[proxy.Fault]*count{}
	}
	if y.counts[fault] == nil {
		y.counts[fault] = &count{}
	}
	y.counts[fault].add(one)
	y.tags += tags
}

// pushAgain wants that a push that failed said what to do, and that it works when that is done.
func (e *errand) pushAgain(t *testing.T, failed outcome) {
	t.Helper()
	t.Log(failed)
	if !e.struck() || !strings.Contains(failed.stderr, "way out") {
		t.Errorf("it fails without need, or without a way out: %s", failed)
	}
	if o := e.push(t); o.status != 0 {
		t.Errorf("again: %s", o)
	}
}

// struck says whether the proxy has broken a request.
func (e *errand) struck() bool {
	return slices.ContainsFunc(e.proxy.Exchanges(), func(x proxy.Exchange) bool { return x.Fault != proxy.None })
}
