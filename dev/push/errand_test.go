//go:build unix

package push_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// password is what user "me" has at all proxies.
const password = "secret"

// errand is one release, to be pushed to one image repository through a proxy.
type errand struct {
	*workshop
	release    *release
	repository repository
	proxy      *proxy.Proxy
	watcher    *watcher
	docker     string // DOCKER_CONFIG
	cache      string // of its own: it remembers where blobs were sent, and ports come again
	rivals     bool   // others push there at the same time
}

// errand prepares one, to an image repository of its own that holds other releases.
func (w *workshop) errand(t *testing.T, r *release, holds []*release, config proxy.Config) *errand {
	t.Helper()
	repository := w.fresh(t, holds...)
	return w.errandTo(t, repository, watch(repository, holds, w.ages()), r, config)
}

// errandTo prepares one to an image repository that others may push to as well. The proxy is the test's to set; it asks
// for a password if nothing else is said.
func (w *workshop) errandTo(t *testing.T, to repository, watcher *watcher, r *release, config proxy.Config) *errand {
	t.Helper()
	config.Upstream, config.TagWritten = to.addr, watcher.wrote
	if config.Auth == nil {
		config.Auth = &proxy.Auth{User: "me", Password: password}
	}
	p, err := proxy.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	e := &errand{workshop: w, release: r, repository: to, proxy: p, watcher: watcher, docker: t.TempDir(), cache: t.TempDir()}
	e.logIn(t, password)
	return e
}

// logIn writes the credentials as `docker login` does.
func (e *errand) logIn(t *testing.T, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte("me:" + password))
	content := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, e.proxy.Addr(), auth)
	if err := os.WriteFile(filepath.Join(e.docker, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome is what a user sees of a push.
type outcome struct {
	status         int
	stdout, stderr string
	took           time.Duration
}

func (o outcome) String() string {
	return fmt.Sprintf("exit status %d after %.1f s\nstdout: %s\nstderr: %s", o.status, o.took.Seconds(), o.stdout, o.stderr)
}

// patience is how long the push waits for an image repository that stands still. A busy machine may, for a while.
const patience = 2 * time.Second

// variables are those of a push of this errand.
func (e *errand) variables() []string {
	return []string{"DIST=" + e.release.dist, "IMAGE=" + e.proxy.Addr() + "/" + e.repository.path, "DOCKER_CONFIG=" + e.docker,
		"PACKAGE_STORAGE_CACHE=" + e.cache, "PACKAGE_STORAGE_PATIENCE=" + patience.String()}
}

func (e *errand) push(t *testing.T, env ...string) outcome {
	t.Helper()
	o := e.workshop.push(t, append(e.variables(), env...)...)
	if !e.rivals {
		e.checkClaims(t, o)
	}
	return o
}

// push runs `mage push`; one that takes a minute hangs.
func (w *workshop) push(t *testing.T, env ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o := w.tryPush(ctx, env...)
	if o.status < 0 {
		t.Errorf("push: %s", o)
	}
	return o
}

// tryPush runs `mage push`, and kills it when ctx is done: its status is -1 then, as when it can't be run.
func (w *workshop) tryPush(ctx context.Context, env ...string) outcome {
	cmd := w.command(ctx, "push", env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return outcome{-1, stdout.String(), err.Error(), time.Since(start)}
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(start)}
}

var claim = regexp.MustCompile(`(?m)^ +tag +(\S+), (written|moved|there)$`)

// checkClaims wants tags that are said to be written, moved or there to stand for what was built.
func (e *errand) checkClaims(t *testing.T, o outcome) {
	t.Helper()
	for _, found := range claim.FindAllStringSubmatch(o.stdout, -1) {
		digest := e.repository.digest(found[1])
		if !slices.ContainsFunc(slices.Collect(maps.Values(e.release.images)), func(b built) bool { return b.index == digest }) {
			t.Errorf("tag %s is said to be %s, and stands for %q: %s", found[1], found[2], digest, o)
		}
	}
}

// checkTags wants all tags of the release to stand for what was built.
func (e *errand) checkTags(t *testing.T) {
	t.Helper()
	for distribution, image := range e.release.images {
		for _, tag := range []string{image.exactTag(), image.commit, distribution} {
			e.checkTag(t, tag, image.index)
		}
	}
}

func (e *errand) checkTag(t *testing.T, tag, want string) {
	t.Helper()
	if got := e.repository.digest(tag); got != want {
		t.Errorf("tag %s stands for %q, not for %s", tag, got, want)
	}
}

// checkWatcher wants that no tag was wrong at any moment.
func (e *errand) checkWatcher(t *testing.T) {
	t.Helper()
	wrong, steps, _ := e.watcher.seen()
	for _, one := range append(wrong, steps...) {
		t.Error(one)
	}
}

// exchanges is the proxy's book, for messages.
func (e *errand) exchanges() string {
	var b strings.Builder
	for _, x := range e.proxy.Exchanges() {
		fmt.Fprintf(&b, "%s: %d, %d bytes up, %d down", x, x.Status, x.Up, x.Down)
		if x.Fault != proxy.None {
			fmt.Fprintf(&b, "  <- %s", x.Fault)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
