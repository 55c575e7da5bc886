package assemble_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// check judges a package of files, by path.
func check(t *testing.T, files map[string]string) []assemble.Finding {
	t.Helper()
	r := newRepository()
	p := integration.Package{Name: "apm", Version: "1.0.0", Tree: r.tree(files)}
	forest := object.NewForest()
	if err := forest.Load(r, p.Tree); err != nil {
		t.Fatal(err)
	}
	return assemble.CheckTree(forest, "staging", p)
}

func TestCheckTreeTakesWhatAPackageHolds(t *testing.T) {
	for _, path := range []string{
		"docs/README.md", "data_stream/a/agent/stream/s.yml.hbs", "with space.txt", "ünïcödé/日本.svg", "run*", "-rf", "...",
		".hidden", ".gitignore", ".gitattributes", "a.git", "wh.txt", "x.wh.y", "a'b", `a"b`, "a:b", "$(x)", "%2e%2e",
		strings.Repeat("x", 255), "..a", "a..",
	} {
		if found := check(t, map[string]string{"manifest.yml": "", path: ""}); len(found) != 0 {
			t.Errorf("%q: %v", path, found)
		}
	}
}

func TestCheckTree(t *testing.T) {
	for name, c := range map[string]struct {
		path           string // beside manifest.yml
		shown, problem string
	}{
		"a symlink":                {"docs/link@", "docs/link", "symbolic link"},
		"a submodule":              {"module#", "module", "submodule"},
		"a dot":                    {"docs/.", "docs/.", "leads out"},
		"two dots":                 {"docs/..", "docs/..", "leads out"},
		"a folder of two dots":     {"../x", "..", "leads out"},
		"git's own":                {"docs/.git", "docs/.git", "git keeps"},
		"git's own, in capitals":   {"docs/.Git", "docs/.Git", "git keeps"},
		"no UTF-8":                 {"docs/\xff.md", `docs/\xff.md`, "not UTF-8"},
		"half of a character":      {"docs/\xc3", `docs/\xc3`, "not UTF-8"},
		"256 bytes":                {strings.Repeat("x", 256), strings.Repeat("x", 256), "255 bytes"},
		"256 bytes, 128 letters":   {strings.Repeat("é", 128), strings.Repeat("é", 128), "255 bytes"},
		"a backslash":              {`docs/a\b`, `docs/a\\b`, "backslash"},
		"a backslash, as a path":   {`..\..\x`, `..\\..\\x`, "backslash"},
		"a whiteout":               {"docs/.wh.README.md", "docs/.wh.README.md", ".wh."},
		"an opaque whiteout":       {"docs/.wh..wh..opq", "docs/.wh..wh..opq", ".wh."},
		"a folder like a whiteout": {".wh.docs/x", ".wh.docs", ".wh."},
		"a newline":                {"docs/a\nb", `docs/a\nb`, "control character"},
		"a tab":                    {"docs/a\tb", `docs/a\tb`, "control character"},
		"an escape":                {"docs/\x1b[2J", `docs/\x1b[2J`, "control character"},
		"delete":                   {"docs/\x7f", `docs/\x7f`, "control character"},
		"a C1 control":             {"docs/\u0085", `docs/\u0085`, "control character"},
	} {
		found := check(t, map[string]string{"manifest.yml": "", c.path: ""})
		if len(found) != 1 {
			t.Errorf("%s: %v", name, found)
			continue
		}
		f := found[0]
		if f.Branch != "staging" || f.Path != "packages/apm/1.0.0/"+c.shown || !strings.Contains(f.Problem, c.problem) || f.WayOut == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestNamesThatNoPathCanHold: git stores them, a path in a table can't.
func TestNamesThatNoPathCanHold(t *testing.T) {
	for _, name := range []string{"", "a/b", "../../etc/passwd", "a\x00b"} {
		r := newRepository()
		p := integration.Package{Name: "apm", Version: "1.0.0", Tree: r.put([]object.TreeEntry{
			{Name: "manifest.yml", Mode: object.ModeFile, ID: "1"}, {Name: name, Mode: object.ModeFile, ID: "2"},
		})}
		forest := object.NewForest()
		if err := forest.Load(r, p.Tree); err != nil {
			t.Fatal(err)
		}
		if found := assemble.CheckTree(forest, "staging", p); len(found) != 1 {
			t.Errorf("%q: %v", name, found)
		}
	}
}

func TestUnknownModesAreRefused(t *testing.T) {
	r := newRepository()
	p := integration.Package{Name: "apm", Version: "1.0.0", Tree: r.put([]object.TreeEntry{
		{Name: "manifest.yml", Mode: object.ModeFile, ID: "1"}, {Name: "device", Mode: 0o020644, ID: "2"},
	})}
	forest := object.NewForest()
	if err := forest.Load(r, p.Tree); err != nil {
		t.Fatal(err)
	}
	if found := assemble.CheckTree(forest, "staging", p); len(found) != 1 || found[0].Path != "packages/apm/1.0.0/device" {
		t.Errorf("%v", found)
	}
}

func TestPackageWithoutManifest(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none":               {"docs/README.md": ""},
		"further down":       {"data_stream/a/manifest.yml": ""},
		"a folder":           {"manifest.yml/x": ""},
		"other spelling":     {"Manifest.yml": ""},
		"the other ending":   {"manifest.yaml": ""},
		"a file and no more": {"x": ""},
	} {
		found := check(t, files)
		if len(found) != 1 || found[0].Path != "packages/apm/1.0.0" || !strings.Contains(found[0].Problem, "no manifest.yml") {
			t.Errorf("%s: %+v", name, found)
		}
	}
	// A symlink is there, but wrong in its own way.
	if found := check(t, map[string]string{"manifest.yml@": ""}); len(found) != 1 || found[0].Path != "packages/apm/1.0.0/manifest.yml" {
		t.Errorf("a symlink: %+v", found)
	}
}

func TestNamesThatDifferInCase(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  []string
	}{
		"two files":           {[]string{"Logo.svg", "logo.svg"}, []string{"logo.svg"}},
		"a file and a folder": {[]string{"IMG", "img/x"}, []string{"img"}},
		"in a folder":         {[]string{"docs/A", "docs/a"}, []string{"docs/a"}},
		"of three":            {[]string{"AB", "Ab", "ab"}, []string{"Ab", "ab"}},
		"beyond ASCII":        {[]string{"É", "é"}, []string{"é"}},
		"in two folders":      {[]string{"docs/a", "img/A"}, nil},
	} {
		files := map[string]string{"manifest.yml": ""}
		for _, path := range c.files {
			files[path] = ""
		}
		var got []string
		for _, f := range check(t, files) {
			if !strings.Contains(f.Problem, "case") {
				t.Errorf("%s: %+v", name, f)
			}
			got = append(got, strings.TrimPrefix(f.Path, "packages/apm/1.0.0/"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestCheckTreeFindsAllAtOnce(t *testing.T) {
	found := check(t, map[string]string{"a/b/c/deep@": "", "a/.wh.x@": "", "z\\": ""})
	var got []string
	for _, f := range found {
		got = append(got, f.Path+": "+f.Problem[:12])
	}
	same(t, "findings", got, []string{
		"packages/apm/1.0.0: there is no ",
		"packages/apm/1.0.0/a/.wh.x: a symbolic l",
		"packages/apm/1.0.0/a/.wh.x: a name that ",
		"packages/apm/1.0.0/a/b/c/deep: a symbolic l",
		`packages/apm/1.0.0/z\\: a name with `,
	})
}
