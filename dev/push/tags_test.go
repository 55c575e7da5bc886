//go:build unix

package push_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestOlder pushes an older release over a newer one, whether the storage knows the newer commits or not.
func TestOlder(t *testing.T) {
	w := open(t)
	first, second := w.at(t, all(1)), w.at(t, all(2))
	for name, storage := range map[string]string{"storage knows both": w.history.repository, "storage knows ours only": w.storageAt(t, 1)} {
		t.Run(name, func(t *testing.T) {
			e := w.errand(t, first, []*release{second}, proxy.Config{})
			o := e.push(t, "STORAGE="+storage)
			older, newer := first.images["production"], second.images["production"]
			if o.status != 1 || !strings.Contains(o.stderr, older.commit[:7]) || !strings.Contains(o.stderr, newer.commit[:7]) ||
				!strings.Contains(o.stderr, "way out") {
				t.Errorf("it must be refused, with both commits (%s, %s): %s", older.commit, newer.commit, o)
			}
			e.checkTag(t, "production", newer.index)
			e.checkTag(t, older.exactTag(), older.index)
			e.checkTag(t, older.commit, older.index)

			asked := len(e.proxy.Exchanges())
			if o := e.push(t, "STORAGE="+storage, "FORCE=1"); o.status != 2 || !strings.Contains(o.stderr, "REASON") || len(e.proxy.Exchanges()) > asked {
				t.Errorf("FORCE without REASON: %s", o)
			}
			e.checkTag(t, "production", newer.index)

			if o := e.push(t, "STORAGE="+storage, "FORCE=1", "REASON=generation 2 is broken"); o.status != 0 {
				t.Errorf("FORCE with REASON: %s", o)
			}
			e.checkTags(t)
		})
	}
}

// TestSideways pushes a staging whose own commit is older and whose upstream is newer: neither image comes from the other.
func TestSideways(t *testing.T) {
	w := open(t)
	published, ours := w.at(t, moment{"production": 1, "staging": 2, "snapshot": 1}), w.at(t, moment{"production": 2, "staging": 1, "snapshot": 1})
	e := w.errand(t, ours, []*release{published}, proxy.Config{})
	if o := e.push(t); o.status != 1 || !strings.Contains(o.stderr, ours.images["staging"].commit[:7]) {
		t.Error(o)
	}
	e.checkTag(t, "staging", published.images["staging"].index)
}

// TestCommitTagStays pushes staging again after production has moved: the commit's tag stands for the image that it has
// always stood for, and the user is told.
func TestCommitTagStays(t *testing.T) {
	w := open(t)
	first, later := w.at(t, all(1)), w.at(t, moment{"production": 2, "staging": 1, "snapshot": 1})
	e := w.errand(t, later, []*release{first}, proxy.Config{})
	o := e.push(t)
	before, after := first.images["staging"], later.images["staging"]
	if o.status != 0 || !strings.Contains(o.stdout, before.inputsID[:12]) || !strings.Contains(o.stdout, after.exactTag()) {
		t.Errorf("it must say what %s holds (inputs %s) and what ours is called: %s", before.commit, before.inputsID[:12], o)
	}
	e.checkTag(t, before.commit, before.index)
	e.checkTag(t, before.exactTag(), before.index)
	e.checkTag(t, after.exactTag(), after.index)
	e.checkTag(t, "staging", after.index)
	e.checkWatcher(t)
}

// immutable are the words of ECR, Harbor and Docker Hub (containers-roadmap#2380, harbor#9427, hub-feedback#2466), and
// what might be.
var immutable = []proxy.Refusal{
	{Status: 400, Code: "TAG_INVALID", Message: "The image tag already exists in the repository and cannot be overwritten because the tag is immutable."},
	{Status: 412, Code: "PRECONDITION", Message: "Failed to process request due to tag configured as immutable."},
	{Status: 403, Code: "DENIED", Message: "requested access to the resource is denied: tag is immutable"},
	{Status: 409, Code: "DENIED", Message: "tag is immutable"},
}

func isCommit(tag string) bool { return !slices.Contains(upstreamFirst, tag) }

// TestImmutable pushes to image repositories that refuse to write a tag twice, be it equal.
func TestImmutable(t *testing.T) {
	w := open(t)
	first, second := w.at(t, all(1)), w.at(t, all(2))
	for _, refusal := range immutable {
		t.Run(fmt.Sprint("nothing new, ", refusal.Status), func(t *testing.T) {
			e := w.errand(t, first, []*release{first}, proxy.Config{Rules: []proxy.Rule{proxy.ImmutableTags(w.memory.addr, refusal, nil)}})
			if o := e.push(t); o.status != 0 {
				t.Errorf("%s\n%s", o, e.exchanges())
			}
		})
		for lost := 1; lost <= 2; lost++ {
			t.Run(fmt.Sprint("the answer to tag ", lost, " is lost, ", refusal.Status), func(t *testing.T) {
				e := w.errand(t, second, []*release{first}, proxy.Config{Rules: []proxy.Rule{proxy.ImmutableTags(w.memory.addr, refusal, isCommit)}})
				e.proxy.Inject(proxy.ResetAfter, lost, proxy.Request.WritesTag)
				if o := e.push(t); o.status != 0 {
					t.Errorf("%s\n%s", o, e.exchanges())
				}
				e.checkTags(t)
				e.checkWatcher(t)
			})
		}
		t.Run(fmt.Sprint("the distribution's tag too, ", refusal.Status), func(t *testing.T) {
			e := w.errand(t, second, []*release{first}, proxy.Config{Rules: []proxy.Rule{proxy.ImmutableTags(w.memory.addr, refusal, nil)}})
			o := e.push(t)
			if _, advice, _ := strings.Cut(o.stderr, "way out"); o.status != 1 || !strings.Contains(advice, "immutable") {
				t.Errorf("the way out must say that tag production must not be immutable: %s", o)
			}
			e.checkTag(t, "production", first.images["production"].index)
		})
	}
}
