package promote

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Step is what happens to one distribution's branch: one commit.
type Step struct {
	// Distribution and Branch are whose packages change.
	Distribution, Branch string
	// Topic is the branch of a pull request that brings the commit, empty where it goes straight to Branch.
	Topic string
	// Add and Remove are the packages that come and go.
	Add, Remove []Item
	// Bury are tombstones that are left, Lift packages ("<name>-<version>") whose tombstones go, since they come back.
	Bury []Tombstone
	Lift []string
	// Files are contents of files by their path on the branch, Drop paths that go; what is in a folder that goes may be in Files.
	Files map[string][]byte
	Drop  []string
	// Empties says whether no package is left.
	Empties bool
	// Title and Body are the commit's message, and the pull request's.
	Title, Body string
}

// Steps are what plans do now, each branch once, in the order of the table. What a plan adds by a pull request is removed
// downstream when it has arrived, and not before: then it is among the Leftovers.
func (s Storage) Steps(reason string, plans ...Plan) []Step {
	var steps []Step
	for _, one := range s {
		step := Step{Distribution: one.Name, Branch: one.Branch}
		going := map[string]bool{}
		for _, plan := range plans {
			if plan.To == one.Name {
				step.Add = append(step.Add, plan.Added()...)
			}
			for _, i := range plan.RemovedFrom(one.Name) {
				if i.Add && s.stage(plan.To).byPullRequest() {
					continue
				}
				if i.To = plan.To; !going[i.Path()] {
					going[i.Path()] = true
					step.Remove = append(step.Remove, i)
				}
			}
		}
		if len(step.Add)+len(step.Remove) == 0 {
			continue
		}
		for _, i := range step.Add {
			if _, buried := one.Tombstones[i.Path()]; buried {
				step.Lift = append(step.Lift, i.Package.String())
			}
		}
		step.Empties = len(step.Add) == 0 && len(step.Remove) == len(one.Packages)
		step.describe(one.byPullRequest(), reason)
		steps = append(steps, step)
	}
	return steps
}

func (s Stage) byPullRequest() bool { return s.Add == "pull-request" }

// describe writes the commit's message.
func (s *Step) describe(byPullRequest bool, reason string) {
	verb, items := "promote", s.Add
	if len(s.Add) > 0 {
		s.Title = fmt.Sprintf("Promote %s from %s", titled(s.Add), each(s.Add, func(i Item) string { return i.From }))
	} else {
		verb, items = "remove", s.Remove
		s.Title = fmt.Sprintf("Remove %s, promoted to %s", titled(s.Remove), each(s.Remove, func(i Item) string { return i.To }))
	}
	s.write(byPullRequest, verb, items, reason)
}

// write writes what follows the title, and names the topic branch.
func (s *Step) write(byPullRequest bool, verb string, items []Item, reason string) {
	var b strings.Builder
	for _, i := range s.Add {
		fmt.Fprintf(&b, "- %s from %s, tree %s\n", i.Package, i.From, i.Tree)
	}
	for _, i := range s.Remove {
		fmt.Fprintf(&b, "- %s, tree %s\n", i.Package, i.Tree)
	}
	if reason != "" {
		fmt.Fprintf(&b, "\nReason: %s\n", reason)
	}
	s.Body = b.String()
	if byPullRequest {
		s.Topic = verb + "/" + s.Distribution + "/" + items[0].Package.String() + "-" + fingerprint(items)
	}
}

// PullRequest is the title and the body, in Markdown, of the pull request that brings the step.
func (s Step) PullRequest() (title, body string) {
	title = "[" + s.Branch + "] " + s.Title
	if len(s.Add) == 0 && len(s.Remove) > 0 && s.Remove[0].To != s.Distribution {
		title = "[" + s.Branch + "] Remove promoted " + titled(s.Remove)
	}
	var b strings.Builder
	if len(s.Add) > 0 {
		b.WriteString("Promoted:\n\n| package | from | tree | contents | verdict |\n| --- | --- | --- | --- | --- |\n")
		for _, i := range s.Add {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s |\n", i.Package, i.From, i.Tree, i.Contents, i.said())
		}
		b.WriteString("\nWhen this is merged, `mage promote:finish` removes them downstream.\n")
	}
	if len(s.Remove) > 0 {
		b.WriteString("Removed:\n\n| package | tree | is in |\n| --- | --- | --- |\n")
		for _, i := range s.Remove {
			in := "–"
			if i.To != s.Distribution {
				in = i.To
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", i.Package, i.Tree, in)
		}
	}
	if len(s.Add)+len(s.Remove) == 0 {
		b.WriteString(s.Body)
		return title, b.String()
	}
	if _, reason, found := strings.Cut(s.Body, "\nReason: "); found {
		b.WriteString("\nReason: " + reason)
	}
	return title, b.String()
}

// said are all verdicts on an item, as a cell of a table.
func (i Item) said() string {
	var all []string
	for _, v := range append([]Verdict{i.Verdict}, i.Notes...) {
		text := string(v.Code)
		if v.Why != "" {
			text += ": " + v.Why
		}
		all = append(all, strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", "\r", " ", "\n", " ").Replace(text))
	}
	return strings.Join(all, "<br>")
}

// fingerprint is of which packages these are: the same ones have the same topic branch, others another one.
func fingerprint(items []Item) string {
	h := sha256.New()
	for _, i := range slices.SortedFunc(slices.Values(items), func(a, b Item) int { return cmp.Compare(a.Path(), b.Path()) }) {
		fmt.Fprintf(h, "%s %s\n", i.Path(), i.Tree)
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// titled are packages as a commit's subject has them.
func titled(items []Item) string {
	if len(items) == 1 {
		return items[0].Package.String()
	}
	return fmt.Sprintf("%s and %d more", items[0].Package, len(items)-1)
}

// each are what items have, each once.
func each(items []Item, of func(Item) string) string {
	var all []string
	for _, i := range items {
		if one := of(i); !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return strings.Join(all, " and ")
}
