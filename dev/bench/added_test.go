package main

import "testing"

func TestListingIsReadWithBlanksAndWithoutSubmodules(t *testing.T) {
	files, err := parseListing("100644 blob aa      12\tpackages/a/1.0.0/a file\n\x00" +
		"160000 commit bb       -\tpackages/a/1.0.0/sub\x00" + "100755 blob cc       3\tpackages/b/0.1.0/run\x00")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0] != (file{"packages/a/1.0.0/a file\n", "aa", 12}) || files[1].size != 3 {
		t.Errorf("%+v", files)
	}
	if files, err := parseListing(""); err != nil || len(files) != 0 {
		t.Errorf("an empty folder: %v, %v", files, err)
	}
	if _, err := parseListing("fatal: no"); err == nil {
		t.Error("nonsense was read")
	}
}

func TestModelIsTheNewestVersionOfMiddlingSize(t *testing.T) {
	files := []file{
		{path: "packages/README.md", size: 300_000},
		{path: "packages/small/1.0.0/manifest.yml", size: 10},
		{path: "packages/mid/1.9.0/manifest.yml", size: 300_000},
		{path: "packages/mid/1.10.0/manifest.yml", size: 100_000},
		{path: "packages/mid/1.10.0/docs/README.md", size: 150_000},
		{path: "packages/large/3.0.0/manifest.yml", size: 3_000_000},
	}
	m, err := chooseModel(files, "")
	if want := (model{"mid", "1.10.0", 250_000}); err != nil || m != want {
		t.Errorf("%+v, %v, want %+v", m, err, want)
	}
	if m, err := chooseModel(files, "large"); err != nil || m.name != "large" {
		t.Errorf("large: %+v, %v", m, err)
	}
	if _, err := chooseModel(files, "none"); err == nil {
		t.Error("a package that is not there was chosen")
	}
}

func TestNextVersionsAreNew(t *testing.T) {
	for _, c := range []struct {
		version string
		n       int
		want    string
	}{
		{"1.2.3", 1, "1.2.4"}, {"1.2.3", 2, "1.2.5"}, {"2.0.0-rc1", 1, "2.0.1"}, {"1.0.9+b.7", 1, "1.0.10"},
	} {
		if got := (model{version: c.version}).next(c.n); got != c.want {
			t.Errorf("the version %d after %s is %s, want %s", c.n, c.version, got, c.want)
		}
	}
}
