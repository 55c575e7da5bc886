package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// example has three updates; the plan "short" failed before the last.
func example() record {
	at := func(day int) time.Time { return time.Date(2022, 7, day, 12, 0, 0, 0, time.UTC) }
	commit := func(letter string) string { return strings.Repeat(letter, 40) }
	costs := func(chain, packed int64, more map[string]cost) map[string]cost {
		all := map[string]cost{
			"long": {Seconds: 2, PlanSeconds: 0.002, Layers: 9, PackageLayers: 7, Packed: packed, Unpacked: 3 * packed, Chain: chain,
				Digest: chain / 2, Pushed: chain},
			single: {Seconds: 1, Layers: 3, PackageLayers: 1, Packed: packed / 2, Unpacked: packed, Chain: packed / 2},
		}
		for name, c := range more {
			all[name] = c
		}
		return all
	}
	r := record{Distribution: "staging", Compression: "zstd", Plans: []string{"long", single, "short"}}
	r.Start = update{Commit: commit("0"), Time: at(1), Versions: 4, Costs: costs(0, 10e6, map[string]cost{"short": {}})}
	r.Updates = []update{
		{Commit: commit("a"), Time: at(2), Versions: 5, change: change{Added: []string{"a/1"}}, Own: 1e6, Unique: 1e5,
			Costs: costs(4e6, 10e6, map[string]cost{"short": {Chain: 1e6, Packed: 5e6}})},
		{Commit: commit("b"), Time: at(20), Versions: 5, Costs: costs(0, 10e6, map[string]cost{"short": {}})},
		{Commit: commit("c"), Time: at(30), Versions: 4, change: change{Removed: []string{"a/1", "a/2"}, Added: []string{"b/1"}}, Own: 2e6,
			Costs: costs(8e6, 10e6, nil)},
	}
	return r
}

func TestTables(t *testing.T) {
	var said bytes.Buffer
	if err := example().writeTables(&said); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"3 updates from 2022-07-02 to 2022-07-30",
		"4 at first, 2 added, 0 overwritten, 2 removed, 0 moved, 4 at last",
		" chain MB 4.00 4.00 8.00 12.0 ", // median, mean, 95 %, total
		" own MB 1.00 1.00 2.00 3.00 ",
		"mean chain / mean own: 4.00",
		"largest chain / image: 0.800 (cccccccccccc); among updates that touch less than half of the versions: 0.400 (aaaaaaaaaaaa)",
		"9 layers, 7 of packages; 10.0 MB packed (2.00 × one layer), 30.0 MB unpacked (3.00 × one layer)",
		`plan "short", which failed at update 3 of 3`,
	} {
		if !strings.Contains(strings.Join(strings.Fields(said.String()), " "), want) {
			t.Errorf("the tables lack %q", want)
		}
	}
	_, comparison, _ := strings.Cut(said.String(), "all plans")
	if strings.Contains(comparison, "short") {
		t.Error("a plan that failed is compared with others")
	}
	if t.Failed() {
		t.Log("\n" + said.String())
	}
}

// Without the plan that others are compared with there are no ratios, and nothing breaks.
func TestTablesWithoutOneLayer(t *testing.T) {
	r := example()
	r.Plans = []string{"long"}
	for _, u := range append(r.Updates, r.Start) {
		delete(u.Costs, single)
	}
	var said bytes.Buffer
	if err := r.writeTables(&said); err != nil || strings.Contains(said.String(), "NaN") || !strings.Contains(said.String(), "10.0 MB packed, ") {
		t.Errorf("%v\n%s", err, &said)
	}
}

func TestFigures(t *testing.T) {
	for _, f := range example().figures() {
		first, err := f.draw()
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.draw()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Errorf("%s: two drawings differ", f.file)
		}
		var words []string
		decoder := xml.NewDecoder(bytes.NewReader(first))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f.file, err)
			}
			if text, is := token.(xml.CharData); is {
				words = append(words, string(text))
			}
		}
		all := strings.Join(words, "\n")
		for _, want := range append(example().Plans, f.title, f.unit) {
			if !strings.Contains(all, want) {
				t.Errorf("%s: there is no %q in it", f.file, want)
			}
		}
		if strings.Contains(string(first), "NaN") || strings.Contains(string(first), "Inf") {
			t.Errorf("%s: a place in it is no number", f.file)
		}
	}
}

// What costs nothing has no logarithm; one update has no stretch of time; a plan may never have come to an update.
func TestFiguresOfLittle(t *testing.T) {
	r := example()
	r.Updates = r.Updates[1:2]
	r.Updates[0].Costs = map[string]cost{"long": {}}
	for _, f := range r.figures() {
		if _, err := f.draw(); err != nil {
			t.Errorf("%s: %v", f.file, err)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(ticks []plot.Tick) string {
		var all []string
		for _, tick := range ticks {
			if tick.Label != "" {
				all = append(all, tick.Label)
			}
		}
		return strings.Join(all, " ")
	}
	day := func(year int, month time.Month, day int) float64 {
		return float64(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix())
	}
	for _, c := range []struct {
		what  string
		ticks []plot.Tick
		want  string
	}{
		{"up to 0", evenTicks(0), "0 0.2"},
		{"up to 25.5", evenTicks(25.5), "0 5 10 15 20 25 30"},
		{"up to 698", evenTicks(698), "0 100 200 300 400 500 600 700"},
		{"up to 0.15", evenTicks(0.15), "0 0.02 0.04 0.06 0.08 0.1 0.12 0.14 0.16"},
		{"powers", powerTicks(0.001, 10), "≤ 0.001 0.01 0.1 1 10"},
		{"months", monthTicks(day(2022, 7, 4), day(2022, 10, 2)), "2022-08 2022-09 2022-10"},
		{"many months", monthTicks(day(2022, 1, 1), day(2023, 12, 31)), "2022-01 2022-04 2022-07 2022-10 2023-01 2023-04 2023-07 2023-10"},
	} {
		if got := labels(c.ticks); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	if got := labels(monthTicks(day(2022, 7, 4), day(2022, 7, 20))); !strings.Contains(got, "2022-07-") {
		t.Errorf("days: %s", got)
	}
}

func TestShort(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.1234: "0.123", 1.234: "1.23", 123.44: "123.4", math.NaN(): "–", math.Inf(1): "–"} {
		if got := short(value); got != want {
			t.Errorf("%g is written %s", value, got)
		}
	}
}

func TestParse(t *testing.T) {
	o, code := parse([]string{"-plans", "buckets, one layer", "-commits=3", "-compression=gzip", "staging"}, io.Discard)
	if code != -1 || o.distribution != "staging" || o.commits != 3 || o.compression != layer.Gzip || len(o.plans) != 2 || o.plans[1].name != single {
		t.Errorf("%+v, %d", o, code)
	}
	for _, line := range []string{"", "a b", "-commits=-1 a", "-plans=none a", "-plans=buckets,buckets a", "-compression=lz4 a", "-x a"} {
		if _, code := parse(strings.Fields(line), io.Discard); code != 2 {
			t.Errorf("%q ends with %d", line, code)
		}
	}
}
