package targets

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// Status shows branches, packages, registry versions, published images (IMAGE) and what waits; also as dist/status.html.
func Status(ctx context.Context) error {
	return run(ctx, "show the status", func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		status, err := s.Status(ctx)
		if err != nil {
			return err
		}
		page, err := s.WriteStatusPage(status)
		switch {
		case err != nil:
			return err
		case asJSON:
			return out.json(status)
		}
		out.status(status, page)
		return nil
	})
}

// Where shows where a package (apm) or a version (apm-8.0.0) is, since when, and where it can go next.
func Where(ctx context.Context, packageOrVersion string) error {
	return run(ctx, "find "+packageOrVersion, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		found, err := s.Where(ctx, packageOrVersion)
		switch {
		case err != nil:
			return err
		case asJSON:
			return out.json(found)
		}
		out.where(found)
		return nil
	})
}

func (t *terminal) status(status pipeline.Status, page string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	fmt.Fprintln(t.out, status.Storage)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "distribution\tbranch at\tof\tpackages\town\tshadowed\tregistry\timage")
	for _, d := range status.Distributions {
		name := d.Name
		if d.Frozen {
			name += " (frozen)"
		}
		if d.Commit == "" {
			state := "no branch"
			if len(d.Problems) > 0 {
				state = "can't be built"
			}
			fmt.Fprintf(w, "%s\t%s\t-\t-\t-\t-\t-\t-\n", name, state)
			continue
		}
		shadowed := fmt.Sprint(d.Shadowed)
		if d.Differing > 0 {
			shadowed += fmt.Sprintf(" (%d differ)", d.Differing)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", name, d.Commit.Short(), d.Time.Format(time.DateOnly), d.All, d.Own, shadowed, orDash(d.Registry), imageState(d.Image))
	}
	w.Flush()
	for _, d := range status.Distributions {
		for _, problem := range d.Problems {
			fmt.Fprintf(t.out, "%s: %s\n", d.Name, problem)
		}
		if d.Image != nil {
			for _, why := range d.Image.Stale {
				fmt.Fprintf(t.out, "%s's image is stale: %s\n", d.Name, why)
			}
		}
	}
	for _, p := range status.Waiting {
		fmt.Fprintf(t.out, "waits: %s is in %s, and goes from %s (mage promote:finish)\n", p.Package, p.Arrived, strings.Join(p.From, ", "))
	}
	for _, o := range status.Open {
		fmt.Fprintf(t.out, "open: %s, to be merged into %s\n", o.Topic, o.Into)
	}
	fmt.Fprintln(t.out, "page: "+page)
}

func imageState(image *pipeline.ImageStatus) string {
	switch {
	case image == nil:
		return "-"
	case len(image.Stale) > 0:
		return "stale"
	}
	return "up to date"
}

// where writes the places of each version, and below them where it can go.
func (t *terminal) where(found []pipeline.Whereabouts) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\tdistribution\tfrom\ttree\tsince\tpublished")
	below := map[int][]string{} // what follows a row, by its number
	row := 0
	for _, one := range found {
		name := string(one.Name) + "-" + string(one.Version)
		var texts []string
		for _, p := range one.Places {
			since := "the beginning"
			if !p.Since.IsZero() {
				since = p.Since.UTC().Format(time.DateOnly)
			}
			row++
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", name, p.Distribution, p.Branch, p.Tree.Short(), since, orDash(p.Published))
			if name = ""; p.Shadowed != "" {
				texts = append(texts, fmt.Sprintf("%s has another copy, %s, which is not served", p.Distribution, p.Shadowed.Short()))
			}
		}
		for _, n := range one.Next {
			text := "to " + n.Distribution + ": " + string(n.Verdict.Code)
			if n.Verdict.Why != "" {
				text += ", " + n.Verdict.Why
			}
			texts = append(texts, text)
		}
		below[row] = texts
	}
	w.Flush()
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		fmt.Fprintln(t.out, line)
		for _, text := range below[i] {
			fmt.Fprintln(t.out, "  "+text)
		}
	}
}
