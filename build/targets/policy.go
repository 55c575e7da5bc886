package targets

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/policy"
)

// Policy judges the history of a distribution's branch by its rules, or what a pull request changes (BASE=<commit>).
func Policy(ctx context.Context, name string) error {
	doing := "judge " + name
	return run(ctx, doing, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		all, err := flag("ALL")
		if err != nil {
			return err
		}
		result, err := s.Policy(ctx, name, pipeline.PolicyRange{Base: os.Getenv("BASE"), Head: os.Getenv("HEAD"), All: all})
		if err != nil {
			return err
		}
		if asJSON {
			err = out.json(result)
		} else {
			out.policy(result)
		}
		if n := len(result.Findings); err == nil && n > 0 {
			err = &doingError{doing, fmt.Errorf("%s broken", plural(n, "rule"))}
		}
		return err
	})
}

func (t *terminal) policy(r pipeline.PolicyResult) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(r.Findings) > 0 {
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "rule\tcommit\tpath")
		for _, f := range r.Findings {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.Code, f.Commit.Short(), printable(f.Path))
		}
		w.Flush()
		fmt.Fprintln(t.out)
		for _, line := range explained(r.Findings) {
			fmt.Fprintln(t.out, line)
		}
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		for _, f := range r.Findings {
			fmt.Fprintf(t.out, "::error file=%s,title=%s::%s\n", escapeProperty(f.Path), f.Code, escapeData(f.Problem+" ("+f.WayOut+")"))
		}
	}
	judged := plural(r.Commits, "commit")
	if r.Base != "" {
		judged = r.Base.Short() + " to " + r.Head.Short()
	}
	fmt.Fprintf(t.out, "%s: %s judged, %s\n", r.Distribution, judged, plural(len(r.Findings), "finding"))
}

// explained says once what each rule is about.
func explained(findings []policy.Finding) []string {
	var lines []string
	seen := map[string]bool{}
	for _, f := range findings {
		line := fmt.Sprintf("%s: %s", f.Code, f.Problem)
		if f.WayOut != "" {
			line += "\n  way out: " + f.WayOut
		}
		if !seen[line] {
			lines = append(lines, line)
		}
		seen[line] = true
	}
	return lines
}

// printable is a path as it can stand in a line: whoever makes a pull request names its files.
func printable(path string) string {
	quoted := strconv.Quote(path)
	return quoted[1 : len(quoted)-1]
}

// escapeData and escapeProperty are for workflow commands (GitHub's actions/toolkit, command.ts).
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
