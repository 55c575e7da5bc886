package cache_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type fact struct {
	Name  string
	Sizes []int64
	Inner *fact
}

func TestRecordRoundTrip(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	key := strings.Repeat("a", 64)
	var got fact
	if known, err := c.Record("layer", key, &got); known || err != nil {
		t.Errorf("a record that was never put: %v, %v", known, err)
	}
	want := fact{Name: "x\ny", Sizes: []int64{1, 1 << 60}, Inner: &fact{Name: "<&>"}}
	if err := c.PutRecord("layer", key, want); err != nil {
		t.Fatal(err)
	}
	closed(t, c)
	c = open(t, dir, 0)
	defer closed(t, c)
	if known, err := c.Record("layer", key, &got); !known || err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, %+v", known, err, got)
	}
	for _, other := range [][2]string{{"base", key}, {"layer", strings.Repeat("b", 64)}} {
		if known, err := c.Record(other[0], other[1], &got); known || err != nil {
			t.Errorf("%v: %v, %v", other, known, err)
		}
	}
	want.Name = "new"
	if err := c.PutRecord("layer", key, want); err != nil {
		t.Fatal(err)
	}
	if known, err := c.Record("layer", key, &got); !known || err != nil || got.Name != "new" {
		t.Errorf("a record can't be replaced: %v, %v, %+v", known, err, got)
	}
}

func TestDamagedRecordIsNone(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	defer closed(t, c)
	if err := c.PutRecord("layer", "key", fact{Name: "good"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "records", "layer", "key")
	whole := read(t, path)
	for name, damaged := range map[string]string{
		"a flipped byte": strings.Replace(whole, "good", "gooD", 1),
		"cut off":        whole[:len(whole)-3],
		"longer":         whole + "x",
		"empty":          "",
		"no content":     whole[:65],
		"no checksum":    whole[65:],
		"other checksum": strings.Repeat("0", 64) + whole[64:],
		"zeros, as a crash of the machine leaves": strings.Repeat("\x00", len(whole)),
	} {
		rewrite(t, path, damaged)
		got := fact{Name: "as it was"}
		if known, err := c.Record("layer", "key", &got); known || err != nil {
			t.Errorf("%s: %v, %v", name, known, err)
		}
		if got.Name != "as it was" {
			t.Errorf("%s: the value became %+v", name, got)
		}
	}
	if err := c.PutRecord("layer", "key", fact{Name: "again"}); err != nil {
		t.Fatal(err)
	}
	var got fact
	if known, err := c.Record("layer", "key", &got); !known || err != nil || got.Name != "again" {
		t.Errorf("a damaged record can't be replaced: %v, %v, %+v", known, err, got)
	}
}

// TestRecordOfAnotherShapeIsNone: an older version of the pipeline may have written it.
func TestRecordOfAnotherShapeIsNone(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	defer closed(t, c)
	if err := c.PutRecord("layer", "key", []string{"a", "list"}); err != nil {
		t.Fatal(err)
	}
	var got fact
	if known, err := c.Record("layer", "key", &got); known || err != nil {
		t.Errorf("%v, %v", known, err)
	}
}

func TestRecordThatIsNoJSON(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	if err := c.PutRecord("layer", "key", func() {}); err == nil {
		t.Error("a function was recorded")
	}
	closed(t, c)
	if _, err := os.Stat(filepath.Join(dir, "records", "layer", "key")); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
