package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// used makes a blob look as if it had been used some hours ago.
func used(t *testing.T, dir, content string, hours int) {
	t.Helper()
	aged(t, filepath.Join(dir, "stamps", digest(content).Hex), -time.Duration(hours)*time.Hour)
}

// kept says which of the contents are there, as a string of 0 and 1.
func kept(t *testing.T, dir string, contents ...string) string {
	t.Helper()
	out := ""
	for _, content := range contents {
		_, err := os.Stat(filepath.Join(dir, "blobs", digest(content).Hex))
		_, stamp := os.Stat(filepath.Join(dir, "stamps", digest(content).Hex))
		if (err == nil) != (stamp == nil) {
			t.Errorf("of %s, only one of blob and stamp is there", content[:1])
		}
		out += map[bool]string{true: "1", false: "0"}[err == nil]
	}
	return out
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	dir := t.TempDir()
	a, b, c, d := of("a", 1000), of("b", 1000), of("c", 1000), of("d", 1000)
	first := open(t, dir, 10_000)
	for _, content := range []string{a, b, c, d} {
		put(t, first, content)
	}
	closed(t, first)
	if got := kept(t, dir, a, b, c, d); got != "1111" {
		t.Errorf("below the limit, %s of abcd are there", got)
	}
	for i, content := range []string{a, b, c, d} {
		used(t, dir, content, 10-i)
	}
	second := open(t, dir, 3500)
	if !there(t, second, a) { // the oldest is young again
		t.Fatal("a is gone")
	}
	put(t, second, of("e", 1000))
	closed(t, second)
	if got := kept(t, dir, a, b, c, d, of("e", 1000)); got != "10011" {
		t.Errorf("%s of abcde are there, want 10011", got)
	}
}

func TestNothingGoesWhileOthersUseTheCache(t *testing.T) {
	dir := t.TempDir()
	a, b := of("a", 1000), of("b", 1000)
	one, two := open(t, dir, 1500), open(t, dir, 1500)
	put(t, one, a)
	put(t, one, b)
	used(t, dir, a, 1)
	closed(t, one)
	if got := kept(t, dir, a, b); got != "11" {
		t.Errorf("%s of ab are there", got)
	}
	put(t, two, of("c", 10)) // whoever adds something and is last cuts back
	closed(t, two)
	if got := kept(t, dir, a, b); got != "01" {
		t.Errorf("%s of ab are there, want 01", got)
	}
}

func TestNothingGoesWhereNothingWasAdded(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	put(t, c, of("a", 1000))
	closed(t, c)
	c = open(t, dir, 10)
	there(t, c, of("a", 1000))
	closed(t, c)
	if got := kept(t, dir, of("a", 1000)); got != "1" {
		t.Error("a build that took everything from the cache made it smaller")
	}
}

func TestMirrorsCount(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 2500)
	a, b := of("a", 1000), of("b", 1000)
	put(t, c, a)
	put(t, c, b)
	old, young := c.Storage("old"), c.Storage("young")
	for _, mirror := range []string{old, young} {
		if err := os.MkdirAll(filepath.Join(mirror, "objects", "pack"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(mirror, "objects", "pack", "p"), []byte(of("p", 1000)), 0o444); err != nil {
			t.Fatal(err)
		}
		aged(t, mirror, -5*time.Hour)
	}
	used(t, dir, a, 4)
	used(t, dir, b, 3)
	if got := c.Storage("young"); got != young { // which makes it young
		t.Errorf("the mirror is at %s, and then at %s", young, got)
	}
	closed(t, c)
	_, errOld := os.Stat(old)
	_, errYoung := os.Stat(young)
	if got := kept(t, dir, a, b); got != "01" || !os.IsNotExist(errOld) || errYoung != nil {
		t.Errorf("%s of ab are there, old %v, young %v", got, errOld, errYoung)
	}
}

// TestBlobsWithoutStampGoFirst: nobody knows when they were used.
func TestBlobsWithoutStampGoFirst(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 1500)
	a, b := of("a", 1000), of("b", 1000)
	put(t, c, a)
	put(t, c, b)
	used(t, dir, a, 100)
	if err := os.Remove(filepath.Join(dir, "stamps", digest(b).Hex)); err != nil {
		t.Fatal(err)
	}
	closed(t, c)
	if got := kept(t, dir, a, b); got != "10" {
		t.Errorf("%s of ab are there, want 10", got)
	}
}

func TestRecordsThatNobodyAsksForGo(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	for i, days := range []int{59, 61, 61} {
		key := fmt.Sprint(i)
		if err := c.PutRecord("layer", key, "value"); err != nil {
			t.Fatal(err)
		}
		aged(t, filepath.Join(dir, "records", "layer", key), -time.Duration(days)*24*time.Hour)
	}
	var value string
	if known, err := c.Record("layer", "2", &value); !known || err != nil { // which makes it young
		t.Errorf("%v, %v", known, err)
	}
	closed(t, c)
	wantFiles(t, filepath.Join(dir, "records"), "layer/0", "layer/2")
}
