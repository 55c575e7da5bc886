package promote

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Tombstone says that a version was removed on purpose. A branch keeps them in tombstones.yml, a list under the key
// tombstones; whoever adds the version again is told.
type Tombstone struct {
	// Package is "<name>-<version>", Tree what it was.
	Package string    `yaml:"package" json:"package"`
	Tree    object.ID `yaml:"tree" json:"tree"`
	// Removed is the day on which it was, in UTC: the same removal done again is the same; Reason why.
	Removed time.Time `yaml:"removed" json:"removed"`
	Reason  string    `yaml:"reason" json:"reason"`
}

type tombstones struct {
	Tombstones []Tombstone `yaml:"tombstones"`
}

// ReadTombstones reads a branch's tombstones.yml, in its order. What it does not know is an error: somebody meant
// something by it.
func ReadTombstones(content []byte) ([]Tombstone, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	var document tombstones
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	for _, t := range document.Tombstones {
		if name, version, _ := strings.Cut(t.Package, "-"); name == "" || version == "" || strings.ToLower(name) != name {
			return nil, errors.Errorf("%q is no package: write it like apm-8.0.0", t.Package)
		}
	}
	return document.Tombstones, nil
}

const tombstonesHead = `# Versions that were removed on purpose, and are not to come back by mistake. Written by the target remove.
`

// EditTombstones is a tombstones.yml with some more, and without those of packages that come back ("<name>-<version>").
// What people wrote into it beside stays. nil, where none is left.
func EditTombstones(content []byte, add []Tombstone, lift []string) ([]byte, error) {
	if _, err := ReadTombstones(content); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(content)) == 0 {
		content = []byte(tombstonesHead + "tombstones: []\n")
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	list := listOf(&document)
	if list == nil {
		return nil, errors.New("it holds no list of tombstones")
	}
	list.Style = 0
	for _, t := range add {
		lift = append(lift, t.Package) // there is one of each
	}
	list.Content = slices.DeleteFunc(list.Content, func(one *yaml.Node) bool {
		var t Tombstone
		return one.Decode(&t) == nil && slices.Contains(lift, t.Package)
	})
	for _, t := range add {
		var one yaml.Node
		if err := one.Encode(t); err != nil {
			return nil, err
		}
		list.Content = append(list.Content, &one)
	}
	if len(list.Content) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, errors.Wrap(err, "write tombstones")
	}
	return out.Bytes(), errors.Wrap(encoder.Close(), "write tombstones")
}

// listOf is the sequence under the key tombstones.
func listOf(document *yaml.Node) *yaml.Node {
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	pairs := document.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].Value != "tombstones" {
			continue
		}
		if pairs[i+1].Kind == yaml.ScalarNode && pairs[i+1].Tag == "!!null" {
			pairs[i+1].Kind, pairs[i+1].Tag, pairs[i+1].Value = yaml.SequenceNode, "!!seq", ""
		}
		if pairs[i+1].Kind == yaml.SequenceNode {
			return pairs[i+1]
		}
	}
	return nil
}
