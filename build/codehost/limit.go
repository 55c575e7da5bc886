package codehost

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// limited says whether an answer is about limits
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). A secondary limit's may have no header
// that says so.
func (a answer) limited(message string) bool {
	if a.status == http.StatusTooManyRequests {
		return true
	}
	return a.status == http.StatusForbidden && (a.header.Get("Retry-After") != "" || a.header.Get("X-RateLimit-Remaining") == "0" ||
		strings.Contains(strings.ToLower(message), "rate limit"))
}

// unsaid is how long to wait where a limit does not say it; it doubles each time.
const unsaid = time.Minute

// pause is how long the code host wants to be left alone for. The time of a reset is on its own clock, which the Date is
// from as well.
func (a answer) pause(now time.Time, before int) time.Duration {
	clock := now
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
		clock = date
	}
	pause := unsaid << min(before, 10)
	after := a.header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(after, 10, 32); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if when, err := http.ParseTime(after); err == nil {
		pause = when.Sub(clock)
	} else if reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64); err == nil && a.header.Get("X-RateLimit-Remaining") == "0" {
		pause = time.Unix(reset, 0).Sub(clock) + time.Second // both are cut to whole seconds
	}
	return max(pause, time.Second)
}

// heed takes a limit's wait from the patience that is left; the error is failed, with the time when to come again.
func (e *errand) heed(failed *Error, a answer) (time.Duration, error) {
	now := time.Now()
	pause := a.pause(now, e.limited)
	e.limited++
	if pause > e.patience {
		failed.RetryAt = now.Add(pause)
		return 0, failed
	}
	e.patience -= pause
	e.host.options.Notice(fmt.Sprintf("%s asks to wait %s", e.host.api.Host, pause.Round(time.Second)))
	return pause, nil
}
