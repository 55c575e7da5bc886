package generate

import "fmt"

// onePackage is a package that is being written, with no other files but those that there must be, and what is put.
type onePackage struct {
	im    *importer
	about subject
	seed  uint64
}

// The files that a package must have; they come to some 1,000 bytes.
var (
	bareManifest = pattern{
		head: `format_version: 1.0.0
name: %p
title: %T
version: %v
license: basic
description: %s
type: integration
categories:
  - %c
release: ga
conditions:
  kibana.version: "^8.0.0"
policy_templates:
  - name: %p
    title: Logs of %T
    description: %s
    inputs:
      - type: logfile
        title: Logs of %T
        description: %s
owner:
  github: example/%w
`,
		blocks: []string{""},
	}
	bareReadme = pattern{head: "# %T %v\n\n", blocks: []string{"%s %s %s\n"}}
)

// newPackage begins a package: of the n-th family, its version 1.<minor>.0.
func newPackage(im *importer, seed uint64, family, minor int) *onePackage {
	p := &onePackage{im: im, seed: mix(mix(seed, uint64(family)+1), uint64(minor))}
	name := nameOf(family)
	p.about = subject{name: name, title: titleOf(name), version: fmt.Sprintf("1.%d.0", minor), category: categories[family%len(categories)]}
	for i, file := range []struct {
		path string
		pattern
	}{{"manifest.yml", bareManifest}, {"changelog.yml", entry}, {"docs/README.md", bareReadme}} {
		d := document{seed: mix(^p.seed, uint64(i))}
		p.put(file.path, im.blob(d.writeAs(file.pattern, nil, p.about)))
	}
	return p
}

func (p *onePackage) put(path string, content blob) { p.im.putInPackage(path, false, content) }

func (p *onePackage) end() { p.im.place(p.about.name, p.about.version) }
