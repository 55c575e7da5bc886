package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestMedianOfOddAndEven(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{100, 1, 1, 1, 1}, 1},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("median changed %v to %v", before, c.values)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v", got)
	}
}

// The ratio of medians would be 2/1 = 2 here: a machine that slows down from pair to pair must not count.
func TestPairsCancelDrift(t *testing.T) {
	got := pairwise([]float64{1.5, 3, 6}, []float64{1, 2, 4})
	if !slices.Equal(got, []float64{1.5, 1.5, 1.5}) {
		t.Errorf("pairwise: %v", got)
	}
}

func TestVerdictIsOfTheExactMedian(t *testing.T) {
	for _, c := range []struct {
		figure  figure
		verdict string
	}{
		{newFigure("", inSeconds, 0.15, "", 0.15), kept},
		{newFigure("", inSeconds, 0.15, "", 0.1501), missed}, // shown as 0.150 s all the same
		{newFigure("", inSeconds, 0.15, "", 0.1, 9, 0.1), kept},
		{newFigure("", inSeconds, 0, "", 1e9), nothing},
		{notMeasured("", inSeconds, 0.15, "why"), nothing},
	} {
		if c.figure.Verdict != c.verdict {
			t.Errorf("%v, target %v: %s, want %s", c.figure.Values, c.figure.Target, c.figure.Verdict, c.verdict)
		}
	}
}

func example() *report {
	r := &report{
		Machine: machine{Cores: 2, OS: "linux/amd64", Go: "go1.26.0", Git: "2.39.5"}, Runs: 3,
		Stages: stageMedians([]map[string]float64{{"layers": 2, "plan": 0.5}, {"layers": 4, "plan": 0.25}, {"layers": 3, "plan": 0.5}}),
	}
	r.add(newFigure("cold build / floor", asRatio, 1.5, "in pairs", 1.25, 1.75, 2),
		newFigure("memory", inBytes, 300e6, "", 123456789),
		newFigure("nothing changed", inSeconds, 0.15, "", 0.0301, 0.0402, 0.0299),
		notMeasured("fresh clone", inSeconds, 120, "no network"))
	return r
}

func TestTable(t *testing.T) {
	var out, beside strings.Builder
	if err := example().print(false, &out, &beside); err != nil {
		t.Fatal(err)
	}
	want := `machine: 2 cores, linux/amd64, go1.26.0, git 2.39.5, zstd not installed
medians of 3 (least to largest); MB are 10^6 bytes

figure              measured                    target   
cold build / floor  1.75 (1.25 to 2.00)         ≤ 1.5    MISSED
memory              123.5 MB                    ≤ 300 MB ok
nothing changed     0.030 s (0.030 s to 0.040 s)  ≤ 0.15 s  ok
fresh clone         not measured                ≤ 120 s   –

cold build by stage: layers 3.00 s, plan 0.500 s
cold build / floor: in pairs
fresh clone: no network
`
	if squeeze(out.String()) != squeeze(want) {
		t.Errorf("the table is\n%s\nwant\n%s", out.String(), want)
	}
	if beside.Len() > 0 {
		t.Errorf("beside the table: %s", beside.String())
	}
}

// squeeze makes runs of blanks one, and drops those at the end of a line: columns are tabwriter's business.
func squeeze(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestJSONStandsAloneOnStdout(t *testing.T) {
	var out, beside strings.Builder
	if err := example().print(true, &out, &beside); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Machine struct{ Cores int }
		Figures []struct {
			Figure, Verdict, Missing string
			Measured                 float64
			Values                   []float64
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &read); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	first, last := read.Figures[0], read.Figures[3]
	if read.Machine.Cores != 2 || first.Measured != 1.75 || first.Verdict != missed || len(first.Values) != 3 ||
		last.Missing != "no network" {
		t.Errorf("read %+v", read)
	}
	if !strings.Contains(beside.String(), "cold build by stage") {
		t.Errorf("the table is missing beside it: %q", beside.String())
	}
}
