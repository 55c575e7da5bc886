package codehost

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const documentation = "https://docs.github.com/rest/pulls/pulls"

// answer writes JSON.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value) // who has gone away needs no answer
}

// refuse writes an error in GitHub's form, with more about it as texts.
func refuse(w http.ResponseWriter, status int, message string, details ...string) {
	said := map[string]any{"message": message, "documentation_url": documentation, "status": fmt.Sprint(status)}
	if len(details) > 0 {
		said["errors"] = details
	}
	answer(w, status, said)
}

// invalid is one of the errors of a 422.
type invalid struct {
	Resource string `json:"resource"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
}

// refuseInvalid writes a 422.
func refuseInvalid(w http.ResponseWriter, e invalid) {
	e.Resource = "PullRequest"
	answer(w, http.StatusUnprocessableEntity, map[string]any{
		"message": "Validation Failed", "errors": []invalid{e}, "documentation_url": documentation, "status": "422",
	})
}

func custom(message string) invalid { return invalid{Code: "custom", Message: message} }

// fail is for what GitHub would not tell more about.
func fail(w http.ResponseWriter, err error) {
	refuse(w, http.StatusInternalServerError, "Server Error", err.Error())
}

// pull is a pull request as it is kept.
type pull struct {
	number                   int
	title, body              string
	headOwner, headRef, head string // head is a commit
	baseRef, base            string
	closed                   bool
	created, updated         time.Time
	closedAt, mergedAt       time.Time
	mergeCommit              string // while it is open: a merge made to try
	seen                     string // head and base when it was last looked whether it is merged
}

func (p *pull) state() string {
	if p.closed {
		return "closed"
	}
	return "open"
}

// show is a pull request as the API gives it; a list leaves out what takes a merge to know.
func (s *Server) show(r *http.Request, p *pull, whole bool) map[string]any {
	_, name, _ := strings.Cut(s.config.Repository, "/")
	web := fmt.Sprintf("%s/%s/pull/%d", address(r), s.config.Repository, p.number)
	shown := map[string]any{
		"id": 1_000_000 + p.number, "number": p.number, "state": p.state(), "title": p.title, "body": orNull(p.body),
		"url":      fmt.Sprintf("%s/repos/%s/pulls/%d", apiAddress(r), s.config.Repository, p.number),
		"html_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch",
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "closed_at": stamp(p.closedAt), "merged_at": stamp(p.mergedAt),
		"merge_commit_sha": orNull(p.mergeCommit), "draft": false, "locked": false, "user": map[string]any{"login": s.owner},
		"head": s.side(p.headOwner, name, p.headRef, p.head), "base": s.side(s.owner, name, p.baseRef, p.base),
	}
	if whole {
		shown["merged"] = !p.mergedAt.IsZero()
		shown["mergeable"] = nil
		if !p.closed {
			shown["mergeable"] = p.mergeCommit != ""
		}
	}
	return shown
}

// side is a head or base. A fork that is gone has no repository any more.
func (s *Server) side(owner, name, ref, commit string) map[string]any {
	repository := map[string]any{"id": repositoryID, "full_name": owner + "/" + name, "name": name, "owner": map[string]any{"login": owner}}
	shown := map[string]any{"label": owner + ":" + ref, "ref": ref, "sha": commit, "repo": repository}
	if owner == s.owner {
		return shown
	}
	repository["id"], repository["fork"] = repositoryID+1+len(owner), true
	if (git{s.config.Forks[owner]}).check() != nil {
		shown["repo"] = nil
	}
	return shown
}

func stamp(when time.Time) any {
	if when.IsZero() {
		return nil
	}
	return when.UTC().Format(time.RFC3339)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
