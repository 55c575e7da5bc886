//go:build unix

package push_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestWatcher does what a push must never do: nothing here is proof if that goes unseen.
func TestWatcher(t *testing.T) {
	w := open(t)
	first, second := w.at(t, all(1)), w.at(t, all(2))
	older, newer := first.images["production"], second.images["production"]
	e := w.errand(t, second, []*release{first, second}, proxy.Config{})
	through := repository{e.proxy.Addr(), e.repository.path}
	me := authn.FromConfig(authn.AuthConfig{Username: "me", Password: password})
	write := func(tag, digest string) {
		t.Helper()
		index, err := remote.Get(e.repository.reference(digest))
		if err == nil {
			err = remote.Tag(through.reference(tag).(name.Tag), index, remote.WithAuth(me))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("production", newer.index)
	write("production", older.index)
	write(newer.commit, older.index)
	wrong, steps, checked := e.watcher.seen()
	if checked != 3 || len(steps) != 1 || len(wrong) != 1 || !strings.Contains(wrong[0], newer.commit) {
		t.Errorf("%d tags checked; steps back %q, wrong %q", checked, steps, wrong)
	}

	gone := strings.Repeat("0", 64)
	for _, manifest := range []string{`{"manifests": [{"digest": "sha256:` + gone + `"}]}`, `{"config": {"digest": "sha256:` + gone + `"}}`} {
		if missing := e.watcher.missing("", []byte(manifest)); !strings.Contains(missing, gone) {
			t.Errorf("%s: %q is missing", manifest, missing)
		}
	}
}
