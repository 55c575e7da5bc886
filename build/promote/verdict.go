package promote

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Code names a verdict. Codes never change: scripts go by them.
type Code string

// The codes. Those refused come first; what refuses a package is its verdict, whatever else there is to say.
const (
	NotFound     Code = "not-found"
	Frozen       Code = "frozen"
	AlreadyThere Code = "already-there" // the same bytes; what is left is to remove it downstream
	Invalid      Code = "invalid"
	OnlyModes    Code = "mode-only-difference" // the version is there with the same files, but other modes
	Conflict     Code = "conflict"             // the version is there with other bytes
	Tombstoned   Code = "tombstoned"           // it was there once, and was removed
	TooYoung     Code = "too-young"
	Older        Code = "older-than-published" // a backport
	SkipsAStage  Code = "skips-a-stage"
	OK           Code = "ok"
)

// Verdict is what is to be said of one package.
type Verdict struct {
	Code    Code `json:"code"`
	Allowed bool `json:"allowed"`
	// Why is the reason in words, WayOut what would change the verdict; both may be empty.
	Why    string `json:"why,omitempty"`
	WayOut string `json:"wayOut,omitempty"`
}

// Facts are what a package's files tell, and the time of day.
type Facts struct {
	Now time.Time
	// Findings are what is wrong with a package, by its path.
	Findings map[string][]string
	// Contents are what packages weigh and how they differ from others, by their paths.
	Contents map[string]Contents
	// OnlyModes says whether two trees are the same but for files' modes.
	OnlyModes func(a, b object.ID) bool
}

// Contents are what a package weighs, and how it differs from the newest version that the target has.
type Contents struct {
	// Files are its files, Bytes their sizes together.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Against is the version that it is compared with, empty where the target has none; More, Fewer and Changed count files.
	Against string `json:"against,omitempty"`
	More    int    `json:"more,omitempty"`
	Fewer   int    `json:"fewer,omitempty"`
	Changed int    `json:"changed,omitempty"`
}

// String is for people: "12 files, 34.5 kB; against 8.4.2: 1 more, 3 changed".
func (c Contents) String() string {
	text := fmt.Sprintf("%d files, %s", c.Files, bytesShown(c.Bytes))
	if c.Files == 1 {
		text = "1 file, " + bytesShown(c.Bytes)
	}
	if c.Against == "" {
		return text
	}
	var parts []string
	for _, one := range []struct {
		n    int
		what string
	}{{c.More, "more"}, {c.Fewer, "fewer"}, {c.Changed, "changed"}} {
		if one.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.n, one.what))
		}
	}
	if len(parts) == 0 {
		parts = []string{"the same files"}
	}
	return text + "; against " + c.Against + ": " + strings.Join(parts, ", ")
}

