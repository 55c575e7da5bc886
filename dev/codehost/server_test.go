package codehost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestAccess(t *testing.T) {
	tokens := map[string]codehost.Access{"w": codehost.Write, "r": codehost.Read}
	for _, private := range []bool{false, true} {
		h := serve(t, func(c *codehost.Config) { c.Tokens, c.Private = tokens, private })
		h.commit("b", "main", "b", "1\n")
		nobody := map[bool][]int{false: {200, 401}, true: {404, 404}}[private]
		for token, want := range map[string][]int{"": nobody, "x": {401, 401}, "r": {200, 403}, "w": {200, 201}} {
			var headers []string
			if token != "" {
				headers = []string{"Authorization", "Bearer " + token}
			}
			got := []int{
				h.ask("GET", "/repos/o/n/pulls", "", headers...).Code,
				h.ask("POST", "/repos/o/n/pulls", `{"title":"T","head":"b","base":"main"}`, headers...).Code,
			}
			if !slices.Equal(got, want) {
				t.Errorf("private %t, token %q: %v, want %v", private, token, got, want)
			}
		}
		h.must(http.StatusNotFound, "GET", "/repos/o/other/pulls", "", "Authorization", "token w")
	}
}

func TestHeadersWanted(t *testing.T) {
	h := serve(t, nil)
	h.must(http.StatusForbidden, "GET", "/repos/o/n/pulls", "", "User-Agent", "")
	h.must(http.StatusForbidden, "GET", "/repos/o/n/pulls", "", "User-Agent", "Go-http-client/1.1")
	h.must(http.StatusBadRequest, "GET", "/repos/o/n/pulls", "", "X-GitHub-Api-Version", "1999-01-01")
	h.must(http.StatusUnsupportedMediaType, "GET", "/repos/o/n/pulls", "", "Accept", "text/html")
	h.must(http.StatusOK, "GET", "/repos/o/n/pulls", "", "Accept", "application/vnd.github+json", "X-GitHub-Api-Version", "2022-11-28")
}

func TestFormerNames(t *testing.T) {
	h := serve(t, func(c *codehost.Config) { c.Former = []string{"old/name"} })
	for method, status := range map[string]int{"GET": 301, "POST": 307} {
		a := h.must(status, method, "/repos/old/name/pulls?state=all", "")
		if to := a.Header().Get("Location"); to != "http://host/repositories/4711/pulls?state=all" {
			t.Errorf("%s leads to %s", method, to)
		}
	}
	h = serve(t, func(c *codehost.Config) { c.Former, c.Redirect = []string{"old/name"}, 308 })
	h.must(308, "POST", "/repos/old/name/pulls", "")
}

func TestLimit(t *testing.T) {
	now := time.Unix(1_700_000_000, 500)
	h := serve(t, func(c *codehost.Config) {
		c.Limit, c.Now = codehost.Limit{Requests: 2, Window: time.Minute}, func() time.Time { return now }
	})
	for _, want := range []string{"200 1", "200 0", "403 0"} {
		a := h.ask("GET", "/repos/o/n/pulls", "")
		if got := fmt.Sprint(a.Code, " ", a.Header().Get("X-RateLimit-Remaining")); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if reset := a.Header().Get("X-RateLimit-Reset"); reset != "1700000061" {
			t.Errorf("reset at %s", reset)
		}
	}
	now = time.Unix(1_700_000_061, 0)
	h.must(http.StatusOK, "GET", "/repos/o/n/pulls", "")
	if a := serve(t, nil).ask("GET", "/repos/o/n/pulls", ""); a.Header().Get("X-RateLimit-Remaining") != "4999" {
		t.Error(a.Header())
	}
}

func TestFaults(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "b", "1\n")
	h.Inject("GET", 1, codehost.Secondary(http.StatusTooManyRequests, 7))
	real := httptest.NewServer(h)
	t.Cleanup(real.Close)
	if a := h.must(http.StatusTooManyRequests, "GET", "/repos/o/n/pulls", ""); a.Header().Get("Retry-After") != "7" {
		t.Error(a.Header())
	}
	h.must(http.StatusOK, "GET", "/repos/o/n/pulls", "")                          // once was enough
	request, err := http.NewRequestWithContext(t.Context(), "PUT", real.URL, nil) // a GET would be tried again
	if err != nil {
		t.Fatal(err)
	}
	h.Inject("PUT", 1, codehost.Break)
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Error("the connection was not cut")
	}
	h.Inject("GET", 1, codehost.Break)
	h.Forget()
	h.Inject("POST", 1, codehost.FailAfter(http.StatusBadGateway))
	h.must(http.StatusBadGateway, "POST", "/repos/o/n/pulls", `{"title":"T","head":"b","base":"main"}`)
	if a := h.must(http.StatusOK, "GET", "/repos/o/n/pulls", ""); len(a.list) != 1 {
		t.Error("it was not carried out")
	}
	if r := h.Requests(); !slices.Equal(r, []string{"GET /repos/o/n/pulls", "GET /repos/o/n/pulls", "PUT /", "POST /repos/o/n/pulls", "GET /repos/o/n/pulls"}) {
		t.Errorf("%q", r)
	}
}

func TestNoRepository(t *testing.T) {
	for _, c := range []codehost.Config{{Repository: "o/n", Dir: t.TempDir()}, {Repository: "o/n"}, {Repository: "n", Dir: t.TempDir()}} {
		if _, err := codehost.New(c); err == nil {
			t.Errorf("%+v is served", c)
		}
	}
}
