package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// order is how an image stands to another of the same distribution, by the commits that they were made of.
type order int

const (
	// same commits; registry version or template may differ.
	same order = iota
	// older: each commit is an ancestor of the other's, or equal to it.
	older
	newer
	// apart: neither is an ancestor of the other, or one is in one branch and the other in another.
	apart
	// unknown: the storage lacks a commit.
	unknown
)

// compare says how theirs stands to ours.
func (s *Session) compare(ctx context.Context, theirs, ours Inputs) (order, error) {
	if theirs.Distribution != ours.Distribution {
		return apart, nil
	}
	var so standing
	commits := commitsOf(theirs)
	for name, commit := range commitsOf(ours) {
		other, both := commits[name]
		if !both {
			continue // the table has changed: an upstream came or went
		}
		relation, err := s.storage.Relation(ctx, other, commit)
		if err != nil {
			return unknown, err
		}
		so.add(relation)
	}
	return so.order(), nil
}

// compareTimes says how theirs stands to ours by the times of commits, where history can't tell.
func compareTimes(theirs, ours Inputs) order {
	var so standing
	times := timesOf(theirs)
	for name, when := range timesOf(ours) {
		other, both := times[name]
		switch {
		case !both || other.Equal(when):
		case other.Before(when):
			so.add(gitstore.Ancestor)
		default:
			so.add(gitstore.Descendant)
		}
	}
	return so.order()
}

func timesOf(inputs Inputs) map[string]time.Time {
	times := map[string]time.Time{inputs.Distribution: inputs.Time}
	for _, b := range inputs.Upstreams {
		times[b.Distribution] = b.Time
	}
	return times
}

func commitsOf(inputs Inputs) map[string]object.ID {
	commits := map[string]object.ID{inputs.Distribution: inputs.Commit}
	for _, b := range inputs.Upstreams {
		commits[b.Distribution] = b.Commit
	}
	return commits
}

// standing is what the branches say, in any order.
type standing struct{ older, newer, apart, unknown bool }

func (s *standing) add(relation gitstore.Relation) {
	switch relation {
	case gitstore.Same:
	case gitstore.Ancestor:
		s.older = true
	case gitstore.Descendant:
		s.newer = true
	case gitstore.Diverged:
		s.apart = true
	default:
		s.unknown = true
	}
}

// order is apart where branches disagree; else unknown where one is.
func (s standing) order() order {
	switch {
	case s.apart, s.older && s.newer:
		return apart
	case s.unknown:
		return unknown
	case s.older:
		return older
	case s.newer:
		return newer
	}
	return same
}

// BackwardsError says that a distribution's tag would have gone backwards, or sideways. It was not moved.
type BackwardsError struct {
	Distribution, Tag string
	// Published is what the tag stands for, Ours what was to take its place.
	Published, Ours string
	// Unknown says that the storage lacks a commit of the published image; Foreign, that the published image says
	// nothing of its commits.
	Unknown, Foreign bool
	order            order
}

func (e *BackwardsError) Error() string {
	var why string
	switch {
	case e.Foreign:
		why = "says nothing of the commits that it was made of: another tool made it"
	case e.order == newer:
		why = "is newer"
	case e.order == unknown:
		why = "has a commit that STORAGE lacks: it is newer, or of another history"
	default:
		why = "is not older: neither comes from the other"
	}
	return fmt.Sprintf("tag %s stays where it is: the published image (%s) %s; ours is %s", e.Tag, e.Published, why, e.Ours)
}

// describe names an image for people: "snapshot 1a2b3c4 on staging 2b3c4d5, production 3c4d5e6; inputs 4d5e6f7a8b9c".
func describe(inputs Inputs, id string) string {
	text := inputs.Distribution + " " + inputs.Commit.Short()
	var upstream []string
	for i := len(inputs.Upstreams) - 1; i >= 0; i-- {
		upstream = append(upstream, inputs.Upstreams[i].Distribution+" "+inputs.Upstreams[i].Commit.Short())
	}
	if len(upstream) > 0 {
		text += " on " + strings.Join(upstream, ", ")
	}
	return text + "; registry " + inputs.Registry + "; inputs " + id[:min(12, len(id))]
}
