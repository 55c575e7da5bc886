package codehost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// What GitHub takes, in characters.
const (
	maxTitle = 256
	maxBody  = 65536
)

// asked are the fields of a request's body that are looked at; nil are those that it does not have.
type asked struct {
	Title, Body, Head, Base, State *string
	SHA                            string
	MergeMethod                    string `json:"merge_method"`
	CommitTitle                    string `json:"commit_title"`
	CommitMessage                  string `json:"commit_message"`
}

// read reads a request's body, and has answered where it is no JSON. An empty one is an empty object.
func read(w http.ResponseWriter, r *http.Request) (a asked, ok bool) {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&a)
	if err != nil && err.Error() != "EOF" {
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return a, false
	}
	return a, true
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// tooLong says what of a request is; "" where nothing is.
func (a asked) tooLong() string {
	switch {
	case utf8.RuneCountInString(text(a.Title)) > maxTitle:
		return fmt.Sprintf("title is too long (maximum is %d characters)", maxTitle)
	case utf8.RuneCountInString(text(a.Body)) > maxBody:
		return fmt.Sprintf("body is too long (maximum is %d characters)", maxBody)
	}
	return ""
}

// create answers POST /repos/{owner}/{name}/pulls.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	a, ok := read(w, r)
	if !ok {
		return
	}
	if err := s.refresh(r); err != nil {
		fail(w, err)
		return
	}
	p := &pull{
		number: len(s.pulls) + 1, title: strings.TrimSpace(text(a.Title)), body: text(a.Body),
		headOwner: s.owner, headRef: text(a.Head), baseRef: text(a.Base), created: s.config.Now(), updated: s.config.Now(),
	}
	if owner, ref, found := strings.Cut(p.headRef, ":"); found {
		p.headOwner, p.headRef = owner, ref
	}
	wrong, err := s.wrong(r.Context(), a, p)
	switch {
	case err != nil:
		fail(w, err)
		return
	case wrong != nil:
		refuseInvalid(w, *wrong)
		return
	}
	if err := s.take(r.Context(), p, p.head); err != nil {
		fail(w, err)
		return
	}
	if err := s.try(r.Context(), p); err != nil {
		fail(w, err)
		return
	}
	p.seen = p.head + p.base
	s.pulls = append(s.pulls, p)
	w.Header().Set("Location", fmt.Sprintf("%s/repos/%s/pulls/%d", apiAddress(r), s.config.Repository, p.number))
	answer(w, http.StatusCreated, s.show(r, p, true))
}

// wrong is what forbids to open a pull request; nil where nothing does. It has found its commits.
func (s *Server) wrong(ctx context.Context, a asked, p *pull) (*invalid, error) {
	if p.title == "" {
		return &invalid{Field: "title", Code: "missing_field"}, nil
	}
	if long := a.tooLong(); long != "" {
		return &invalid{Code: "custom", Message: long}, nil
	}
	own, err := s.git.branches(ctx)
	if err != nil {
		return nil, err
	}
	if p.base = own[p.baseRef]; p.base == "" {
		return &invalid{Field: "base", Code: "invalid"}, nil
	}
	heads := own
	if p.headOwner != s.owner {
		from := git{s.config.Forks[p.headOwner]}
		if from.check() != nil {
			return &invalid{Field: "head", Code: "invalid"}, nil
		}
		if heads, err = from.branches(ctx); err != nil {
			return nil, err
		}
	}
	if p.head = heads[p.headRef]; p.head == "" {
		return &invalid{Field: "head", Code: "invalid"}, nil
	}
	if s.other(p) != nil {
		already := custom(fmt.Sprintf("A pull request already exists for %s:%s.", p.headOwner, p.headRef))
		return &already, nil
	}
	return s.nothingNew(ctx, p)
}

// other is an open pull request of the same head and base.
func (s *Server) other(p *pull) *pull {
	for _, o := range s.pulls {
		if o.number != p.number && !o.closed && o.headOwner == p.headOwner && o.headRef == p.headRef && o.baseRef == p.baseRef {
			return o
		}
	}
	return nil
}

