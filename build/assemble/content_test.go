package assemble_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
)

const pointer = "version https://git-lfs.github.com/spec/v1\n" +
	"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestNeedsContent(t *testing.T) {
	for _, c := range []struct {
		path string
		size int64
		want bool
	}{
		{"apm/1.0.0/manifest.yml", 1 << 30, true},
		{"apm/1.0.0/manifest.yml", 0, true},
		{"apm/1.0.0/img/logo.png", 1023, true},
		{"apm/1.0.0/img/logo.png", 1024, false},
		{"apm/1.0.0/data_stream/a/manifest.yml", 4096, false},
		{"apm/1.0.0/my-manifest.yml", 4096, false},
		{"apm/manifest.yml", 4096, false},
	} {
		if got := assemble.NeedsContent(c.path, c.size); got != c.want {
			t.Errorf("%s of %d bytes: %v", c.path, c.size, got)
		}
	}
}

func TestCheckContent(t *testing.T) {
	const manifest, other = "apm/1.0.0/manifest.yml", "apm/1.0.0/docs/README.md"
	for name, c := range map[string]struct {
		path, content string
		problem       string // "" where all is well
	}{
		"text":                  {other, "# APM", ""},
		"empty":                 {other, "", ""},
		"a Git LFS pointer":     {other, pointer, "Git LFS"},
		"an extended pointer":   {other, strings.Replace(pointer, "oid", "ext-0-foo sha256:00\noid", 1), "Git LFS"},
		"a manifest in Git LFS": {manifest, pointer, "Git LFS"},
		"what tells of Git LFS": {other, "# LFS\n" + pointer, ""},
		"too long for one":      {other, pointer + strings.Repeat("x", 1024-len(pointer)), ""},
		"the longest there is":  {other, pointer + strings.Repeat("x", 1023-len(pointer)), "Git LFS"},

		"a manifest":                 {manifest, "name: apm\nversion: 1.0.0\ntitle: APM\n", ""},
		"in JSON":                    {manifest, `{"version": "1.0.0", "name": "apm"}`, ""},
		"with comments":              {manifest, "# c\n---\nname: apm # c\nversion: '1.0.0'\n", ""},
		"with an anchor":             {manifest, "name: &n apm\nversion: 1.0.0\n", ""},
		"with an alias":              {manifest, "v: &v 1.0.0\nname: apm\nversion: *v\n", ""},
		"not YAML":                   {manifest, "name: [apm\n", "unreadable"},
		"no mapping":                 {manifest, "- name: apm\n", "unreadable"},
		"nothing":                    {manifest, "", "no mapping"},
		"no name":                    {manifest, "version: 1.0.0\n", "its name is missing, the folder's is apm"},
		"no version":                 {manifest, "name: apm\n", "its version is missing, the folder's is 1.0.0"},
		"other name":                 {manifest, "name: nginx\nversion: 1.0.0\n", `its name is "nginx", the folder's is apm`},
		"other version":              {manifest, "name: apm\nversion: 1.0.1\n", `its version is "1.0.1", the folder's is 1.0.0`},
		"a version that is a number": {manifest, "name: apm\nversion: 1.0\n", `its version is "1.0"`},
		"a version that is a list":   {manifest, "name: apm\nversion: [1.0.0]\n", "its version is"},
		"a name for no terminal":     {manifest, "name: \"a\\e[2J\"\nversion: 1.0.0\n", `its name is "a\x1b[2J"`},
		"a data stream's":            {"apm/1.0.0/data_stream/a/manifest.yml", "title: A\n", ""},
	} {
		found := assemble.CheckContent("staging", c.path, []byte(c.content))
		if c.problem == "" {
			if len(found) != 0 {
				t.Errorf("%s: %v", name, found)
			}
			continue
		}
		if len(found) != 1 {
			t.Errorf("%s: %v", name, found)
			continue
		}
		f := found[0]
		if f.Branch != "staging" || f.Path != "packages/"+c.path || !strings.Contains(f.Problem, c.problem) || f.WayOut == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestVersionsThatLookLikeNumbers: "1.10.0" is text, but so must be what YAML takes for something else.
func TestVersionsThatLookLikeNumbers(t *testing.T) {
	for _, version := range []string{"0.0.1", "1.10.0", "1.0.0-0", "2022.1.1", "1.0.0+1e3"} {
		content := []byte("name: apm\nversion: " + version + "\n")
		if found := assemble.CheckContent("staging", "apm/"+version+"/manifest.yml", content); len(found) != 0 {
			t.Errorf("%s: %v", version, found)
		}
	}
	for _, name := range []string{"true", "null", "007", "1e3", "on"} { // good names of packages, all of them
		content := []byte("name: " + name + "\nversion: 1.0.0\n")
		if found := assemble.CheckContent("staging", name+"/1.0.0/manifest.yml", content); len(found) != 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestInvalidErrorIsTheWholeListUpToTwenty(t *testing.T) {
	all := &assemble.InvalidError{}
	for i := range 22 {
		all.Findings = append(all.Findings, assemble.Finding{Branch: "staging", Path: fmt.Sprintf("packages/p%d", i), Problem: "bad"})
	}
	all.Findings[0].WayOut = "mend it"
	text := all.Error()
	for _, want := range []string{"22 ", "staging:packages/p0: bad\n", "mend it\n", "staging:packages/p19: bad\n", "2 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "packages/p20") {
		t.Errorf("more than twenty:\n%s", text)
	}
	all.Findings = all.Findings[:20]
	if text := all.Error(); strings.Contains(text, "more") || !strings.Contains(text, "p19") {
		t.Errorf("20 findings:\n%s", text)
	}
	all.Findings = all.Findings[1:2]
	if text := all.Error(); text != "staging:packages/p1: bad" {
		t.Errorf("one finding: %q", text)
	}
}
