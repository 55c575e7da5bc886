package codehost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say which repository of which code host, and how to deal with it. Only Repository is needed.
type Options struct {
	// API is where the REST API is; "" is https://api.github.com. APIOf knows it of other hosts. Plain HTTP has to be
	// asked for ("http://…").
	API string
	// Token is a personal access token, or an app's; "" asks as nobody in particular, who may open no pull request.
	Token string
	// Repository is "<owner>/<name>".
	Repository string
	// Patience is for how long one call may wait for the code host's limits; 0 is two minutes, below 0 none at all.
	Patience time.Duration
	// Timeout is for how long one answer may take; 0 is half a minute.
	Timeout time.Duration
	// Notice, if set, is told what a person should know, for instance that the code host asks to wait.
	Notice func(text string)
}

// OptionError says which of the Options can't be. It does not repeat what may hold a secret.
type OptionError struct{ Option, Why string }

func (e *OptionError) Error() string { return e.Option + ": " + e.Why }

// Host is one repository of a code host. Safe for concurrent use.
type Host struct {
	options Options
	api     *url.URL
	client  *http.Client
	moved   sync.Once
}

var (
	repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	tokenPattern      = regexp.MustCompile(`^[!-~]*$`)
)

// Open prepares to talk to a code host. Nothing is asked yet. The error is an *OptionError.
func Open(o Options) (*Host, error) {
	if !isRepository(o.Repository) {
		return nil, &OptionError{"Repository", fmt.Sprintf("%q is not <owner>/<name>", o.Repository)}
	}
	o.Token = strings.TrimSpace(o.Token) // files and secrets end with a line's end
	if !tokenPattern.MatchString(o.Token) {
		return nil, &OptionError{"Token", "there are characters in it that no token has"}
	}
	if o.API == "" {
		o.API = "https://api.github.com"
	}
	api, err := url.Parse(strings.TrimRight(o.API, "/"))
	if err != nil || api.Host == "" || api.Scheme != "https" && api.Scheme != "http" {
		return nil, &OptionError{"API", "it is not of the form https://<host>/<path>"}
	}
	if api.User != nil || api.RawQuery != "" || api.Fragment != "" {
		return nil, &OptionError{"API", "a user, password or query does not belong there"}
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	// Redirects are followed in exchange: net/http makes a GET of a POST, and would send it elsewhere.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Host{options: o, api: api, client: &http.Client{CheckRedirect: stay}}, nil
}

// isRepository says whether a name is "<owner>/<name>" and no way to somewhere else.
func isRepository(name string) bool {
	owner, short, _ := strings.Cut(name, "/")
	return repositoryPattern.MatchString(name) && strings.Trim(owner, ".") != "" && strings.Trim(short, ".") != ""
}

// State is what has become of a pull request.
type State string

// A pull request is in one of these.
const (
	StateOpen   State = "open"
	StateMerged State = "merged"
	StateClosed State = "closed" // and not merged
)

// PullRequest proposes to bring what is on the branch Head into the branch Base, of the same repository.
type PullRequest struct {
	Number      int
	URL         string // of its page
	Title, Body string // at most MaxTitle and MaxBody characters
	Head, Base  string // names of branches, without refs/heads/
	State       State
	Merged      time.Time // when; zero unless it is merged
	// MergeCommit is what came onto Base: the merge, the squashed commit, or the last one of a rebase; "" unless merged.
	MergeCommit string
	// HeadCommit is Head's, or was when the pull request was merged or closed.
	HeadCommit string
}

// What GitHub takes, in characters; more is refused as Invalid.
const (
	MaxTitle = 256
	MaxBody  = 65536
)

// pull is a pull request in GitHub's words.
type pull struct {
	Number         int        `json:"number"`
	HTMLURL        string     `json:"html_url"`
	Title          string     `json:"title"`
	Body           string     `json:"body"`
	State          string     `json:"state"`
	MergedAt       *time.Time `json:"merged_at"`
	MergeCommitSHA string     `json:"merge_commit_sha"`
	Head           side       `json:"head"`
	Base           side       `json:"base"`
}

type side struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo *struct {
		ID int64 `json:"id"`
	} `json:"repo"` // null where a fork has been deleted
}

// fromFork says whether its head is not in the repository itself.
func (p pull) fromFork() bool {
	return p.Head.Repo == nil || p.Base.Repo == nil || p.Head.Repo.ID != p.Base.Repo.ID
}

// request puts a pull request in our words. While one is open, merge_commit_sha is a merge that GitHub made to try.
func (p pull) request() PullRequest {
	r := PullRequest{
		Number: p.Number, URL: p.HTMLURL, Title: p.Title, Body: p.Body, Head: p.Head.Ref, Base: p.Base.Ref,
		State: StateOpen, HeadCommit: p.Head.SHA,
	}
	switch {
	case p.MergedAt != nil:
		r.State, r.Merged, r.MergeCommit = StateMerged, *p.MergedAt, p.MergeCommitSHA
	case p.State != "open":
		r.State = StateClosed
	}
	return r
}

// PullRequests are all into the branch base ("" for any), open or not, whose head is a branch of the repository itself
// that starts with headPrefix; the newest come first. The error is an *Error, or the context's.
func (h *Host) PullRequests(ctx context.Context, base, headPrefix string) ([]PullRequest, error) {
	return h.errand().list(ctx, "list the pull requests", "all", base, func(p PullRequest) bool {
		return strings.HasPrefix(p.Head, headPrefix)
	})
}

// list reads all pages, the oldest first: what is opened meanwhile then comes last, and shifts no page. The parameter
// head is not used: GitHub ignores one it does not understand (github/docs#16647), and takes the owner's name of today,
// which a renamed one's is not.
func (e *errand) list(ctx context.Context, doing, state, base string, wanted func(PullRequest) bool) ([]PullRequest, error) {
	query := url.Values{"state": {state}, "sort": {"created"}, "direction": {"asc"}, "per_page": {"100"}}
	if base != "" {
		query.Set("base", base)
	}
	var found []PullRequest
	page := e.host.pulls("") + "?" + query.Encode()
	for n := 0; page != ""; n++ {
		if n == mostPages {
			return nil, e.host.odd(doing, http.StatusOK, "its list of pull requests has no end")
		}
		var pulls []pull
		next, err := e.do(ctx, call{doing: doing, method: http.MethodGet, url: page, repeatable: true}, &pulls)
		if err != nil {
			return nil, err
		}
		for _, p := range pulls {
			if r := p.request(); !p.fromFork() && (base == "" || r.Base == base) && wanted(r) {
				found = append(found, r)
			}
		}
		page = next
	}
	slices.SortFunc(found, func(a, b PullRequest) int { return b.Number - a.Number })
	return slices.CompactFunc(found, func(a, b PullRequest) bool { return a.Number == b.Number }), nil
}

// mostPages is ten times what the largest repositories have.
const mostPages = 10_000

// pulls is the address of pull requests.
func (h *Host) pulls(rest string) string {
	return h.api.String() + "/repos/" + h.options.Repository + "/pulls" + rest
}
