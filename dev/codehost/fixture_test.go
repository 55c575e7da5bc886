package codehost_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/codehost"
)

// host serves o/n, in which main has the file "a".
type host struct {
	*codehost.Server
	t   *testing.T
	dir string
}

func serve(t *testing.T, change func(*codehost.Config)) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir()}
	h.git("", "init", "-q", "--bare", "-b", "main", ".")
	h.commit("main", "", "a", "1\n")
	config := codehost.Config{Repository: "o/n", Dir: h.dir}
	if change != nil {
		change(&config)
	}
	var err error
	if h.Server, err = codehost.New(config); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) git(input string, arguments ...string) string {
	h.t.Helper()
	cmd := exec.Command("git", arguments...)
	cmd.Dir, cmd.Stdin = h.dir, strings.NewReader(input)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("git %q: %v\n%s", arguments, err, problems.String())
	}
	return strings.TrimSpace(string(out))
}

// commit writes a file on a branch, which begins at another ("" for one of its own).
func (h *host) commit(branch, from, file, content string) string {
	h.t.Helper()
	input := fmt.Sprintf("commit refs/heads/%s\nauthor Zoë <z@example.org> 1500000000 +0100\n"+
		"committer C <c@example.org> 1600000000 +0000\ndata 7\nadd %-3.3s", branch, file)
	if from != "" {
		input += fmt.Sprintf("\nfrom refs/heads/%s^0", from)
	}
	input += fmt.Sprintf("\nM 100644 inline %s\ndata %d\n%s\n", file, len(content), content)
	h.git(input, "fast-import", "--quiet", "--force")
	return h.tip(branch)
}

func (h *host) tip(branch string) string {
	h.t.Helper()
	return h.git("", "rev-parse", "refs/heads/"+branch)
}

// answered is an answer; its body is in the one or the other.
type answered struct {
	*httptest.ResponseRecorder
	object map[string]any
	list   []map[string]any
}

// ask sends a request with a few headers (name, value, …).
func (h *host) ask(method, path, body string, headers ...string) answered {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "host"
	r.Header.Set("User-Agent", "test")
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	a := answered{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(a.ResponseRecorder, r)
	if err := json.Unmarshal(a.Body.Bytes(), &a.object); err != nil {
		if err := json.Unmarshal(a.Body.Bytes(), &a.list); err != nil {
			h.t.Fatalf("%s %s: %s", method, path, a.Body)
		}
	}
	return a
}

// must asks and wants a status.
func (h *host) must(status int, method, path, body string, headers ...string) answered {
	h.t.Helper()
	a := h.ask(method, path, body, headers...)
	if a.Code != status {
		h.t.Fatalf("%s %s: %d %s, want %d", method, path, a.Code, a.Body, status)
	}
	return a
}

// open opens a pull request into main and gives its path.
func (h *host) open(head string) string {
	h.t.Helper()
	a := h.must(http.StatusCreated, "POST", "/repos/o/n/pulls", fmt.Sprintf(`{"title":"T %s","head":%q,"base":"main","body":"B"}`, head, head))
	return fmt.Sprintf("/repos/o/n/pulls/%v", a.object["number"])
}

// at digs for a value ("head.sha").
func (a answered) at(path string) any {
	var value any = a.object
	for key := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// has wants values (path, value, …).
func (h *host) has(a answered, pairs ...any) {
	h.t.Helper()
	for n := 0; n < len(pairs); n += 2 {
		if got := a.at(pairs[n].(string)); got != pairs[n+1] {
			h.t.Errorf("%s: %v, want %v", pairs[n], got, pairs[n+1])
		}
	}
}
