package targets

import (
	"errors"

	"github.com/seed-604f7181/package-storage/build/codehost"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// changeAdvice is for what changes branches.
func changeAdvice(err error) (code int, hint string, known bool) {
	var request *promote.RequestError
	var refused *pipeline.RefusedPlanError
	var sample *pipeline.SampleError
	var policy *pipeline.RegistryPolicyError
	var tombstones *pipeline.TombstonesError
	var revision *gitstore.NoRevisionError
	var commit *pipeline.NoCommitError
	var unrelated *pipeline.UnrelatedError
	switch {
	case errors.As(err, &request):
		return exitRequest, request.WayOut, true
	case errors.As(err, &refused):
		for _, i := range refused.Items {
			if i.Verdict.Code == promote.NotFound {
				return exitRequest, "", true // each says its own way out
			}
		}
		return exitFailed, "", true
	case errors.As(err, &sample):
		return exitRequest, "set STORAGE to a clone of a package storage, or to its URL; DRY_RUN=1 shows plans for the sample, too", true
	case errors.As(err, &policy):
		return exitRequest, "take a stable release, or change the policy of " + policy.Distribution + " in distributions.yml", true
	case errors.As(err, &tombstones):
		return exitFailed, "correct the file: nothing is done on the branch until it can be read", true
	case errors.As(err, &revision):
		return exitRequest, "name a commit, a branch or a tag of the storage (git fetch brings what is new)", true
	case errors.As(err, &commit):
		return exitRequest, "git log --first-parent " + commit.Branch + " lists them", true
	case errors.As(err, &unrelated) && unrelated.Shallow:
		return exitFailed, "the clone is shallow: git fetch --unshallow brings the history", true
	case errors.As(err, &unrelated):
		return exitFailed, "the branch was rewritten, or BASE is on another one", true
	}
	hint = pushedAdvice(err)
	return exitFailed, hint, hint != ""
}

// pushedAdvice is for branches that could not be moved, and for pull requests.
func pushedAdvice(err error) string {
	var identity *gitstore.IdentityError
	var moved *gitstore.MovedError
	var refused *gitstore.RefusedError
	var push *gitstore.PushError
	var opened *pipeline.PullRequestError
	var module *pipeline.GoError
	var partly *pipeline.PartlyMovedError
	var shallow *pipeline.ShallowError
	switch {
	case errors.As(err, &partly):
		return "run this again when the cause is gone: what has moved stays, and what is left is done"
	case errors.As(err, &shallow):
		return "git fetch --unshallow brings the history (in a GitHub workflow: actions/checkout with fetch-depth: 0)"
	case errors.As(err, &module):
		return "nothing has changed; the go command must be there, and reach its module proxy"
	case errors.As(err, &identity):
		return `git config --global user.name "Your Name"; git config --global user.email you@example.com`
	case errors.As(err, &moved):
		return "others are at work on the same branches: run this again, nothing has changed"
	case errors.As(err, &refused) && refused.CheckedOut():
		return "nothing has changed; set STORAGE to a bare repository or a URL, or check out another branch there"
	case errors.As(err, &refused):
		return "nothing has changed; if the branch is protected, ask for the right to push, or let distributions.yml say add: pull-request for it"
	case errors.As(err, &push):
		return "nothing has changed; check the network, the address and your right to push, and run this again"
	case errors.As(err, &opened):
		return pullRequestAdvice(opened)
	}
	return ""
}

func pullRequestAdvice(e *pipeline.PullRequestError) string {
	hint := "run this again: the branch is there already"
	var failed *codehost.Error
	if errors.As(e.Err, &failed) {
		switch failed.Reason {
		case codehost.Unauthorized:
			hint = "give CODE_HOST_TOKEN (or GITHUB_TOKEN) a token that is valid, and run this again"
		case codehost.Forbidden, codehost.NotFound:
			hint = "the token needs the right to write pull requests of that repository; then run this again"
		case codehost.Limited:
			hint = "wait until the limit is over, and run this again"
		}
	}
	if e.Page != "" {
		hint += "; or open it yourself: " + e.Page
	}
	return hint
}
