package build_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-604f7181/package-storage/build/"

// floors of doc.go. A room's inner packages (preview/serve) are on its floor.
var floors = map[string]int{
	"object": 0, "integration": 0, "distribution": 0,
	"assemble": 1, "history": 1, "layer": 1, "image": 1, "promote": 1, "policy": 1,
	"gitstore": 2, "base": 2, "preview": 2, "cache": 2, "publish": 2, "codehost": 2,
	"pipeline": 3,
	"targets":  4,
}

// sameFloor are the imports within floor 0 that are wanted: a package has a tree id.
var sameFloor = map[string]string{"integration": "object"}

// outside are standard packages that pure floors do without.
var outside = []string{"net", "net/http", "os", "os/exec", "syscall"}

func TestImportsPointDown(t *testing.T) {
	rooms := map[string]bool{}
	each(t, func(room, file string, imports []string) {
		floor, known := floors[room]
		if !known {
			t.Fatalf("%s: %s has no floor; give it one in doc.go and here", file, room)
		}
		rooms[room] = true
		for _, imported := range imports {
			other, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			other, _, _ = strings.Cut(other, "/")
			if other == room || sameFloor[room] == other {
				continue
			}
			if floors[other] >= floor {
				t.Errorf("%s: %s (floor %d) imports %s (floor %d)", file, room, floor, other, floors[other])
			}
		}
	})
	for room := range floors {
		if !rooms[room] {
			t.Errorf("there is no room %s", room)
		}
	}
}

func TestGroundFloorIsStandardLibraryOnly(t *testing.T) {
	each(t, func(room, file string, imports []string) {
		for _, imported := range imports {
			if floors[room] == 0 && strings.Contains(imported, ".") && !strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s", file, imported)
			}
		}
	})
}

func TestPureFloorsTouchNothingOutside(t *testing.T) {
	each(t, func(room, file string, imports []string) {
		for _, imported := range imports {
			for _, forbidden := range outside {
				if floors[room] <= 1 && imported == forbidden {
					t.Errorf("%s: %s is pure, and imports %s", file, room, imported)
				}
			}
		}
	})
}

// each visits all Go files below this folder but tests.
func each(t *testing.T, visit func(room, file string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || !strings.Contains(file, "/") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, imported)
		}
		room, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		visit(room, file, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
