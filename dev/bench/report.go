package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is all that a run found out.
type report struct {
	// Machine describes what the figures were measured on.
	Machine machine `json:"machine"`
	Runs    int     `json:"runs"`
	// Stages are the parts of a cold build's own time: medians, in seconds.
	Stages  map[string]float64 `json:"coldStages"`
	Figures []figure           `json:"figures"`
	// broken are what could not be run without making the rest worthless.
	broken []error
}

func (r *report) add(figures ...figure) { r.Figures = append(r.Figures, figures...) }

// failed is what could not be run.
func (r *report) failed() error { return errors.Join(r.broken...) }

// print writes the table to out; or, as JSON, to out, and the table beside it.
func (r *report) print(asJSON bool, out, beside io.Writer) error {
	if !asJSON {
		return r.writeTable(out)
	}
	if err := r.writeTable(beside); err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r *report) writeTable(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Machine)
	fmt.Fprintf(&b, "medians of %d (least to largest); MB are 10^6 bytes\n\n", r.Runs)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tmeasured\ttarget\t")
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Name, f.measured(), f.target(), f.Verdict)
	}
	table.Flush()
	fmt.Fprintf(&b, "\ncold build by stage: %s\n", stages(r.Stages))
	for _, f := range r.Figures {
		if note := f.Note + f.Missing; note != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, note)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// stages lists them, the longest first.
func stages(medians map[string]float64) string {
	names := slices.SortedFunc(maps.Keys(medians), func(a, b string) int {
		if medians[a] == medians[b] {
			return strings.Compare(a, b)
		}
		if medians[a] > medians[b] {
			return -1
		}
		return 1
	})
	for i, name := range names {
		names[i] = name + " " + inSeconds.format(medians[name])
	}
	return strings.Join(names, ", ")
}

// stageMedians takes the median of each stage over several builds.
func stageMedians(builds []map[string]float64) map[string]float64 {
	values := map[string][]float64{}
	for _, stages := range builds {
		for name, took := range stages {
			values[name] = append(values[name], took)
		}
	}
	medians := make(map[string]float64, len(values))
	for name, of := range values {
		medians[name] = median(of)
	}
	return medians
}
