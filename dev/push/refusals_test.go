//go:build unix

package push_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestRefused pushes to image repositories that do not want it. The user must be told soon, and what to do; nothing may
// have changed but for blobs; and when the reason is gone, the push must work.
func TestRefused(t *testing.T) {
	w := open(t)
	first, second := w.at(t, all(1)), w.at(t, all(2))
	for _, test := range []struct {
		name     string
		config   proxy.Config
		password string
		says     string // in the way out
	}{
		{"wrong password, token", proxy.Config{}, "wrong", "login"},
		{"wrong password, basic", proxy.Config{Auth: &proxy.Auth{User: "me", Password: password, Basic: true}}, "wrong", "login"},
		{"no right to push", proxy.Config{Rules: []proxy.Rule{proxy.NoPush()}}, password, "right to push"},
		{"read-only", proxy.Config{Rules: []proxy.Rule{proxy.ReadOnly()}}, password, "takes no writes"},
		{"full, 507", proxy.Config{Rules: []proxy.Rule{proxy.Full(http.StatusInsufficientStorage)}}, password, "room"},
		{"full, 500", proxy.Config{Rules: []proxy.Rule{proxy.Full(http.StatusInternalServerError)}}, password, "room"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := w.errand(t, second, []*release{first}, test.config)
			e.logIn(t, test.password)
			o := e.push(t)
			_, advice, _ := strings.Cut(o.stderr, "way out")
			if o.status != 1 || !strings.Contains(advice, test.says) || o.took > 10*time.Second {
				t.Errorf("%s\n%s", o, e.exchanges())
			}
			for distribution, image := range first.images {
				e.checkTag(t, distribution, image.index)
			}
			if got := len(e.repository.tags(t)); got != 9 {
				t.Errorf("there are %d tags now", got)
			}

			again := w.errandTo(t, e.repository, e.watcher, second, proxy.Config{})
			if o := again.push(t); o.status != 0 {
				t.Errorf("when all is well: %s", o)
			}
			again.checkTags(t)
		})
	}
}

// TestCredentials pushes with those of a config file, in both ways that image repositories ask for them.
func TestCredentials(t *testing.T) {
	w := open(t)
	second := w.at(t, all(2))
	for _, basic := range []bool{true, false} {
		e := w.errand(t, second, nil, proxy.Config{Auth: &proxy.Auth{User: "me", Password: password, Basic: basic}})
		if o := e.push(t); o.status != 0 {
			t.Errorf("basic %v: %s", basic, o)
		}
		e.checkTags(t)
		if o := e.push(t, "DOCKER_CONFIG="+t.TempDir()); o.status != 1 || !strings.Contains(o.stderr, "login") {
			t.Errorf("basic %v, without credentials: %s", basic, o)
		}
	}
}

// TestNoTagsList pushes to an image repository that does not say which tags it has.
func TestNoTagsList(t *testing.T) {
	w := open(t)
	e := w.errand(t, w.at(t, all(2)), []*release{w.at(t, all(1))}, proxy.Config{Rules: []proxy.Rule{proxy.NoTagsList()}})
	if o := e.push(t); o.status != 0 {
		t.Error(o)
	}
	e.checkTags(t)
	e.checkWatcher(t)
}

// TestDryRun pushes without pushing.
func TestDryRun(t *testing.T) {
	w := open(t)
	e := w.errand(t, w.at(t, all(2)), []*release{w.at(t, all(1))}, proxy.Config{})
	o := e.push(t, "DRY_RUN=1")
	if o.status != 0 || !strings.Contains(o.stdout, e.release.images["snapshot"].exactTag()) {
		t.Error(o)
	}
	for _, x := range e.proxy.Exchanges() {
		if x.Writes() {
			t.Errorf("it writes: %s", x)
		}
	}
}

// TestSample sees to it that the sample storage's images leave this machine in no way: nothing at all may be asked.
func TestSample(t *testing.T) {
	w := open(t)
	dist := filepath.Join(w.dir, "dist", "sample")
	if _, err := outputOf(w.command(context.Background(), "build:production", "STORAGE=", "DIST="+dist)); err != nil {
		t.Fatal(err)
	}
	network, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	asked := make(chan string, 100)
	go func() {
		for {
			conn, err := network.Accept()
			if err != nil {
				return
			}
			line := make([]byte, 200)
			n, _ := conn.Read(line)
			asked <- string(line[:n])
			conn.Close()
		}
	}()
	outside := "http://" + network.Addr().String()
	for _, image := range []string{"registry.example.com/package-registry/distribution", "http://192.0.2.1:5000/package-registry/distribution",
		"127.0.0.1.example.com/distribution", ""} {
		for _, storage := range []string{"", w.history.repository} {
			o := w.push(t, "STORAGE="+storage, "DIST="+dist, "IMAGE="+image, "HTTP_PROXY="+outside, "HTTPS_PROXY="+outside, "NO_PROXY=")
			if o.status != 2 || !strings.Contains(o.stderr, "sample") || !strings.Contains(o.stderr, "way out") {
				t.Errorf("IMAGE=%s STORAGE=%s: %s", image, storage, o)
			}
		}
	}
	select {
	case line := <-asked:
		t.Errorf("the network was asked: %q", line)
	default:
	}
}
