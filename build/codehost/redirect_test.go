package codehost_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestRenamed(t *testing.T) {
	for _, status := range []int{0, 301, 302, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := serve(t, func(c *devhost.Config) {
				c.Former, c.Redirect = []string{"storage/packages", "old/name"}, status
				c.Repository = "new/name"
			}, "promote/a")
			notices := 0
			h := s.open(func(o *codehost.Options) {
				o.Repository = "old/name"
				o.Notice = func(string) { notices++ }
			})
			pr, created, err := h.Ensure(t.Context(), want("promote/a"))
			if err != nil || !created || pr.Number != 1 {
				t.Fatalf("Ensure = %+v, %t, %v", pr, created, err)
			}
			again := want("promote/a")
			again.Title = "Another"
			if pr, created, err = h.Ensure(t.Context(), again); err != nil || created || pr.Title != "Another" {
				t.Fatalf("again: %+v, %t, %v", pr, created, err)
			}
			if found, err := h.PullRequests(t.Context(), "main", "promote/"); err != nil || len(found) != 1 {
				t.Errorf("%v, %v", found, err)
			}
			if notices != 1 {
				t.Errorf("%d notices", notices)
			}
		})
	}
}

// What was asked for is asked for again, even if the redirect leaves it out.
func TestRedirectWithoutQuery(t *testing.T) {
	s := serve(t, nil, "b")
	s.ensure(want("b"))
	s.must(http.StatusOK, "PATCH", "/pulls/1", `{"state":"closed"}`)
	s.Inject("GET", 1, devhost.Status(http.StatusMovedPermanently, "Moved Permanently", "Location", "/repositories/4711/pulls"))
	if found, err := s.open(nil).PullRequests(t.Context(), "main", ""); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// The token goes nowhere but to the API.
func TestStaysAtHome(t *testing.T) {
	asked := 0
	elsewhere := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	s := serve(t, nil, "b")
	for name, fault := range map[string]devhost.Fault{
		"redirect": devhost.Status(http.StatusTemporaryRedirect, "Moved", "Location", elsewhere+"/x"),
		"scheme":   devhost.Status(http.StatusTemporaryRedirect, "Moved", "Location", strings.Replace(s.url, "http:", "https:", 1)),
		"nowhere":  devhost.Status(http.StatusTemporaryRedirect, "Moved"),
		"loop":     devhost.Status(http.StatusMovedPermanently, "Moved", "Location", "?again"),
		"next page": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Link", "<"+elsewhere+`/x>; rel="next"`)
			w.Write([]byte("[]"))
		},
	} {
		s.Inject("GET", 6, fault)
		_, err := s.open(nil).PullRequests(t.Context(), "main", "")
		if e := refused(t, err, codehost.Failed); !strings.HasPrefix(e.Message, "it ") {
			t.Errorf("%s: %v", name, err)
		}
		s.Forget()
	}
	if asked != 0 {
		t.Errorf("another host was asked %d times", asked)
	}
}
