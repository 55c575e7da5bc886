package codehost

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"
)

// Fault does something else than answer a request, or something to the answer that api gives.
type Fault func(w http.ResponseWriter, r *http.Request, api http.Handler)

type injected struct {
	method string
	times  int
	fault  Fault
}

// Inject has a fault happen to the next requests of a method ("" for any); to all of them where times is below 0. Of
// several faults the first that was injected comes first.
func (s *Server) Inject(method string, times int, f Fault) {
	s.faultMutex.Lock()
	defer s.faultMutex.Unlock()
	s.faults = append(s.faults, &injected{method, times, f})
}

// Requests are all that came, as "POST /repos/o/n/pulls".
func (s *Server) Requests() []string {
	s.faultMutex.Lock()
	defer s.faultMutex.Unlock()
	return slices.Clone(s.requests)
}

// note writes a request down and takes the fault that waits for it.
func (s *Server) note(r *http.Request) Fault {
	s.faultMutex.Lock()
	defer s.faultMutex.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	for _, f := range s.faults {
		if f.times != 0 && (f.method == "" || f.method == r.Method) {
			f.times--
			return f.fault
		}
	}
	return nil
}

// Status answers with a status, a message and a few headers (name, value, name, value) without doing anything.
func Status(status int, message string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for pair := range slices.Chunk(headers, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		refuse(w, status, message)
	}
}

// Primary is a primary rate limit that ends after so many seconds, by a clock that is an hour ahead of everybody's.
func Primary(seconds int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		now := time.Now().Add(time.Hour)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		limitHeaders(w.Header(), 5000, 5000, now.Add(time.Duration(seconds)*time.Second))
		refuse(w, http.StatusForbidden, primaryMessage)
	}
}

// Secondary is a secondary rate limit, of status 403 or 429, that ends after so many seconds; 0 does not say when.
func Secondary(status, seconds int) Fault {
	var headers []string
	if seconds > 0 {
		headers = []string{"Retry-After", strconv.Itoa(seconds)}
	}
	return Status(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", headers...)
}

// Break cuts the connection before anything is done.
func Break(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// BreakAfter does what is asked, and cuts the connection instead of answering.
func BreakAfter(_ http.ResponseWriter, r *http.Request, api http.Handler) {
	carryOut(r, api)
	panic(http.ErrAbortHandler)
}

// FailAfter does what is asked, and answers with a status as if it had not.
func FailAfter(status int) Fault {
	return func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		carryOut(r, api)
		refuse(w, status, "Server Error")
	}
}

// carryOut does what is asked, also where whoever asks has gone.
func carryOut(r *http.Request, api http.Handler) {
	api.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
}

// Slow waits before it does what is asked, unless whoever asks goes away.
func Slow(pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-r.Context().Done():
		case <-timer.C:
			api.ServeHTTP(w, r)
		}
	}
}

// Forget takes back the faults that have not happened yet.
func (s *Server) Forget() {
	s.faultMutex.Lock()
	defer s.faultMutex.Unlock()
	s.faults = nil
}
