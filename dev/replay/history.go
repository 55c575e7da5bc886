package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-604f7181/package-storage/build/object"
)

// commit is one of a branch's first parents. Time is the committer's.
type commit struct {
	id   object.ID
	time time.Time
}

// parseCommits reads "<id> <seconds since the epoch>\n…", the oldest first.
func parseCommits(list string) ([]commit, error) {
	var commits []commit
	for line := range strings.Lines(list) {
		word, seconds, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		id, err := object.Parse(word)
		if err != nil {
			return nil, fmt.Errorf("git rev-list wrote %q: %w", line, err)
		}
		unix, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git rev-list wrote %q: %w", line, err)
		}
		commits = append(commits, commit{id, time.Unix(unix, 0).UTC()})
	}
	return commits, nil
}

// step is a moment of the history: a commit of the distribution's own branch, and where each branch of the chain was, the
// most upstream first.
type step struct {
	commit
	heads []object.ID
}

// steps lays the histories of a chain's branches beside each other; the last is the distribution's own, all are the oldest
// first. last is how many updates there are to be at most, beside the start; 0 is all.
func steps(chain [][]commit, last int) []step {
	own := chain[len(chain)-1]
	all := make([]step, len(own))
	var latest time.Time
	for i, c := range own {
		// Clocks of committers differ. An upstream branch never goes back meanwhile: the pipeline would refuse to push.
		if c.time.After(latest) {
			latest = c.time
		}
		all[i] = step{commit: c}
		for _, upstream := range chain[:len(chain)-1] {
			all[i].heads = append(all[i].heads, at(upstream, latest).id)
		}
		all[i].heads = append(all[i].heads, c.id)
	}
	if last > 0 && last+1 < len(all) {
		all = all[len(all)-last-1:]
	}
	return all
}

// at is the newest commit of a branch that is not younger than a moment; its first where all are.
func at(branch []commit, moment time.Time) commit {
	for i := len(branch) - 1; i > 0; i-- {
		if !branch[i].time.After(moment) {
			return branch[i]
		}
	}
	return branch[0]
}
