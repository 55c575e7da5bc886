package assemble

import (
	"fmt"
	"strconv"
	"strings"
)

// Finding is something wrong on a branch.
type Finding struct {
	// Branch and Path say where; Path starts with packages/ and is escaped where it holds what a terminal would not
	// show.
	Branch string `json:"branch"`
	Path   string `json:"path"`
	// Problem is why it is wrong, WayOut what can be done about it.
	Problem string `json:"problem"`
	WayOut  string `json:"wayOut,omitempty"`
}

func (f Finding) String() string { return fmt.Sprintf("%s:%s: %s", f.Branch, f.Path, f.Problem) }

// InvalidError is all that makes a build impossible, at once: who mends a branch wants the whole list.
type InvalidError struct{ Findings []Finding }

func (e *InvalidError) Error() string {
	const most = 20
	var b strings.Builder
	if len(e.Findings) > 1 {
		fmt.Fprintf(&b, "%d things are wrong", len(e.Findings))
	}
	for i, f := range e.Findings {
		if i == most {
			fmt.Fprintf(&b, "\n… and %d more", len(e.Findings)-most)
			break
		}
		if len(e.Findings) > 1 {
			b.WriteByte('\n')
		}
		b.WriteString(f.String())
		if f.WayOut != "" {
			b.WriteString("\n  way out: " + f.WayOut)
		}
	}
	return b.String()
}

// LostError says which file or folder of a branch can't be read, since git lacks its object.
type LostError struct {
	// Path is empty where the whole branch can't be read.
	Branch, Path string
	Err          error
}

func (e *LostError) Error() string {
	if e.Path == "" {
		return "branch " + e.Branch + ": " + e.Err.Error()
	}
	return e.Branch + ":" + shown(e.Path) + ": " + e.Err.Error()
}

// Unwrap is an *object.LostError.
func (e *LostError) Unwrap() error { return e.Err }

// shown is a path as it can be printed: with a backslash escape for what is no printable UTF-8.
func shown(path string) string {
	quoted := strconv.Quote(path)
	return quoted[1 : len(quoted)-1]
}
