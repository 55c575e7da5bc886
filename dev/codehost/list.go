package codehost

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list answers GET /repos/{owner}/{name}/pulls.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	state := cmp.Or(query.Get("state"), "open")
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		refuseInvalid(w, invalid{Field: "state", Code: "invalid"})
		return
	}
	if err := s.refresh(r); err != nil {
		fail(w, err)
		return
	}
	// A head that is not <owner>:<branch> is passed over (github/docs#16647).
	headOwner, headRef, byHead := strings.Cut(query.Get("head"), ":")
	var found []*pull
	for _, p := range s.pulls {
		if (state == "all" || p.state() == state) && (query.Get("base") == "" || query.Get("base") == p.baseRef) &&
			(!byHead || headOwner == p.headOwner && headRef == p.headRef) {
			found = append(found, p)
		}
	}
	order(found, query.Get("sort"), query.Get("direction"))
	page, perPage := number(query.Get("page"), 1), min(number(query.Get("per_page"), 30), 100)
	s.link(w, r, page, (len(found)+perPage-1)/perPage)
	shown := []any{}
	for _, p := range found[min((page-1)*perPage, len(found)):min(page*perPage, len(found))] {
		shown = append(shown, s.show(r, p, false))
	}
	answer(w, http.StatusOK, shown)
}

// order sorts by creation or update. Popularity and long-running need comments, which there are none of.
func order(pulls []*pull, by, direction string) {
	descending := direction == "desc" || direction == "" && (by == "" || by == "created")
	slices.SortStableFunc(pulls, func(a, b *pull) int {
		order := cmp.Compare(a.number, b.number)
		if by == "updated" {
			order = cmp.Or(a.updated.Compare(b.updated), order)
		}
		if descending {
			order = -order
		}
		return order
	})
}

// number is a parameter from 1 on.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(n, 1_000_000)
	}
	return otherwise
}

// link names the other pages (https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api).
func (s *Server) link(w http.ResponseWriter, r *http.Request, page, last int) {
	var links []string
	add := func(n int, relation string) {
		query := url.Values{}
		for key, values := range r.URL.Query() {
			query[key] = values
		}
		query.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s/repositories/%d/pulls?%s>; rel="%s"`, apiAddress(r), repositoryID, query.Encode(), relation))
	}
	if page > 1 && last > 0 {
		add(min(page-1, last), "prev")
	}
	if page < last {
		add(page+1, "next")
		add(last, "last")
	}
	if page > 1 {
		add(1, "first")
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
}

// refresh brings open pull requests up to what has been pushed: their heads move, and whose head has come into the base
// is merged (https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges#indirect-merges).
func (s *Server) refresh(r *http.Request) error {
	own, err := s.git.branches(r.Context())
	if err != nil {
		return err
	}
	for _, p := range s.pulls {
		if p.closed {
			continue
		}
		if err := s.follow(r, p, own); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) follow(r *http.Request, p *pull, own map[string]string) error {
	ctx := r.Context()
	heads := own
	if p.headOwner != s.owner {
		fork := git{s.config.Forks[p.headOwner]}
		if fork.check() != nil {
			return nil // a fork that is gone moves no more
		}
		var err error
		if heads, err = fork.branches(ctx); err != nil {
			return err
		}
	}
	head, base := cmp.Or(heads[p.headRef], p.head), cmp.Or(own[p.baseRef], p.base)
	if p.seen == head+base {
		return nil
	}
	if head != p.head {
		if err := s.take(ctx, p, head); err != nil {
			return err
		}
		p.updated = s.config.Now()
	}
	p.base, p.seen = base, head+base
	merged, err := s.git.says(ctx, "merge-base", "--is-ancestor", head, base)
	if err != nil {
		return err
	}
	if merged {
		s.close(p, base)
		return nil
	}
	return s.try(ctx, p)
}

// close ends a pull request; with a commit, it is merged.
func (s *Server) close(p *pull, mergeCommit string) {
	p.closed, p.closedAt, p.updated = true, s.config.Now(), s.config.Now()
	if mergeCommit != "" {
		p.mergedAt, p.mergeCommit = p.closedAt, mergeCommit
	}
}

// lookup finds the pull request that a request is about, and has answered where there is none.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request) *pull {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(s.pulls) {
		refuse(w, http.StatusNotFound, "Not Found")
		return nil
	}
	if err := s.refresh(r); err != nil {
		fail(w, err)
		return nil
	}
	return s.pulls[n-1]
}

// get answers GET /repos/{owner}/{name}/pulls/{number}.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if p := s.lookup(w, r); p != nil {
		answer(w, http.StatusOK, s.show(r, p, true))
	}
}
