package codehost_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestCreate(t *testing.T) {
	h := serve(t, nil)
	head := h.commit("b/1", "main", "b", "1\n")
	a := h.must(http.StatusCreated, "POST", "/repos/o/n/pulls", `{"title":" T ","head":"o:b/1","base":"main"}`)
	h.has(a, "number", 1.0, "state", "open", "title", "T", "body", nil, "head.sha", head, "head.ref", "b/1", "head.label", "o:b/1",
		"base.sha", h.tip("main"), "base.ref", "main", "html_url", "http://host/o/n/pull/1", "merged", false, "merged_at", nil, "mergeable", true)
	if h.git("", "rev-parse", "refs/pull/1/head") != head {
		t.Error("refs/pull/1/head")
	}
	h.has(h.must(http.StatusOK, "GET", "/repos/O/N/pulls/1", ""), "number", 1.0, "head.repo.id", 4711.0)
	h.must(http.StatusNotFound, "GET", "/repos/o/n/pulls/2", "")
	h.must(http.StatusNotFound, "GET", "/repos/o/n/issues", "")
}

func TestInvalid(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "b", "1\n")
	h.commit("alone", "", "z", "1\n")
	h.git("", "branch", "same", "main")
	h.open("b")
	for body, want := range map[string]string{
		`{"head":"b","base":"main"}`:                   "title missing_field ",
		`{"title":"T","head":"b","base":"x"}`:          "base invalid ",
		`{"title":"T","head":"x","base":"main"}`:       "head invalid ",
		`{"title":"T","head":"who:b","base":"main"}`:   "head invalid ",
		`{"title":"T","head":"b","base":"main"}`:       "<nil> custom A pull request already exists for o:b.",
		`{"title":"T","head":"same","base":"main"}`:    "<nil> custom No commits between main and same",
		`{"title":"T","head":"alone","base":"main"}`:   "<nil> custom The main branch has no history in common with alone",
		`{"title":"` + strings.Repeat("é", 257) + `"}`: "<nil> custom title is too long (maximum is 256 characters)",
	} {
		a := h.must(http.StatusUnprocessableEntity, "POST", "/repos/o/n/pulls", body)
		e := a.at("errors").([]any)[0].(map[string]any)
		message, _ := e["message"].(string)
		if got := fmt.Sprintf("%v %v %s", e["field"], e["code"], message); got != want || a.at("message") != "Validation Failed" {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
	}
	h.must(http.StatusBadRequest, "POST", "/repos/o/n/pulls", `{`)
}

