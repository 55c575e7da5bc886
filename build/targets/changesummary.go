package targets

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// change shows what a plan says of each package, and what it did; carriedOut is false where it was refused.
func (t *terminal) change(r pipeline.ChangeResult, carriedOut bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(r.Items) > 0 {
		t.packages(r.Items, r.Moves, carriedOut)
	}
	if !carriedOut && !slices.ContainsFunc(r.Moves, func(m pipeline.BranchMove) bool { return m.To != "" }) {
		return
	}
	if !carriedOut {
		r.Moves = slices.DeleteFunc(slices.Clone(r.Moves), func(m pipeline.BranchMove) bool { return m.To == "" })
	}
	t.moves(r.Moves)
}

// moves are the branches that have moved, or in a dry run would.
func (t *terminal) moves(moves []pipeline.BranchMove) {
	if len(moves) == 0 {
		fmt.Fprintln(t.out, "nothing is to be done")
	}
	// What arrives comes first.
	moves = slices.SortedStableFunc(slices.Values(moves), func(a, b pipeline.BranchMove) int {
		return cmp.Compare(min(len(b.Added), 1), min(len(a.Added), 1))
	})
	for _, m := range moves {
		what := fmt.Sprintf("%s: %s", m.Branch, m.Title)
		if m.To == "" {
			fmt.Fprintf(t.out, "would commit to %s\n", what)
			continue
		}
		fmt.Fprintf(t.out, "%s %s\n", m.To.Short(), what)
		switch {
		case m.PullRequest != "":
			fmt.Fprintf(t.out, "  pull request into %s: %s\n", m.Base, m.PullRequest)
		case m.Compare != "":
			fmt.Fprintf(t.out, "  without CODE_HOST_TOKEN no pull request was opened; open it into %s: %s\n", m.Base, m.Compare)
		case m.Base != "" && len(m.Added) > 0:
			fmt.Fprintf(t.out, "  merge it into %s, then: mage promote:finish\n", m.Base)
		case m.Base != "":
			fmt.Fprintf(t.out, "  merge it into %s\n", m.Base)
		}
	}
}

// packages writes a row for each package, and below it what there is to say.
func (t *terminal) packages(items []promote.Item, moves []pipeline.BranchMove, carriedOut bool) {
	later := map[string]bool{} // what a pull request adds is removed downstream when it has arrived
	for _, m := range moves {
		later[m.Distribution] = m.Base != ""
	}
	var rows bytes.Buffer
	w := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\tverdict\tadded to\tremoved from")
	for _, i := range items {
		added := orDash(strings.Join(i.Back, ", "))
		if i.Add && carriedOut {
			added = i.To
		}
		removed := orDash(strings.Join(i.Remove, ", "))
		switch {
		case !carriedOut:
			added, removed = "-", "-" // nothing was done
		case i.Add && later[i.To], !i.Add && later[i.From] && i.From == i.To:
			removed = "later: " + removed
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Label(), i.Verdict.Code, added, removed)
	}
	w.Flush()
	for n, row := range strings.Split(strings.TrimSuffix(rows.String(), "\n"), "\n") {
		fmt.Fprintln(t.out, row)
		if n == 0 {
			continue
		}
		i := items[n-1]
		for _, v := range append([]promote.Verdict{i.Verdict}, i.Notes...) {
			if text := said(v, i.Verdict.Code); text != "" && v.Allowed {
				fmt.Fprintln(t.out, "  "+text)
			}
		}
		for _, name := range i.Stays {
			fmt.Fprintf(t.out, "  %s has other bytes of it: they stay, and are not served\n", name)
		}
	}
}

// said is what a verdict says beside its code; of a note, the code as well.
func said(v promote.Verdict, code promote.Code) string {
	if v.Code != code {
		return string(v.Code) + ": " + v.Why
	}
	return v.Why
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// json writes a result for programs.
func (t *terminal) json(result any) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	encoder := json.NewEncoder(t.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
