package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// writeTables writes a table for each plan, and one that compares them.
func (r record) writeTables(out io.Writer) error {
	var b strings.Builder
	first, last := r.Updates[0], r.Updates[len(r.Updates)-1]
	fmt.Fprintf(&b, "%s, %s: %d updates from %s to %s; MB are 10^6 bytes, packed\n", r.Distribution, r.Compression, len(r.Updates),
		first.Time.Format(time.DateOnly), last.Time.Format(time.DateOnly))
	fmt.Fprintf(&b, "versions: %s\n", r.changes())
	for _, name := range r.Plans {
		r.writePlan(&b, name)
	}
	r.writeComparison(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// changes says what the updates did to versions, all in all.
func (r record) changes() string {
	var added, overwritten, removed, moved int
	for _, u := range r.Updates {
		added += len(u.Added)
		overwritten += len(u.Overwritten)
		removed += len(u.Removed)
		moved += len(u.Moved)
	}
	return fmt.Sprintf("%d at first, %d added, %d overwritten, %d removed, %d moved, %d at last", r.Start.Versions, added,
		overwritten, removed, moved, r.Updates[len(r.Updates)-1].Versions)
}

func (r record) writePlan(b *strings.Builder, name string) {
	quantities := r.quantities(name)
	updates := len(quantities[0].values)
	fmt.Fprintf(b, "\nplan %q", name)
	if updates < len(r.Updates) {
		fmt.Fprintf(b, ", which failed at update %d of %d", updates+1, len(r.Updates))
	}
	b.WriteString("\n\n")
	if updates == 0 {
		return
	}
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	names := column{"an update"}
	for _, q := range quantities {
		names = append(names, q.name)
	}
	fmt.Fprintln(table, names.left("an update")+"\t\tmedian\tmean\t95 %\ttotal\t")
	for _, q := range quantities {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", names.left(q.name), q.unit, short(median(q.values)), short(mean(q.values)),
			short(percentile(q.values, 95)), short(total(q.values)))
	}
	table.Flush()
	fmt.Fprintf(b, "mean chain / mean own: %s\n", short(mean(r.of(name, chainOf))/mean(r.of(name, ownOf))))
	fmt.Fprintf(b, "largest chain / image: %s; among updates that touch less than half of the versions: %s\n",
		r.largestShare(name, false), r.largestShare(name, true))
	if c, there := r.last(name); there {
		fmt.Fprintf(b, "the image at last: %d layers, %d of packages; %s MB packed%s, %s MB unpacked%s\n", c.Layers, c.PackageLayers,
			short(float64(c.Packed)/1e6), r.inParentheses(c, packedSize), short(float64(c.Unpacked)/1e6), r.inParentheses(c, unpackedSize))
	}
}

func packedSize(c cost) int64   { return c.Packed }
func unpackedSize(c cost) int64 { return c.Unpacked }

// ratio compares a size with that of the image whose packages are in one layer; NaN where there is none.
func (r record) ratio(c cost, size func(cost) int64) float64 {
	one, there := r.last(single)
	switch {
	case !there && r.Single == nil:
		return math.NaN()
	case !there:
		one = *r.Single
	}
	return float64(size(c)) / float64(size(one))
}

// inParentheses is a ratio; "" where there is none.
func (r record) inParentheses(c cost, size func(cost) int64) string {
	ratio := r.ratio(c, size)
	if math.IsNaN(ratio) {
		return ""
	}
	return fmt.Sprintf(" (%s × one layer)", short(ratio))
}

// writeComparison leaves out plans that have failed: sums over fewer updates would look better than they are.
func (r record) writeComparison(b *strings.Builder) {
	b.WriteString("\nall plans (× single: one layer of all packages; × own: one layer of what is new)\n\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	names := append(column{"plan"}, r.Plans...)
	fmt.Fprintln(table, names.left("plan")+"\tlayers\timage MB\t× single\tunpacked ×\tchain mean MB\t× own\tchain total\tdigest mean\tpushed total\tplan ms\t")
	for _, name := range r.Plans {
		c, there := r.last(name)
		if !there {
			continue
		}
		chain := r.of(name, chainOf)
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", names.left(name), c.Layers, short(float64(c.Packed)/1e6),
			short(r.ratio(c, packedSize)), short(r.ratio(c, unpackedSize)), short(mean(chain)),
			short(mean(chain)/mean(r.of(name, ownOf))), short(total(chain)), short(mean(r.of(name, digestOf))),
			short(total(r.of(name, pushedOf))), short(median(r.of(name, milliseconds))))
	}
	table.Flush()
}

// column is one of words, which a tabwriter puts to the right as it does numbers.
type column []string

// left is a word with as many spaces behind it as the longest has letters more.
func (c column) left(word string) string {
	var longest int
	for _, other := range c {
		longest = max(longest, utf8.RuneCountInString(other))
	}
	return word + strings.Repeat(" ", longest-utf8.RuneCountInString(word))
}

// String is like "0.86 (3144c499318c)".
func (s share) String() string {
	if s.commit == "" {
		return "–"
	}
	return fmt.Sprintf("%s (%s)", short(s.part), s.commit[:12])
}

// short writes three digits or so: more would be noise.
func short(value float64) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return "–"
	case value == 0:
		return "0"
	case value < 1:
		return fmt.Sprintf("%.3f", value)
	case value < 10:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.1f", value)
}
