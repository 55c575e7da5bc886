package codehost_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/codehost"
	devhost "github.com/seed-604f7181/package-storage/dev/codehost"
)

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		faults []devhost.Fault
		waits  time.Duration
	}{
		"primary":              {[]devhost.Fault{devhost.Primary(60)}, 61 * time.Second},
		"secondary":            {[]devhost.Fault{devhost.Secondary(http.StatusForbidden, 30)}, 30 * time.Second},
		"too many requests":    {[]devhost.Fault{devhost.Secondary(http.StatusTooManyRequests, 30)}, 30 * time.Second},
		"says not how long":    {[]devhost.Fault{devhost.Secondary(http.StatusForbidden, 0)}, time.Minute},
		"and again":            {[]devhost.Fault{devhost.Secondary(http.StatusTooManyRequests, 0), devhost.Secondary(http.StatusForbidden, 0)}, 3 * time.Minute},
		"in one after other":   {[]devhost.Fault{devhost.Secondary(http.StatusForbidden, 30), devhost.Primary(60)}, 91 * time.Second},
		"by another name":      {[]devhost.Fault{devhost.Status(http.StatusForbidden, "Abuse", "Retry-After", "20")}, 20 * time.Second},
		"by its headers alone": {[]devhost.Fault{devhost.Status(http.StatusForbidden, "No", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1")}, time.Second},
		"a date":               {[]devhost.Fault{dated(40 * time.Second)}, 40 * time.Second},
		"a time gone by":       {[]devhost.Fault{devhost.Primary(-100)}, time.Second},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				s := serve(t, nil, "b")
				for _, f := range c.faults {
					s.Inject(method, 1, f)
				}
				bubble(t, func(t *testing.T) {
					began, notices := time.Now(), []string{}
					h := s.open(func(o *codehost.Options) {
						o.Patience = 5 * time.Minute
						o.Notice = func(text string) { notices = append(notices, text) }
					})
					pr, created, err := h.Ensure(t.Context(), want("b"))
					if err != nil || !created || pr.Number != 1 {
						t.Fatalf("Ensure = %+v, %t, %v", pr, created, err)
					}
					if waited := time.Since(began); waited != c.waits {
						t.Errorf("waited %s, want %s", waited, c.waits)
					}
					if len(notices) != len(c.faults) || !strings.Contains(notices[0], "asks to wait") {
						t.Errorf("notices %q", notices)
					}
				})
			})
		}
	}
}

func dated(after time.Duration) devhost.Fault {
	return func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		now := time.Now().Add(time.Hour)
		devhost.Status(http.StatusTooManyRequests, "Too many", "Date", now.UTC().Format(http.TimeFormat),
			"Retry-After", now.Add(after).UTC().Format(http.TimeFormat))(w, r, api)
	}
}

// All waits of one call come out of one patience; the next call has it whole again.
func TestPatience(t *testing.T) {
	s := serve(t, nil, "b")
	bubble(t, func(t *testing.T) {
		began := time.Now()
		h := s.open(func(o *codehost.Options) { o.Patience = 50 * time.Second })
		s.Inject("GET", 1, devhost.Secondary(http.StatusForbidden, 30))
		s.Inject("POST", 1, devhost.Secondary(http.StatusForbidden, 30))
		_, _, err := h.Ensure(t.Context(), want("b"))
		e := refused(t, err, codehost.Limited)
		if e.RetryAt != began.Add(time.Minute) || time.Since(began) != 30*time.Second || e.Status != 403 {
			t.Errorf("after %s: %+v", time.Since(began), e)
		}
		s.Inject("GET", 1, devhost.Secondary(http.StatusForbidden, 30))
		if _, err := h.PullRequests(t.Context(), "main", ""); err != nil {
			t.Error(err)
		}
		s.Inject("GET", 1, devhost.Secondary(http.StatusForbidden, 1))
		_, err = s.open(func(o *codehost.Options) { o.Patience = -1 }).PullRequests(t.Context(), "main", "")
		refused(t, err, codehost.Limited)
	})
}

// A limit that is really counted, by a clock of whole seconds.
func TestCountedLimit(t *testing.T) {
	s := serve(t, func(c *devhost.Config) { c.Limit = devhost.Limit{Requests: 1, Window: time.Second} }, "b")
	pr, created, err := s.open(nil).Ensure(t.Context(), want("b"))
	if err != nil || !created || pr.Number != 1 {
		t.Errorf("Ensure = %+v, %t, %v", pr, created, err)
	}
	if s.count("POST") != 2 {
		t.Errorf("asked %q", s.Requests())
	}
}

// A 403 that says nothing of limits is not waited for, even if others are counted.
func TestForbiddenIsNoLimit(t *testing.T) {
	s := serve(t, nil)
	s.Inject("GET", 1, devhost.Status(http.StatusForbidden, "No", "X-RateLimit-Remaining", "12", "X-RateLimit-Reset", "99999999999"))
	_, err := s.open(nil).PullRequests(t.Context(), "main", "")
	refused(t, err, codehost.Forbidden)
}

func TestWaitEndsWithContext(t *testing.T) {
	s := serve(t, nil)
	s.Inject("GET", 1, devhost.Secondary(http.StatusForbidden, 60))
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.open(nil).PullRequests(ctx, "main", "")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
