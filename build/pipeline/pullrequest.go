package pipeline

import (
	"cmp"
	"context"
	"strings"

	"github.com/seed-604f7181/package-storage/build/codehost"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// PullRequestError says that a topic branch was pushed, and no pull request could be opened for it. The same command run
// again does that.
type PullRequestError struct {
	Topic, Branch string
	// Page is where a person can open it; may be empty.
	Page string
	Err  error
}

func (e *PullRequestError) Error() string {
	return "branch " + e.Topic + " is pushed, and no pull request into " + e.Branch + " is open: " + e.Err.Error()
}

func (e *PullRequestError) Unwrap() error { return e.Err }

// openPullRequests sees to it that there is one for each topic branch; without a token, that people know where to open it.
func (s *Session) openPullRequests(ctx context.Context, steps []promote.Step, moves []BranchMove) error {
	for i, step := range steps {
		if step.Topic == "" {
			continue
		}
		title, body := step.PullRequest()
		if runes := []rune(body); len(runes) > codehost.MaxBody {
			body = string(runes[:codehost.MaxBody-1]) + "…"
		}
		if runes := []rune(title); len(runes) > codehost.MaxTitle {
			title = string(runes[:codehost.MaxTitle-1]) + "…"
		}
		web, repository, err := s.codeHost(ctx)
		if err != nil {
			return err
		}
		if repository == "" {
			continue // no code host's: the branch is all there can be
		}
		page := ""
		if web != "" {
			page = codehost.CompareURL(web, repository, step.Branch, step.Topic, title, body)
		}
		token := s.config.CodeHost.Token
		if web == "github.com" || strings.HasSuffix(web, ".ghe.com") || s.config.CodeHost.API != "" {
			token = cmp.Or(token, s.config.CodeHost.GitHubToken)
		}
		if token == "" {
			moves[i].Compare = page
			continue
		}
		host, err := codehost.Open(codehost.Options{
			API: cmp.Or(s.config.CodeHost.API, apiOf(web)), Token: token, Repository: repository, Notice: s.report.Warn,
		})
		if err != nil {
			return &PullRequestError{step.Topic, step.Branch, page, err}
		}
		opened, _, err := host.Ensure(ctx, codehost.PullRequest{Title: title, Body: body, Head: step.Topic, Base: step.Branch})
		if err != nil {
			return &PullRequestError{step.Topic, step.Branch, page, err}
		}
		moves[i].PullRequest = opened.URL
	}
	return nil
}

// codeHost is where the storage is on the web; without a repository it is not on a code host.
func (s *Session) codeHost(ctx context.Context) (web, repository string, err error) {
	remote, err := s.storage.RemoteURL(ctx)
	if err != nil {
		return "", "", err
	}
	web, repository, _ = codehost.RepositoryOf(remote)
	return web, cmp.Or(s.config.CodeHost.Repository, repository), nil
}

func apiOf(web string) string {
	if web == "" {
		return ""
	}
	return codehost.APIOf(web)
}
