package codehost

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// try makes the merge that shows whether a pull request can be merged.
func (s *Server) try(ctx context.Context, p *pull) error {
	p.mergeCommit = ""
	tree, err := s.git.mergeTree(ctx, p.base, p.head)
	if err != nil || tree == "" {
		return err
	}
	p.mergeCommit, err = s.git.commit(ctx, nil, fmt.Sprintf("Merge %s into %s\n", p.head, p.base), tree, p.base, p.head)
	return err
}

// merge answers PUT /repos/{owner}/{name}/pulls/{number}/merge.
func (s *Server) merge(w http.ResponseWriter, r *http.Request) {
	a, ok := read(w, r)
	if !ok {
		return
	}
	p := s.lookup(w, r)
	if p == nil {
		return
	}
	if a.SHA != "" && a.SHA != p.head {
		refuse(w, http.StatusConflict, "Head branch was modified. Review and try the merge again.")
		return
	}
	if p.closed || p.mergeCommit == "" {
		refuse(w, http.StatusMethodNotAllowed, "Pull Request is not mergeable")
		return
	}
	var commit string
	var err error
	switch a.MergeMethod {
	case "", "merge":
		title := fmt.Sprintf("Merge pull request #%d from %s/%s", p.number, p.headOwner, p.headRef)
		commit, err = s.combine(r.Context(), p, a.message(title, p.title), p.base, p.head)
	case "squash":
		commit, err = s.combine(r.Context(), p, a.message(fmt.Sprintf("%s (#%d)", p.title, p.number), p.body), p.base)
	case "rebase":
		commit, err = s.rebase(r.Context(), p)
	default:
		refuseInvalid(w, invalid{Field: "merge_method", Code: "invalid"})
		return
	}
	if err == nil && commit == "" {
		refuse(w, http.StatusMethodNotAllowed, "This branch can't be rebased")
		return
	}
	if err != nil {
		fail(w, err)
		return
	}
	if err := s.git.move(r.Context(), "refs/heads/"+p.baseRef, commit, p.base); err != nil {
		refuse(w, http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.", err.Error())
		return
	}
	s.close(p, commit)
	answer(w, http.StatusOK, map[string]any{"sha": commit, "merged": true, "message": "Pull Request successfully merged"})
}

// message is a commit's, unless the request has one.
func (a asked) message(title, body string) string {
	if a.CommitTitle != "" {
		title = a.CommitTitle
	}
	if a.CommitMessage != "" {
		body = a.CommitMessage
	}
	return strings.TrimSpace(title+"\n\n"+body) + "\n"
}

// combine commits what base and head are together.
func (s *Server) combine(ctx context.Context, p *pull, message string, parents ...string) (string, error) {
	tree, err := s.git.mergeTree(ctx, p.base, p.head)
	if err != nil || tree == "" {
		return "", err
	}
	return s.git.commit(ctx, nil, message, tree, parents...)
}

// rebase puts the head's commits onto the base one by one; "" where one conflicts.
func (s *Server) rebase(ctx context.Context, p *pull) (string, error) {
	out, err := s.git.run(ctx, nil, "", "rev-list", "--reverse", "--topo-order", "--no-merges", p.base+".."+p.head)
	if err != nil {
		return "", err
	}
	onto := p.base
	for _, commit := range strings.Fields(out) {
		if onto, err = s.pick(ctx, commit, onto); err != nil || onto == "" {
			return "", err
		}
	}
	return onto, nil
}

// pick makes a commit's change again on another. merge-tree takes no base before git 2.40: a commit in between, of onto's
// tree on the commit's own parent, makes that parent the base.
func (s *Server) pick(ctx context.Context, commit, onto string) (string, error) {
	between, err := s.git.commit(ctx, nil, "between\n", onto+"^{tree}", commit+"^")
	if err != nil {
		return "", err
	}
	tree, err := s.git.mergeTree(ctx, between, commit)
	if err != nil || tree == "" {
		return "", err
	}
	out, err := s.git.run(ctx, nil, "", "log", "-1", "--format=%an%n%ae%n%ad%n%B", "--date=raw", commit)
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(out, "\n", 4)
	env := []string{"GIT_AUTHOR_NAME=" + parts[0], "GIT_AUTHOR_EMAIL=" + parts[1], "GIT_AUTHOR_DATE=" + parts[2]}
	return s.git.commit(ctx, env, parts[3], tree, onto)
}
