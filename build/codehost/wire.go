package codehost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// call is one request, whatever it takes to have it answered.
type call struct {
	doing, method, url string
	body               []byte
	repeatable         bool // doing it twice does no more than doing it once
}

// answer is one that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// errand is one call of this package's user: its waits are counted together.
type errand struct {
	host     *Host
	patience time.Duration // left
	limited  int           // how often limits were met
}

func (h *Host) errand() *errand { return &errand{host: h, patience: h.options.Patience} }

// pauses are those before a repeatable call is made again: a restart of the code host's front passes meanwhile.
var pauses = []time.Duration{300 * time.Millisecond, 900 * time.Millisecond, 2700 * time.Millisecond}

// do makes a call and reads the answer into a value; next is the address of the next page, if there is one.
func (e *errand) do(ctx context.Context, c call, into any) (next string, err error) {
	for tries := 0; ; {
		a, err := e.host.exchange(ctx, c)
		if err == nil && a.status/100 == 2 {
			return e.host.decode(c, a, into)
		}
		if err == nil {
			err = e.host.refused(c.doing, a)
		}
		var failed *Error
		pause := time.Duration(0)
		switch {
		case !errors.As(err, &failed):
			return "", err
		case failed.Reason == Limited:
			if pause, err = e.heed(failed, a); err != nil {
				return "", err
			}
		case c.repeatable && failed.passing && tries < len(pauses):
			pause = pauses[tries]
			tries++
		default:
			return "", failed
		}
		if err := wait(ctx, pause); err != nil {
			return "", err
		}
	}
}

func (h *Host) decode(c call, a answer, into any) (next string, err error) {
	if err := json.Unmarshal(a.body, into); err != nil {
		return "", h.odd(c.doing, a.status, "its answer is not what GitHub's API gives: is "+h.api.String()+" one?")
	}
	next = nextPage(a.header)
	if next == "" {
		return "", nil
	}
	target, err := h.inside(c.doing, c.url, next)
	if err != nil {
		return "", err
	}
	return target.String(), nil
}

// mostRedirects is more than a repository that was renamed and moved needs.
const mostRedirects = 5

// exchange makes a request once, and again wherever the code host redirects it to, as it was: so GitHub's best practices
// want it of all methods. Errors: *Error, the context's.
func (h *Host) exchange(ctx context.Context, c call) (answer, error) {
	target, status := c.url, 0
	for range mostRedirects + 1 {
		a, err := h.once(ctx, c, target)
		if err != nil {
			return answer{}, err
		}
		location := a.header.Get("Location")
		switch a.status {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return a, nil
		}
		status = a.status
		to, err := h.inside(c.doing, target, location)
		if err != nil {
			return answer{}, err
		}
		if from, err := url.Parse(target); err == nil && to.RawQuery == "" {
			to.RawQuery = from.RawQuery
		}
		target = to.String()
		h.moved.Do(func() {
			h.options.Notice("the code host has moved " + h.options.Repository + ", and redirects: use its new name")
		})
	}
	return answer{}, h.odd(c.doing, status, "it redirects without end")
}

// inside resolves an address that the code host gave. The token is for its API alone, so that nothing else is asked.
func (h *Host) inside(doing, from, location string) (*url.URL, error) {
	base, err := url.Parse(from)
	if err != nil {
		return nil, errors.Wrap(err, doing)
	}
	target, err := base.Parse(location)
	if err != nil || location == "" {
		return nil, h.odd(doing, 0, "it leads to nowhere")
	}
	if target.Scheme != h.api.Scheme || !strings.EqualFold(target.Host, h.api.Host) {
		return nil, h.odd(doing, 0, "it leads to another host, "+target.Host+", which is not asked")
	}
	return target, nil
}

// largestAnswer bounds the memory that an answer takes: a hundred pull requests with the longest bodies.
const largestAnswer = 64 << 20

// once makes one request and reads its answer.
func (h *Host) once(ctx context.Context, c call, target string) (answer, error) {
	patient, cancel := context.WithTimeout(ctx, h.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(patient, c.method, target, bytes.NewReader(c.body))
	if err != nil {
		return answer{}, errors.Wrap(err, c.doing)
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	request.Header.Set("User-Agent", "package-storage")
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if h.options.Token != "" {
		request.Header.Set("Authorization", "Bearer "+h.options.Token)
	}
	response, err := h.client.Do(request)
	var content []byte
	if err == nil {
		content, err = io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
		response.Body.Close()
	}
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case err != nil:
		return answer{}, h.unreachable(c.doing, err)
	case len(content) > largestAnswer:
		return answer{}, h.odd(c.doing, response.StatusCode, fmt.Sprintf("its answer is larger than %d MB", largestAnswer>>20))
	}
	return answer{response.StatusCode, response.Header, content}, nil
}

// nextPage is what the Link header names so (RFC 8288).
func nextPage(header http.Header) string {
	for _, link := range strings.Split(strings.Join(header.Values("Link"), ","), ",") {
		target, parameters, found := strings.Cut(link, ";")
		if found && strings.Contains(strings.ReplaceAll(parameters, " ", ""), `rel="next"`) {
			return strings.Trim(strings.TrimSpace(target), "<>")
		}
	}
	return ""
}

// wait waits, unless the context ends.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
