package codehost_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestPullRequests(t *testing.T) {
	fork := bare(t)
	s := serve(t, func(c *devhost.Config) { c.Forks = map[string]string{"stranger": fork} },
		"promote/open", "promote/merged", "promote/squashed", "promote/rebased", "promote/closed", "other", "staging", "promote/elsewhere")
	git(t, fork, "", "fetch", "-q", s.dir, "refs/heads/main:refs/heads/main")
	commit(t, fork, "promote/fork", "main")
	expected := map[string]codehost.PullRequest{}
	for _, name := range []string{"open", "merged", "squashed", "rebased", "closed"} {
		pr := s.ensure(want("promote/" + name))
		pr.HeadCommit = tip(t, s.dir, pr.Head)
		if pr.MergeCommit != "" {
			t.Errorf("%s is open, and has a merge commit", pr.Head)
		}
		method := map[string]string{"merged": "merge", "squashed": "squash", "rebased": "rebase"}[name]
		if method != "" {
			s.must(http.StatusOK, "PUT", fmt.Sprintf("/pulls/%d/merge", pr.Number), `{"merge_method":"`+method+`"}`)
			pr.State, pr.MergeCommit = codehost.StateMerged, tip(t, s.dir, "main")
		}
		if name == "closed" {
			s.must(http.StatusOK, "PATCH", fmt.Sprintf("/pulls/%d", pr.Number), `{"state":"closed"}`)
			pr.State = codehost.StateClosed
		}
		expected[name] = pr
	}
	s.ensure(want("other"))
	elsewhere := want("promote/elsewhere")
	elsewhere.Base = "staging"
	s.ensure(elsewhere)
	s.must(http.StatusCreated, "POST", "/pulls", `{"head":"stranger:promote/fork","base":"main","title":"Mine"}`)
	git(t, s.dir, "", "update-ref", "-d", "refs/heads/promote/merged") // as people do after a merge

	found, err := s.open(nil).PullRequests(t.Context(), "main", "promote/")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, pr := range found {
		name := strings.TrimPrefix(pr.Head, "promote/")
		order = append(order, name)
		if merged := expected[name].State == codehost.StateMerged; pr.Merged.IsZero() == merged {
			t.Errorf("%s: merged at %v", name, pr.Merged)
		}
		pr.Merged = expected[name].Merged
		if pr != expected[name] {
			t.Errorf("%s:\n%+v, want\n%+v", name, pr, expected[name])
		}
	}
	if want := []string{"closed", "rebased", "squashed", "merged", "open"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	any, err := s.open(nil).PullRequests(t.Context(), "", "promote/elsewhere")
	if err != nil || len(any) != 1 || any[0].Base != "staging" {
		t.Errorf("into any branch: %v, %v", any, err)
	}
}

func TestManyPages(t *testing.T) {
	const many = 105
	s := serve(t, nil)
	var input strings.Builder
	for n := range many {
		fmt.Fprintf(&input, "commit refs/heads/promote/%d\ncommitter A <a@example.org> 1600000000 +0000\ndata 1\nc\n"+
			"from refs/heads/main\nM 100644 inline f%d\ndata 1\nx\n", n, n)
	}
	git(t, s.dir, input.String(), "fast-import", "--quiet", "--force")
	for n := range many {
		s.must(http.StatusCreated, "POST", "/pulls", fmt.Sprintf(`{"head":"promote/%d","base":"main","title":"t"}`, n))
	}
	for _, api := range []string{s.url, s.url + "/api/v3/"} { // GitHub's own, and an enterprise's
		h := s.open(func(o *codehost.Options) { o.API = api })
		found, err := h.PullRequests(t.Context(), "main", "promote/")
		if err != nil || len(found) != many || found[0].Number != many || found[many-1].Number != 1 {
			t.Fatalf("%s: %d found, %v", api, len(found), err)
		}
	}
	first := s.Requests()[len(s.Requests())-2:]
	if !strings.HasPrefix(first[0], "GET /api/v3/repos/") || !strings.Contains(first[1], "page=2") {
		t.Errorf("asked %q", first)
	}
	// The one on the second page is found too.
	pr, created, err := s.open(nil).Ensure(t.Context(), want(fmt.Sprintf("promote/%d", many-1)))
	if err != nil || created || pr.Number != many || pr.Title != fmt.Sprintf("Promote promote/%d", many-1) {
		t.Errorf("Ensure = %+v, %t, %v", pr, created, err)
	}
}

func TestHeaders(t *testing.T) {
	s := serve(t, nil, "b")
	s.ensure(want("b"))
	if len(s.headers) != 2 {
		t.Fatalf("%d requests", len(s.headers))
	}
	for _, h := range s.headers {
		for name, value := range map[string]string{
			"Accept": "application/vnd.github+json", "X-Github-Api-Version": "2022-11-28", "User-Agent": "package-storage",
			"Authorization": "Bearer " + token,
		} {
			if h.Get(name) != value {
				t.Errorf("%s: %q, want %q", name, h.Get(name), value)
			}
		}
	}
	for _, r := range s.Requests() {
		if strings.Contains(r, token) {
			t.Errorf("the token is in %s", r)
		}
	}
	if _, err := s.open(func(o *codehost.Options) { o.Token = "" }).PullRequests(t.Context(), "main", ""); err != nil {
		t.Error(err)
	}
	if a := s.headers[2].Get("Authorization"); a != "" {
		t.Errorf("without a token it says %q", a)
	}
}

func TestOptions(t *testing.T) {
	for option, bad := range map[string][]codehost.Options{
		"Repository": {{}, {Repository: "o"}, {Repository: "o/n/m"}, {Repository: "../x"}, {Repository: "o/.."}, {Repository: "o/n?x"}},
		"Token":      {{Repository: "o/n", Token: token + "\nX: y"}, {Repository: "o/n", Token: token + " é"}},
		"API": {
			{Repository: "o/n", API: "github.com"}, {Repository: "o/n", API: "ftp://h"}, {Repository: "o/n", API: "https://" + token + "@h/"},
			{Repository: "o/n", API: "https://h?t=" + token}, {Repository: "o/n", API: "https://%" + token},
		},
	} {
		for _, o := range bad {
			_, err := codehost.Open(o)
			var wrong *codehost.OptionError
			if !errors.As(err, &wrong) || wrong.Option != option {
				t.Errorf("%+v: %v, want a fault of %s", o, err, option)
			} else if strings.Contains(err.Error(), token) {
				t.Errorf("the token is in %v", err)
			}
		}
	}
	if _, err := codehost.Open(codehost.Options{Repository: "o/n", Token: " " + token + "\n"}); err != nil {
		t.Error(err)
	}
}