// nothingNew is what forbids a pull request whose head has nothing that the base has not, or nothing in common with it.
func (s *Server) nothingNew(ctx context.Context, p *pull) (*invalid, error) {
	if err := s.fetch(ctx, p, p.head); err != nil {
		return nil, err
	}
	common, err := s.git.says(ctx, "merge-base", p.base, p.head)
	if err != nil {
		return nil, err
	}
	if !common {
		wrong := custom(fmt.Sprintf("The %s branch has no history in common with %s", p.baseRef, p.headRef))
		return &wrong, nil
	}
	merged, err := s.git.says(ctx, "merge-base", "--is-ancestor", p.head, p.base)
	if err != nil || !merged {
		return nil, err
	}
	wrong := custom(fmt.Sprintf("No commits between %s and %s", p.baseRef, p.headRef))
	return &wrong, nil
}

// fetch brings a fork's commit in.
func (s *Server) fetch(ctx context.Context, p *pull, commit string) error {
	if p.headOwner == s.owner {
		return nil
	}
	_, err := s.git.run(ctx, nil, "", "-c", "uploadpack.allowAnySHA1InWant=true", "fetch", "-q", "--no-write-fetch-head", s.config.Forks[p.headOwner], commit)
	return err
}

// take makes a commit a pull request's head.
func (s *Server) take(ctx context.Context, p *pull, commit string) error {
	if err := s.fetch(ctx, p, commit); err != nil {
		return err
	}
	p.head = commit
	_, err := s.git.run(ctx, nil, "", "update-ref", fmt.Sprintf("refs/pull/%d/head", p.number), commit)
	return err
}

// update answers PATCH /repos/{owner}/{name}/pulls/{number}.
func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	a, ok := read(w, r)
	if !ok {
		return
	}
	p := s.lookup(w, r)
	if p == nil {
		return
	}
	own, err := s.git.branches(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	if wrong := s.unfit(a, p, own); wrong != nil {
		refuseInvalid(w, *wrong)
		return
	}
	if a.Title != nil {
		p.title = strings.TrimSpace(*a.Title)
	}
	if a.Body != nil {
		p.body = *a.Body
	}
	if a.Base != nil {
		p.baseRef = *a.Base
	}
	switch text(a.State) {
	case "closed":
		if !p.closed {
			s.close(p, "")
		}
	case "open":
		p.closed, p.closedAt = false, p.mergedAt
	}
	p.updated = s.config.Now()
	if err := s.refresh(r); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, s.show(r, p, true))
}

// unfit is what forbids a change.
func (s *Server) unfit(a asked, p *pull, own map[string]string) *invalid {
	changed := *p
	if a.Base != nil {
		changed.baseRef = *a.Base
	}
	var wrong invalid
	switch long := a.tooLong(); {
	case long != "":
		wrong = custom(long)
	case a.Title != nil && strings.TrimSpace(*a.Title) == "":
		wrong = invalid{Field: "title", Code: "missing_field"}
	case a.State != nil && *a.State != "open" && *a.State != "closed":
		wrong = invalid{Field: "state", Code: "invalid"}
	case changed.baseRef != p.baseRef && p.closed:
		wrong = custom("Cannot change the base branch of a closed pull request.")
	case own[changed.baseRef] == "" && changed.baseRef != p.baseRef:
		wrong = custom(fmt.Sprintf("Proposed base branch '%s' was not found", changed.baseRef))
	case text(a.State) == "open" && p.closed && (!p.mergedAt.IsZero() || p.headOwner == s.owner && own[p.headRef] == ""):
		wrong = custom("state cannot be changed.")
	case (text(a.State) == "open" || changed.baseRef != p.baseRef) && s.other(&changed) != nil:
		wrong = custom(fmt.Sprintf("A pull request already exists for %s:%s.", p.headOwner, p.headRef))
	default:
		return nil
	}
	return &wrong
}
