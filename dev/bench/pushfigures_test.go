package main

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// named is the figure of that name.
func named(t *testing.T, figures []figure, name string) figure {
	t.Helper()
	i := slices.IndexFunc(figures, func(f figure) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("there is no figure %q", name)
	}
	return figures[i]
}

func TestRoundsAreComparedWithThoseThatBothHave(t *testing.T) {
	p := pushResults{kit: "v1", ours: side{
		cold:  []load{{1, traffic{up: 10}}, {2, traffic{up: 10}}, {90, traffic{up: 10}}},
		added: []load{{0.5, traffic{}}, {0.5, traffic{}}, {0.5, traffic{}}},
	}, theirs: side{cold: []load{{100, traffic{up: 40}}, {100, traffic{up: 40}}}}, without: "it broke"}
	figures := p.figures()
	if f := named(t, figures, "push: cold / BuildKit"); !slices.Equal(f.Values, []float64{0.01, 0.02}) || f.Verdict != kept {
		t.Errorf("cold: %+v", f)
	}
	if f := named(t, figures, "push: cold, bytes up / BuildKit"); f.Measured != 0.25 || f.Verdict != missed {
		t.Errorf("bytes: %+v", f)
	}
	if f := named(t, figures, "push: one package added / BuildKit"); f.Missing != "it broke" {
		t.Errorf("BuildKit added nothing, but: %+v", f)
	}
	if f := named(t, figures, "push: cold"); f.Measured != 2 || len(f.Values) != 3 {
		t.Errorf("ours: %+v", f)
	}
}

func TestEveryFigureHasAValueOrAReason(t *testing.T) {
	for name, p := range map[string]pushResults{
		"nothing was reached": {},
		"without BuildKit":    {without: "left out", ours: side{cold: []load{{seconds: 1}}}},
	} {
		for _, f := range p.figures() {
			if (len(f.Values) == 0) != (f.Missing != "") {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

func TestRequestsOnBlobsMissTheTarget(t *testing.T) {
	quiet := load{0.1, traffic{requests: map[string]int{"HEAD manifests": 3}}}
	loud := load{0.1, traffic{requests: map[string]int{"HEAD manifests": 3, "HEAD blobs": 2}}}
	for _, c := range []struct {
		again   []load
		verdict string
		note    string
	}{
		{[]load{quiet, quiet}, kept, "0 requests on blobs"},
		{[]load{quiet, loud, quiet}, missed, "2 requests on blobs"},
	} {
		f := named(t, pushResults{again: c.again}.figures(), "push: nothing changed")
		if f.Verdict != c.verdict || !strings.Contains(f.Note, c.note) || !strings.Contains(f.Note, "3 × HEAD manifests") {
			t.Errorf("%+v, want %s", f, c.verdict)
		}
	}
}

func TestBareMachineMayMoveFourTimesWhatChanged(t *testing.T) {
	m := bareMachine{load: load{1, traffic{up: 1e6, down: 5e5}}, git: 5e5, changed: 25e4}
	f := named(t, pushResults{bare: &m}.figures(), "push: bare machine, bytes moved / allowed")
	if f.Measured != 1 || f.Verdict != kept {
		t.Errorf("2 MB of 4 × 0.25 + 1: %+v", f)
	}
	m.git++
	if f := named(t, pushResults{bare: &m}.figures(), f.Name); f.Verdict != missed {
		t.Errorf("a byte more: %+v", f)
	}
}

func TestObjectsArePacksIndexesAndLooseOnes(t *testing.T) {
	bytes := func(n int) *fstest.MapFile { return &fstest.MapFile{Data: make([]byte, n)} }
	sum, err := objectBytes(fstest.MapFS{
		"objects/pack/pack-1.pack": bytes(1000), "objects/pack/pack-1.idx": bytes(100), "objects/ab/cdef": bytes(10),
		"objects/pack/pack-1.rev": bytes(1), "objects/pack/pack-1.promisor": bytes(2), "objects/info/packs": bytes(3),
		"config": bytes(4),
	})
	if err != nil || sum != 1110 {
		t.Errorf("%d bytes, %v", sum, err)
	}
	if _, err := objectBytes(fstest.MapFS{}); err == nil {
		t.Error("there are no objects, and no error")
	}
}