func TestListFilters(t *testing.T) {
	h := serve(t, nil)
	h.git("", "branch", "staging", "main")
	for _, b := range []string{"a1", "b2", "c3"} {
		h.commit(b, "main", b, "1\n")
		h.open(b)
	}
	h.must(http.StatusCreated, "POST", "/repos/o/n/pulls", `{"title":"T","head":"a1","base":"staging"}`)
	h.must(http.StatusOK, "PATCH", "/repos/o/n/pulls/2", `{"state":"closed"}`)
	for query, want := range map[string][]int{
		"":                            {4, 3, 1},
		"state=all":                   {4, 3, 2, 1},
		"state=closed":                {2},
		"state=all&direction=asc":     {1, 2, 3, 4},
		"state=all&sort=updated":      {1, 3, 4, 2},
		"base=main":                   {3, 1},
		"head=o:a1":                   {4, 1},
		"head=o:a1&base=main":         {1},
		"head=who:a1":                 nil,
		"head=a1":                     {4, 3, 1}, // not of the form that GitHub wants: passed over
		"state=all&per_page=2":        {4, 3},
		"state=all&per_page=2&page=2": {2, 1},
		"state=all&per_page=2&page=3": nil,
		"state=all&per_page=0&page=x": {4, 3, 2, 1},
	} {
		var got []int
		for _, p := range h.must(http.StatusOK, "GET", "/repos/o/n/pulls?"+query, "").list {
			got = append(got, int(p["number"].(float64)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	h.must(http.StatusUnprocessableEntity, "GET", "/repos/o/n/pulls?state=merged", "")
}

func TestLinks(t *testing.T) {
	h := serve(t, nil)
	for n := range 5 {
		b := fmt.Sprint("b", n)
		h.commit(b, "main", b, "1\n")
		h.open(b)
	}
	link := func(n int, relation string) string {
		return fmt.Sprintf(`<http://host/repositories/4711/pulls?base=main&page=%d&per_page=2>; rel="%s"`, n, relation)
	}
	for page, want := range map[int]string{
		1: link(2, "next") + ", " + link(3, "last"),
		2: link(1, "prev") + ", " + link(3, "next") + ", " + link(3, "last") + ", " + link(1, "first"),
		3: link(2, "prev") + ", " + link(1, "first"),
	} {
		a := h.must(http.StatusOK, "GET", fmt.Sprintf("/repos/o/n/pulls?base=main&per_page=2&page=%d", page), "")
		if got := a.Header().Get("Link"); got != want {
			t.Errorf("page %d: %s, want\n%s", page, got, want)
		}
	}
	if a := h.must(http.StatusOK, "GET", "/repositories/4711/pulls?per_page=1000", ""); len(a.list) != 5 || a.Header().Get("Link") != "" {
		t.Errorf("%d, %s", len(a.list), a.Header().Get("Link"))
	}
	if a := h.must(http.StatusOK, "GET", "/api/v3/repos/o/n/pulls?per_page=4", ""); !strings.Contains(a.Header().Get("Link"), "<http://host/api/v3/repositories/") {
		t.Error(a.Header().Get("Link"))
	}
}

func TestHeadMoves(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "b", "1\n")
	h.commit("c", "main", "c", "1\n")
	b, c := h.open("b"), h.open("c")
	moved := h.commit("b", "b", "b", "2\n")
	h.has(h.must(http.StatusOK, "GET", b, ""), "head.sha", moved, "mergeable", true)
	if h.git("", "rev-parse", "refs/pull/1/head") != moved {
		t.Error("refs/pull/1/head stays")
	}
	h.has(h.must(http.StatusOK, "PATCH", c, `{"state":"closed"}`), "state", "closed", "merged", false, "merged_at", nil)
	closed := h.tip("c")
	h.commit("c", "c", "c", "2\n")
	h.has(h.must(http.StatusOK, "GET", c, ""), "head.sha", closed)
	h.git("", "update-ref", "-d", "refs/heads/b")
	h.has(h.must(http.StatusOK, "GET", b, ""), "head.sha", moved, "state", "open", "head.ref", "b")
}

// Who pushes the head to the base merges the pull request, whatever else is pushed with it.
func TestIndirectMerge(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "b", "1\n")
	b := h.open("b")
	h.git("", "update-ref", "refs/heads/main", h.tip("b"))
	last := h.commit("main", "main", "c", "1\n")
	a := h.must(http.StatusOK, "GET", b, "")
	h.has(a, "state", "closed", "merged", true, "merge_commit_sha", last)
	if a.at("merged_at") == nil {
		t.Error("merged_at")
	}
}

func TestUpdate(t *testing.T) {
	h := serve(t, nil)
	h.git("", "branch", "staging", "main")
	h.commit("b", "main", "b", "1\n")
	b := h.open("b")
	h.has(h.must(http.StatusOK, "PATCH", b, `{"title":"New"}`), "title", "New", "body", "B")
	h.has(h.must(http.StatusOK, "PATCH", b, `{"body":""}`), "title", "New", "body", nil)
	h.has(h.must(http.StatusOK, "PATCH", b, `{"base":"staging"}`), "base.ref", "staging")
	for _, body := range []string{`{"title":" "}`, `{"base":"x"}`, `{"state":"merged"}`} {
		h.must(http.StatusUnprocessableEntity, "PATCH", b, body)
	}
	h.open("b") // into main, again
	h.must(http.StatusUnprocessableEntity, "PATCH", b, `{"base":"main"}`)
	h.must(http.StatusOK, "PATCH", b, `{"state":"closed"}`)
	h.must(http.StatusUnprocessableEntity, "PATCH", b, `{"base":"main"}`)
	h.has(h.must(http.StatusOK, "PATCH", b, `{"state":"open"}`), "state", "open", "closed_at", nil)
	h.must(http.StatusOK, "PATCH", b, `{"state":"closed"}`)
	h.must(http.StatusCreated, "POST", "/repos/o/n/pulls", `{"title":"T","head":"b","base":"staging"}`)
	h.must(http.StatusUnprocessableEntity, "PATCH", b, `{"state":"open"}`) // there is another by now
	h.must(http.StatusOK, "PATCH", "/repos/o/n/pulls/2", `{"state":"closed"}`)
	h.git("", "update-ref", "-d", "refs/heads/b")
	h.must(http.StatusUnprocessableEntity, "PATCH", "/repos/o/n/pulls/2", `{"state":"open"}`)
}

func TestFork(t *testing.T) {
	fork := &host{t: t, dir: t.TempDir()}
	fork.git("", "init", "-q", "--bare", ".")
	h := serve(t, func(c *codehost.Config) { c.Forks = map[string]string{"who": fork.dir} })
	fork.git("", "fetch", "-q", h.dir, "refs/heads/main:refs/heads/main")
	fork.commit("b", "main", "b", "1\n")
	path := h.open("who:b")
	h.has(h.must(http.StatusOK, "GET", path, ""), "head.label", "who:b", "head.sha", fork.tip("b"), "base.repo.id", 4711.0, "head.repo.full_name", "who/n")
	if a := h.ask("GET", path, ""); a.at("head.repo.id") == a.at("base.repo.id") {
		t.Error("the fork is the repository")
	}
	moved := fork.commit("b", "b", "b", "2\n")
	h.has(h.must(http.StatusOK, "GET", path, ""), "head.sha", moved)
	if err := os.Rename(fork.dir, filepath.Join(t.TempDir(), "gone")); err != nil {
		t.Fatal(err)
	}
	h.has(h.must(http.StatusOK, "GET", path, ""), "head.sha", moved, "head.repo", nil, "head.ref", "b")
	h.must(http.StatusOK, "PUT", path+"/merge", "")
	if h.git("", "show", "main:b") != "2" {
		t.Error("not merged")
	}
}