func bytesShown(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// judge finds all that is to be said of a candidate, the verdict first.
func (s Storage) judge(to Stage, c Candidate, reason string, facts Facts) []Verdict {
	var said []Verdict
	add := func(code Code, allowed bool, why, wayOut string) {
		said = append(said, Verdict{Code: code, Allowed: allowed, Why: why, WayOut: wayOut})
	}
	if c.Name == "" {
		add(NotFound, false, "no branch has it", wayOutOf(c.Near))
		return said
	}
	if to.Frozen || to.Add == "never" {
		add(Frozen, false, to.Name+" never changes", "")
		return said
	}
	if where := s.has(to, c); where != "" {
		why := where + " has the same bytes"
		if c.From == "" {
			why = "it is in " + where + ", and nowhere downstream"
		}
		add(AlreadyThere, true, why, "")
		return said
	}
	if found := facts.Findings[c.Path()]; len(found) > 0 {
		add(Invalid, false, strings.Join(found, "; "), "mend it on "+s.stage(c.From).Branch+", as a new version if this one is in use")
	}
	s.judgeConflict(to, c, reason, facts, add)
	s.judgeTombstone(to, c, reason, add)
	s.judgeAge(to, c, reason, facts, add)
	if newest := s.newest(to, c); newest != "" {
		add(Older, true, "a backport: "+to.Name+" has "+newest, "")
	}
	if _, distance := s.downstream(to.Name); distance[c.From] > 1 {
		add(SkipsAStage, true, "it comes straight from "+c.From, "")
	}
	slices.SortStableFunc(said, func(a, b Verdict) int { // what refuses first
		switch {
		case a.Allowed == b.Allowed:
			return 0
		case b.Allowed:
			return -1
		}
		return 1
	})
	if len(said) == 0 {
		add(OK, true, "", "")
	}
	return said
}

func wayOutOf(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "there is " + strings.Join(near, ", ")
}

// has is the distribution, the target or upstream of it, that has the very bytes; "" for none.
func (s Storage) has(to Stage, c Candidate) string {
	for _, one := range append([]Stage{to}, s.upstream(to)...) {
		if tree := one.tree(c.Path()); tree != "" {
			if tree == c.Tree {
				return one.Name
			}
			return ""
		}
	}
	return ""
}

type say func(code Code, allowed bool, why, wayOut string)

func (s Storage) judgeConflict(to Stage, c Candidate, reason string, facts Facts, add say) {
	for _, one := range append([]Stage{to}, s.upstream(to)...) {
		for _, p := range one.Packages {
			if strings.EqualFold(p.Path(), c.Path()) && p.Path() != c.Path() {
				add(Conflict, false, one.Name+" has "+p.String()+", which differs only in case: no branch can hold both", "publish it as another version")
				return
			}
		}
		there := one.tree(c.Path())
		if there == "" {
			continue
		}
		code, why := Conflict, fmt.Sprintf("%s has other bytes (tree %s, not %s)", one.Name, there.Short(), c.Tree.Short())
		if facts.OnlyModes != nil && facts.OnlyModes(there, c.Tree) {
			code, why = OnlyModes, fmt.Sprintf("%s has the same files with other modes (tree %s, not %s)", one.Name, there.Short(), c.Tree.Short())
		}
		switch {
		case one.Name != to.Name:
			add(code, false, why+", which are what is served", "publish it as another version")
		case to.Overwrite == "no":
			add(code, false, why+"; a version that is published there never changes", "publish it as another version")
		case reason == "":
			add(code, false, why, `REASON="…" overwrites it`)
		default:
			add(code, true, why+"; it is overwritten: "+reason, "")
		}
		return
	}
}

func (s Storage) judgeTombstone(to Stage, c Candidate, reason string, add say) {
	var why string
	if stone, there := to.Tombstones[c.Path()]; there {
		why = fmt.Sprintf("it was removed on %s: %s", stone.Removed.Format(time.DateOnly), stone.Reason)
	} else if gone, there := to.Gone[c.Path()]; there {
		why = fmt.Sprintf("it was on branch %s until %s", to.Branch, gone.When.Format(time.DateOnly))
	}
	switch {
	case why == "":
	case reason == "":
		add(Tombstoned, false, why, `REASON="…" brings it back`)
	default:
		add(Tombstoned, true, why+"; it comes back: "+reason, "")
	}
}

func (s Storage) judgeAge(to Stage, c Candidate, reason string, facts Facts, add say) {
	soak := to.Soaks()
	came, known := s.stage(c.From).Since[c.Path()]
	if soak == 0 || !known || facts.Now.Sub(came) >= soak {
		return
	}
	why := fmt.Sprintf("it has been in %s since %s; %s wants %s", c.From, came.UTC().Format(time.RFC3339), to.Name, to.Soak)
	if reason == "" {
		add(TooYoung, false, why, fmt.Sprintf(`wait until %s, or say REASON="…"`, came.Add(soak).UTC().Format(time.RFC3339)))
		return
	}
	add(TooYoung, true, why+"; it goes nevertheless: "+reason, "")
}

// newest is a newer version of the package that the target or its upstream has, "" for none.
func (s Storage) newest(to Stage, c Candidate) string {
	newest, there := s.Newest(to.Name, c.Name)
	if !there || CompareVersions(newest.Version, c.Version) <= 0 {
		return ""
	}
	return string(newest.Version)
}
