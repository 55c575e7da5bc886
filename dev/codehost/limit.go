package codehost

import (
	"net/http"
	"strconv"
	"time"
)

// Limit is a primary rate limit: so many requests in each window of time. The zero Limit is GitHub's 5,000 an hour.
type Limit struct {
	Requests int
	Window   time.Duration
}

// window is what has been used of a limit.
type window struct {
	ends time.Time
	used int
}

// spend counts a request and writes the headers of
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api; it has refused the request where it
// returns false.
func (l Limit) spend(w *window, out http.ResponseWriter, now time.Time) bool {
	if l.Requests == 0 {
		l.Requests = 5000
	}
	if l.Window == 0 {
		l.Window = time.Hour
	}
	if !now.Before(w.ends) {
		// A reset is told in whole seconds, and must not be promised too early.
		*w = window{ends: now.Add(l.Window + time.Second - 1).Truncate(time.Second)}
	}
	over := w.used >= l.Requests
	if !over {
		w.used++
	}
	limitHeaders(out.Header(), l.Requests, w.used, w.ends)
	if over {
		refuse(out, http.StatusForbidden, primaryMessage)
	}
	return !over
}

const primaryMessage = "API rate limit exceeded for user ID 1."

func limitHeaders(h http.Header, limit, used int, reset time.Time) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(limit-used))
	h.Set("X-RateLimit-Used", strconv.Itoa(used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}
