package codehost_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

const (
	repository = "storage/packages"
	token      = "ghp_sesame"
)

// server is dev/codehost on a real socket, with a real git repository. It closes each connection after its answer: in a
// bubble, an idle one would keep the clock from going on.
type server struct {
	*devhost.Server
	t        *testing.T
	url, dir string

	mutex   sync.Mutex
	headers []http.Header
}

// serve has main, and the branches named, each with a commit of its own on it.
func serve(t *testing.T, change func(*devhost.Config), branches ...string) *server {
	t.Helper()
	s := &server{t: t, dir: bare(t)}
	s.commit("main", "")
	for _, b := range branches {
		s.commit(b, "main")
	}
	config := devhost.Config{Repository: repository, Dir: s.dir, Tokens: map[string]devhost.Access{token: devhost.Write, "reader": devhost.Read}}
	if change != nil {
		change(&config)
	}
	var err error
	if s.Server, err = devhost.New(config); err != nil {
		t.Fatal(err)
	}
	s.url = listen(t, s)
	return s
}

// listen serves outside of any bubble.
func listen(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	listening := httptest.NewUnstartedServer(handler)
	listening.Config.SetKeepAlivesEnabled(false)
	listening.Config.ErrorLog = silent
	listening.Start()
	t.Cleanup(listening.Close)
	return listening.URL
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	s.headers = append(s.headers, r.Header)
	s.mutex.Unlock()
	s.Server.ServeHTTP(w, r)
}

var silent = log.New(io.Discard, "", 0)

// open opens it with a token.
func (s *server) open(change func(*codehost.Options)) *codehost.Host {
	return open(s.t, s.url, change)
}

func open(t *testing.T, url string, change func(*codehost.Options)) *codehost.Host {
	t.Helper()
	o := codehost.Options{API: url, Token: token, Repository: repository}
	if change != nil {
		change(&o)
	}
	h, err := codehost.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// want is a pull request of a branch into main.
func want(head string) codehost.PullRequest {
	return codehost.PullRequest{Head: head, Base: "main", Title: "Promote " + head, Body: "All of it."}
}

// ensure opens a pull request, which must not be there.
func (s *server) ensure(pr codehost.PullRequest) codehost.PullRequest {
	s.t.Helper()
	opened, created, err := s.open(nil).Ensure(s.t.Context(), pr)
	if err != nil || !created {
		s.t.Fatalf("Ensure(%s) = created %t, %v", pr.Head, created, err)
	}
	return opened
}

// api asks the server directly, and gives the status.
func (s *server) api(method, path, body string) int {
	s.t.Helper()
	r := httptest.NewRequest(method, "/repos/"+repository+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", "test")
	w := httptest.NewRecorder()
	s.Server.ServeHTTP(w, r)
	return w.Code
}

func (s *server) must(status int, method, path, body string) {
	s.t.Helper()
	if got := s.api(method, path, body); got != status {
		s.t.Fatalf("%s %s: %d, want %d", method, path, got, status)
	}
}

// count is how many requests of a method came over the wire.
func (s *server) count(method string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, method+" ") {
			n++
		}
	}
	return n
}

func bare(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "--bare", "-b", "main", ".")
	return dir
}

func git(t *testing.T, dir, input string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command("git", arguments...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", arguments, err, problems.String())
	}
	return strings.TrimSpace(string(out))
}

// commit puts a commit with a new file onto a branch, which begins at another.
func (s *server) commit(branch, from string) string {
	s.t.Helper()
	return commit(s.t, s.dir, branch, from)
}

func commit(t *testing.T, dir, branch, from string) string {
	t.Helper()
	file := strings.ReplaceAll(branch, "/", "-") + fmt.Sprint(time.Now().UnixNano())
	input := fmt.Sprintf("commit refs/heads/%s\ncommitter A <a@example.org> 1600000000 +0000\ndata 1\nc\n", branch)
	if from != "" {
		input += fmt.Sprintf("from refs/heads/%s^0\n", from)
	}
	git(t, dir, input+fmt.Sprintf("M 100644 inline %s\ndata 1\nx\n", file), "fast-import", "--quiet", "--force")
	return tip(t, dir, branch)
}

func tip(t *testing.T, dir, branch string) string {
	return git(t, dir, "", "rev-parse", "refs/heads/"+branch)
}

// bubble runs a test in which pauses take no time. The server must be outside of it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// refused is err as an *Error with a reason.
func refused(t *testing.T, err error, reason codehost.Reason) *codehost.Error {
	t.Helper()
	var e *codehost.Error
	if !errors.As(err, &e) || e.Reason != reason {
		t.Fatalf("error %#v (%v), want reason %d", err, err, reason)
	}
	if strings.Contains(err.Error(), token) || strings.Contains(fmt.Sprintf("%+v", e), token) {
		t.Errorf("the token is in %v", err)
	}
	return e
}
