package codehost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// rounds of looking and opening; between them lie one, two and four seconds.
const rounds = 4

// Ensure sees to it that there is one open pull request of want.Head into want.Base, with want's title and body; the
// rest of want is not looked at. One that is open already is kept and rewritten, whoever opened it; those that are
// closed or merged are left alone. created is false where it was there. The error is an *Error, or the context's.
//
// When it is not known what has become of a request (a cut connection, a fault of the code host), the pull request is
// looked for before it is asked for again.
func (h *Host) Ensure(ctx context.Context, want PullRequest) (pr PullRequest, created bool, err error) {
	e := h.errand()
	doing := fmt.Sprintf("open a pull request of %s into %s", want.Head, want.Base)
	unsure := false // whether one of ours may have been opened
	for round := range rounds {
		if round > 0 {
			if waitErr := wait(ctx, time.Second<<(round-1)); waitErr != nil {
				return PullRequest{}, false, waitErr
			}
		}
		open, lookErr := e.find(ctx, doing, want)
		if lookErr != nil {
			return PullRequest{}, false, lookErr
		}
		if open != nil {
			created = unsure && same(*open, want)
			pr, err = e.rewrite(ctx, *open, want)
			return pr, created, err
		}
		pr, err = e.create(ctx, doing, want)
		if err == nil {
			return pr, true, nil
		}
		if !alreadyExists(err) && !unclear(err) {
			return PullRequest{}, false, err
		}
		unsure = unsure || unclear(err)
	}
	return PullRequest{}, false, err
}

// find looks for the open pull request that want is about; nil where there is none.
func (e *errand) find(ctx context.Context, doing string, want PullRequest) (*PullRequest, error) {
	found, err := e.list(ctx, doing, "open", want.Base, func(p PullRequest) bool {
		return p.Head == want.Head && p.Base == want.Base && p.State == StateOpen
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (e *errand) create(ctx context.Context, doing string, want PullRequest) (PullRequest, error) {
	body := map[string]string{"title": want.Title, "body": want.Body, "head": want.Head, "base": want.Base}
	return e.write(ctx, call{doing: doing, method: http.MethodPost, url: e.host.pulls("")}, body)
}

// rewrite gives a pull request its title and body, where it has others.
func (e *errand) rewrite(ctx context.Context, open, want PullRequest) (PullRequest, error) {
	if same(open, want) {
		return open, nil
	}
	return e.write(ctx, call{
		doing: fmt.Sprintf("rewrite pull request %d", open.Number), method: http.MethodPatch,
		url: e.host.pulls(fmt.Sprintf("/%d", open.Number)), repeatable: true,
	}, map[string]string{"title": want.Title, "body": want.Body})
}

func (e *errand) write(ctx context.Context, c call, body map[string]string) (PullRequest, error) {
	var err error
	if c.body, err = json.Marshal(body); err != nil {
		return PullRequest{}, errors.Wrap(err, c.doing)
	}
	var p pull
	if _, err := e.do(ctx, c, &p); err != nil {
		return PullRequest{}, err
	}
	if p.Number == 0 {
		return PullRequest{}, e.host.odd(c.doing, http.StatusOK, "its answer is no pull request")
	}
	return p.request(), nil
}

// same says whether a pull request reads as it should: GitHub trims titles, and its own form ends lines with CR LF.
func same(a, b PullRequest) bool {
	plain := func(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }
	return plain(a.Title) == plain(b.Title) && plain(a.Body) == plain(b.Body)
}

// alreadyExists goes by the text: GitHub has no code for it (google/go-github#1441).
func alreadyExists(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Reason == Invalid &&
		strings.Contains(strings.ToLower(refused.Message), "pull request already exists")
}

// unclear says whether a request may have been carried out although it failed.
func unclear(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && (refused.Reason == Unreachable || refused.Reason == Server ||
		refused.Reason == Failed && refused.Status/100 == 2)
}
