package codehost_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestReasons(t *testing.T) {
	as := func(token string) func(*codehost.Options) { return func(o *codehost.Options) { o.Token = token } }
	long := want("b")
	long.Body = strings.Repeat("é", codehost.MaxBody+1)
	untitled := want("b")
	untitled.Title = ""
	lost := want("b")
	lost.Base = "nowhere"
	for name, c := range map[string]struct {
		change  func(*codehost.Options)
		want    codehost.PullRequest
		reason  codehost.Reason
		status  int
		message string
	}{
		"bad token":     {as("ghp_wrong"), want("b"), codehost.Unauthorized, 401, "Bad credentials"},
		"no token":      {as(""), want("b"), codehost.Unauthorized, 401, "Requires authentication"},
		"no right":      {as("reader"), want("b"), codehost.Forbidden, 403, "Resource not accessible"},
		"no repository": {func(o *codehost.Options) { o.Repository = "storage/other" }, want("b"), codehost.NotFound, 404, "Not Found"},
		"no API":        {func(o *codehost.Options) { o.API += "/elsewhere" }, want("b"), codehost.NotFound, 404, "Not Found"},
		"no head":       {nil, want("nowhere"), codehost.Invalid, 422, "Validation Failed: head is invalid"},
		"no base":       {nil, lost, codehost.Invalid, 422, "Validation Failed: base is invalid"},
		"no title":      {nil, untitled, codehost.Invalid, 422, "Validation Failed: title is missing"},
		"no commits":    {nil, want("main"), codehost.Invalid, 422, "Validation Failed: No commits between main and main"},
		"long body":     {nil, long, codehost.Invalid, 422, "body is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, "b")
			_, _, err := s.open(c.change).Ensure(t.Context(), c.want)
			e := refused(t, err, c.reason)
			if e.Status != c.status || !strings.HasPrefix(e.Message, c.message) && !strings.Contains(e.Message, ": "+c.message) {
				t.Errorf("%d %s", e.Status, e.Message)
			}
			if n := s.count("POST"); n > 1 {
				t.Errorf("opened %d times", n)
			}
			if !strings.HasPrefix(err.Error(), e.Doing+" ("+e.Repository+"): ") || !strings.Contains(e.Doing, c.want.Head+" into "+c.want.Base) {
				t.Error(err)
			}
		})
	}
}

func TestPrivate(t *testing.T) {
	s := serve(t, func(c *devhost.Config) { c.Private = true })
	_, err := s.open(func(o *codehost.Options) { o.Token = "" }).PullRequests(t.Context(), "main", "")
	refused(t, err, codehost.NotFound)
}

// Answers that dev/codehost does not give.
func TestOddAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		reason  codehost.Reason
		message string
	}{
		"a page":            {200, "<html>log in</html>", codehost.Failed, "its answer is not what GitHub's API gives"},
		"an object":         {200, `{"number":1}`, codehost.Failed, "its answer is not what GitHub's API gives"},
		"a page of refusal": {403, "<html>" + token, codehost.Forbidden, "it answers forbidden"},
		"errors as texts":   {422, `{"message":"Invalid","errors":["one","two"]}`, codehost.Invalid, "Invalid: one; two"},
		"the token":         {400, `{"message":"what is ` + token + `\u001b?"}`, codehost.Failed, "what is *** ?"},
		"unimplemented":     {501, `{"message":"No"}`, codehost.Server, "No"},
		"a long message":    {400, `{"message":"` + strings.Repeat("x", 9000) + `"}`, codehost.Failed, "xxx"},
		"gone":              {410, `{"message":"Gone"}`, codehost.Failed, "Gone"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			url := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			}))
			_, err := open(t, url, nil).PullRequests(t.Context(), "main", "")
			e := refused(t, err, c.reason)
			if e.Status != c.status || !strings.HasPrefix(e.Message, c.message) || len(e.Message) > 2000 || asked != 1 {
				t.Errorf("%d %s, asked %d times", e.Status, e.Message, asked)
			}
		})
	}
}

func TestEndlessAnswer(t *testing.T) {
	url := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		blank := []byte(strings.Repeat(" ", 1<<20))
		for range 200 {
			if _, err := w.Write(blank); err != nil {
				return
			}
		}
		w.Write([]byte("[]"))
	}))
	_, err := open(t, url, nil).PullRequests(t.Context(), "main", "")
	if e := refused(t, err, codehost.Failed); !strings.Contains(e.Message, "larger than 64 MB") {
		t.Error(e.Message)
	}
}

func TestPassingFaults(t *testing.T) {
	s := serve(t, nil, "b")
	s.ensure(want("b"))
	s.Inject("GET", 1, devhost.Status(http.StatusBadGateway, "Bad Gateway"))
	s.Inject("GET", 1, devhost.Break)
	s.Inject("GET", 1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { // cut off
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("[]"))
	})
	bubble(t, func(t *testing.T) {
		if _, err := s.open(nil).PullRequests(t.Context(), "main", ""); err != nil {
			t.Error(err)
		}
		s.Inject("PATCH", 1, devhost.BreakAfter)
		pr := want("b")
		pr.Title = "Another"
		if got, _, err := s.open(nil).Ensure(t.Context(), pr); err != nil || got.Title != "Another" {
			t.Errorf("Ensure = %+v, %v", got, err)
		}
	})
}

func TestLastingFaults(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct {
		fault   devhost.Fault
		reason  codehost.Reason
		message string
	}{
		{devhost.Status(http.StatusInternalServerError, "Server Error"), codehost.Server, "Server Error"},
		{devhost.Break, codehost.Unreachable, "the connection was cut"},
	} {
		before := s.count("GET")
		s.Inject("GET", 4, c.fault)
		bubble(t, func(t *testing.T) {
			_, err := s.open(nil).PullRequests(t.Context(), "main", "")
			if e := refused(t, err, c.reason); !strings.Contains(e.Message, c.message) {
				t.Error(err)
			}
		})
		if n := s.count("GET") - before; n != 4 {
			t.Errorf("asked %d times", n)
		}
	}
}

func TestUnreachable(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	bubble(t, func(t *testing.T) {
		_, err := open(t, nobody.URL, nil).PullRequests(t.Context(), "main", "")
		if e := refused(t, err, codehost.Unreachable); e.Unwrap() == nil || e.Status != 0 || strings.Contains(e.Message, "/repos/") {
			t.Errorf("%+v", e)
		}
	})
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = silent
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	began := time.Now()
	_, err := open(t, untrusted.URL, nil).PullRequests(t.Context(), "main", "")
	if refused(t, err, codehost.Unreachable); time.Since(began) > 250*time.Millisecond {
		t.Error("it was tried again, which mends no certificate")
	}
}

func TestSlowAnswer(t *testing.T) {
	s := serve(t, nil)
	s.Inject("GET", 1, devhost.Slow(time.Minute))
	patient := func(o *codehost.Options) { o.Timeout = 100 * time.Millisecond }
	began := time.Now()
	if _, err := s.open(patient).PullRequests(t.Context(), "main", ""); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began)) // the second try was not slow
	}
	s.Inject("GET", -1, devhost.Slow(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.open(nil).PullRequests(ctx, "main", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
