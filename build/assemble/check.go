package assemble

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// CheckTree judges the names and modes of all that is in a package, down to its last file. The package's trees must be
// loaded. What it finds depends on the tree id alone, but for the branch's name. nil means that all is well.
func CheckTree(forest *object.Forest, branch string, p integration.Package) []Finding {
	var findings []Finding
	invalid := func(path, problem, wayOut string) {
		findings = append(findings, Finding{branch, "packages/" + shown(path), problem, wayOut})
	}
	root := forest.Entries(p.Tree)
	if !hasManifest(root) {
		invalid(p.Path(), "there is no "+manifestName, "a package is a folder with a manifest: add it, or remove the folder")
	}
	checkCase(p.Path(), root, invalid)
	forest.Walk(p.Path(), p.Tree, func(path string, e object.TreeEntry) error {
		if problem, wayOut := unsupportedMode(e.Mode); problem != "" {
			invalid(path, problem, wayOut)
		}
		if problem := wrongName(e.Name); problem != "" {
			invalid(path, problem, "rename it")
		}
		if e.Mode == object.ModeTree {
			checkCase(path, forest.Entries(e.ID), invalid)
		}
		return nil
	})
	return findings
}

func hasManifest(entries []object.TreeEntry) bool {
	for _, e := range entries {
		if e.Name == manifestName && e.Mode != object.ModeTree {
			return true
		}
	}
	return false
}

// longestName is what the usual file systems allow: NAME_MAX, in bytes.
const longestName = 255

// wrongName says why a name can't be extracted everywhere, or would be dangerous to. Git itself forbids only '/'
// and NUL.
func wrongName(name string) string {
	switch {
	case name == "" || name == "." || name == "..":
		return "a name that leads out of its folder"
	case strings.EqualFold(name, ".git"):
		return "a name that git keeps for itself"
	case !utf8.ValidString(name):
		return "a name that is not UTF-8"
	case len(name) > longestName:
		return "a name of more than 255 bytes"
	case strings.ContainsRune(name, '\\'):
		return "a name with a backslash"
	case strings.ContainsRune(name, '/'):
		return "a name with a slash"
	case strings.HasPrefix(name, ".wh."):
		return "a name that an image layer would read as a removal (.wh.)"
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return "a name with a control character"
		}
	}
	return ""
}

// checkCase finds names in one folder that are the same where case does not count (macOS, Windows).
func checkCase(path string, entries []object.TreeEntry, invalid func(path, problem, wayOut string)) {
	seen := make(map[string]string, len(entries))
	for _, e := range entries {
		folded := strings.ToLower(e.Name)
		if other, twice := seen[folded]; twice {
			invalid(path+"/"+e.Name, "differs only in case from "+shown(other), "rename one of them")
		}
		seen[folded] = e.Name
	}
}

const (
	lfsPrefix  = "version https://git-lfs.github.com/spec/v1"
	lfsLargest = 1024 // bytes: the Git LFS spec's bound for a pointer file
)

// NeedsContent says whether CheckContent wants to see a file, by its path below packages/ and its size in bytes.
func NeedsContent(path string, size int64) bool { return size < lfsLargest || isManifest(path) }

// CheckContent judges a file by its content: Git LFS pointers, and a package's manifest, which must be YAML and agree
// with the folder that it is in. path is below packages/.
func CheckContent(branch, path string, content []byte) []Finding {
	invalid := func(problem, wayOut string) []Finding {
		return []Finding{{branch, "packages/" + shown(path), problem, wayOut}}
	}
	if len(content) < lfsLargest && bytes.HasPrefix(content, []byte(lfsPrefix)) {
		return invalid("a Git LFS pointer: the file's content is not in git", "commit the content itself (git lfs migrate export)")
	}
	if !isManifest(path) {
		return nil
	}
	said, err := ReadManifest(content)
	if err != nil {
		return invalid("unreadable: "+err.Error(), "mend the YAML")
	}
	name, rest, _ := strings.Cut(path, "/")
	version, _, _ := strings.Cut(rest, "/")
	if said.Name != name {
		return invalid("its name is "+quote(said.Name)+", the folder's is "+name, "name and folder must be the same")
	}
	if said.Version != version {
		return invalid("its version is "+quote(said.Version)+", the folder's is "+version, "version and folder must be the same")
	}
	return nil
}

func quote(value string) string {
	if value == "" {
		return "missing"
	}
	return `"` + shown(value) + `"`
}

// Manifest is what a package says of itself; empty where it does not, or not in a plain value.
type Manifest struct{ Name, Version string }

// ReadManifest reads a package's manifest.yml, which must be a YAML mapping.
func ReadManifest(content []byte) (Manifest, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return Manifest{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return Manifest{}, errors.New("it is no mapping of keys to values")
	}
	if key, line := repeated(document.Content[0]); key != "" {
		return Manifest{}, errors.Errorf("line %d: the key %s is there twice", line, key)
	}
	var manifest Manifest
	pairs := document.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		switch pairs[i].Value {
		case "name":
			manifest.Name = plain(pairs[i+1])
		case "version":
			manifest.Version = plain(pairs[i+1])
		}
	}
	return manifest, nil
}

// repeated finds a key that a mapping has twice: registries refuse that.
func repeated(node *yaml.Node) (key string, line int) {
	seen := map[string]bool{}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode {
			if seen[child.Value] {
				return child.Value, child.Line
			}
			seen[child.Value] = true
		}
		if key, line := repeated(child); key != "" {
			return key, line
		}
	}
	return "", 0
}

// plain is a node's text, if it is a value of one word.
func plain(node *yaml.Node) string {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
