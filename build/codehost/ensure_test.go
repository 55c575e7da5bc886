package codehost_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestEnsure(t *testing.T) {
	s := serve(t, nil, "promote/a")
	h, pr := s.open(nil), want("promote/a")
	pr.Body = "First.\r\nSecond."
	first, created, err := h.Ensure(t.Context(), pr)
	if err != nil || !created || first.Number != 1 || first.State != codehost.StateOpen || first.Title != pr.Title || first.Body != pr.Body ||
		first.Head != pr.Head || first.Base != pr.Base || first.HeadCommit != tip(t, s.dir, pr.Head) ||
		!strings.HasSuffix(first.URL, "/"+repository+"/pull/1") {
		t.Fatalf("Ensure = %+v, %t, %v", first, created, err)
	}
	pr.Body = "First.\nSecond."
	second, created, err := h.Ensure(t.Context(), pr)
	if err != nil || created || second != first || s.count("PATCH") != 0 {
		t.Errorf("again: %+v, %t, %v, after %q", second, created, err, s.Requests())
	}
	moved := s.commit("promote/a", "promote/a")
	pr.Title, pr.Body = "Another", ""
	third, created, err := h.Ensure(t.Context(), pr)
	if err != nil || created || third.Number != 1 || third.Title != "Another" || third.Body != "" || third.HeadCommit != moved {
		t.Errorf("rewritten: %+v, %t, %v", third, created, err)
	}
	s.must(http.StatusOK, "PATCH", "/pulls/1", `{"state":"closed"}`)
	if next, created, err := h.Ensure(t.Context(), pr); err != nil || !created || next.Number != 2 {
		t.Errorf("after it was closed: %+v, %t, %v", next, created, err)
	}
}

// A fork's branch may have the same name.
func TestEnsureBesideFork(t *testing.T) {
	fork := bare(t)
	s := serve(t, func(c *devhost.Config) { c.Forks = map[string]string{"stranger": fork} }, "promote/a")
	git(t, fork, "", "fetch", "-q", s.dir, "refs/heads/main:refs/heads/main")
	commit(t, fork, "promote/a", "main")
	s.must(http.StatusCreated, "POST", "/pulls", `{"head":"stranger:promote/a","base":"main","title":"Mine"}`)
	if pr := s.ensure(want("promote/a")); pr.Number != 2 {
		t.Errorf("Ensure = %+v", pr)
	}
}

func TestEnsureAtOnce(t *testing.T) {
	s := serve(t, nil, "promote/a")
	var mutex sync.Mutex
	var all sync.WaitGroup
	numbers, opened := map[int]bool{}, 0
	for range 4 {
		all.Go(func() {
			pr, created, err := s.open(nil).Ensure(t.Context(), want("promote/a"))
			if err != nil {
				t.Error(err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			numbers[pr.Number] = true
			if created {
				opened++
			}
		})
	}
	all.Wait()
	if len(numbers) != 1 || opened != 1 {
		t.Errorf("numbers %v, %d opened", numbers, opened)
	}
}

// Somebody opens it after it was looked for.
func TestEnsureOvertaken(t *testing.T) {
	s := serve(t, nil, "promote/a")
	s.Inject("GET", 1, func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		api.ServeHTTP(w, r)
		rival := httptest.NewRequest("POST", r.URL.Path, strings.NewReader(`{"head":"promote/a","base":"main","title":"Theirs"}`))
		rival.Header = r.Header
		api.ServeHTTP(httptest.NewRecorder(), rival)
	})
	bubble(t, func(t *testing.T) {
		pr, created, err := s.open(nil).Ensure(t.Context(), want("promote/a"))
		if err != nil || created || pr.Number != 1 || pr.Title != "Promote promote/a" {
			t.Errorf("Ensure = %+v, %t, %v", pr, created, err)
		}
	})
}

func TestEnsureUnclear(t *testing.T) {
	for name, fault := range map[string]devhost.Fault{
		"cut before": devhost.Break, "cut after": devhost.BreakAfter, "502 after": devhost.FailAfter(http.StatusBadGateway),
		"503 before": devhost.Status(http.StatusServiceUnavailable, "Service Unavailable"),
		"nonsense after": func(w http.ResponseWriter, r *http.Request, api http.Handler) {
			api.ServeHTTP(httptest.NewRecorder(), r)
			w.Write([]byte("<html>"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, "promote/a")
			s.Inject("POST", 1, fault)
			bubble(t, func(t *testing.T) {
				pr, created, err := s.open(nil).Ensure(t.Context(), want("promote/a"))
				if err != nil || !created || pr.Number != 1 {
					t.Errorf("Ensure = %+v, %t, %v", pr, created, err)
				}
			})
			posts := 1
			if strings.HasSuffix(name, "before") {
				posts = 2
			}
			if s.count("POST") != posts || s.count("GET") != 2 {
				t.Errorf("asked %q", s.Requests())
			}
		})
	}
}

// A fault that does not end is told; nothing is asked for without looking before.
func TestEnsureGivesUp(t *testing.T) {
	s := serve(t, nil, "promote/a")
	s.Inject("POST", -1, devhost.Status(http.StatusBadGateway, "Bad Gateway"))
	bubble(t, func(t *testing.T) {
		_, created, err := s.open(nil).Ensure(t.Context(), want("promote/a"))
		if refused(t, err, codehost.Server); created {
			t.Error("created")
		}
	})
	if s.count("POST") != 4 || s.count("GET") != 4 {
		t.Errorf("asked %q", s.Requests())
	}
}
