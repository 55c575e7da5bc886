package generate

import (
	"fmt"
	"slices"
	"strings"
)

// addVersion writes the family's next version to the branch.
func (f *family) addVersion() {
	f.addVersionWith(f.develop)
}

// addVersionWith lets change say which files the next version has other than the one before it; manifest and changelog
// always change. The first version is written as it is.
func (f *family) addVersionWith(change func(revision uint64) map[*file]bool) {
	f.raise()
	var changed map[*file]bool
	if len(f.versions) > 1 {
		changed = change(uint64(len(f.versions)))
	}
	executable := len(f.versions) > firstVersions
	f.about.screenshots = f.screenshots()
	for _, file := range f.files {
		if file.content.mark == 0 || changed[file] || file.text.kind == manifest || file.text.kind == changelog {
			file.content = f.write(file)
		}
		f.im.putInPackage(file.path, executable, file.content)
	}
	f.im.place(f.about.name, f.about.version)
}

// raise chooses the next version's number: a patch mostly, or a minor one; the first major one when its time has come.
func (f *family) raise() {
	n := &f.number
	switch {
	case len(f.versions) == 0:
		n[1] = 1
	case n[0] == 0 && f.chance(0.15):
		*n = [3]int{1, 0, 0}
	case f.chance(0.4):
		*n = [3]int{n[0], n[1] + 1, 0}
	default:
		n[2]++
	}
	f.about.version = fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
	f.about.release = "ga"
	if n[0] == 0 {
		f.about.release = "beta"
	}
	f.versions = append(f.versions, f.about.version)
}

// develop changes files as they did change in the real storage.
func (f *family) develop(revision uint64) map[*file]bool {
	changed := map[*file]bool{}
	extent := extents[f.random.IntN(len(extents))]
	for k, habit := range habits {
		var candidates []*file
		for _, file := range f.files {
			if file.text.kind == kind(k) {
				candidates = append(candidates, file)
			}
		}
		if len(candidates) == 0 || !f.chance(extent*habit.versions) {
			continue
		}
		// Files that are equal in several places stay so, as those do that are copied from one source.
		blocks, grow := f.lines(), f.chance(0.2)
		certain := candidates[f.random.IntN(len(candidates))]
		for _, file := range candidates {
			if file == certain || f.chance(habit.files) {
				file.change(blocks, grow, revision)
				changed[file] = true
			}
		}
	}
	if f.chance(lessVisualizations) {
		f.dropVisualization()
	}
	if f.chance(moreVisualizations) {
		f.addObject(visualization, f.usual(visualization))
	}
	if f.profile.streams > 0 && f.chance(moreStreams) {
		f.addStream()
	}
	return changed
}

// lines are one to four numbers of blocks that change.
func (f *family) lines() []int {
	blocks := make([]int, 1+f.random.IntN(4))
	for i := range blocks {
		blocks[i] = f.random.IntN(1 << 20)
	}
	return blocks
}

func (f *family) dropVisualization() {
	i := slices.IndexFunc(f.files, func(file *file) bool { return file.text.kind == visualization })
	if i >= 0 {
		f.files = slices.Delete(f.files, i, i+1)
	}
}

// change makes the file another one. A changelog changes by itself.
func (file *file) change(blocks []int, grow bool, revision uint64) {
	switch file.text.kind {
	case picture:
		file.revision = revision
	case changelog:
	default:
		file.text.change(blocks, grow, revision)
	}
}

// write hands a file's content to git.
func (f *family) write(file *file) blob {
	if file.text.kind == picture {
		return f.im.random(mix(file.text.seed, file.revision), file.size)
	}
	about := f.about
	if file.stream != nil {
		about.dataset = about.name + "." + file.stream.name
		about.streamType = file.stream.kind
	}
	f.scratch = f.scratch[:0]
	if file.text.kind == changelog {
		f.scratch = f.writeChangelog(f.scratch, file.text.seed)
	} else {
		f.scratch = file.text.write(f.scratch, about)
	}
	return f.im.blob(f.scratch)
}

// screenshots is the list of pictures in a manifest.
func (f *family) screenshots() string {
	var list strings.Builder
	for _, file := range f.files {
		if file.text.kind != picture {
			continue
		}
		if list.Len() == 0 {
			list.WriteString("screenshots:\n")
		}
		fmt.Fprintf(&list, "  - src: /%s\n    title: A picture of %s\n    size: 1200x800\n    type: image/png\n", file.path, f.about.title)
	}
	return list.String()
}

// entry is a version in a changelog.
var entry = pattern{
	head:   "- version: \"%v\"\n  changes:\n",
	blocks: []string{"    - description: %s\n      type: enhancement\n      link: https://example.com/%p/changes/%n\n"},
}

func (f *family) writeChangelog(out []byte, seed uint64) []byte {
	out = append(out, "# newer versions go on top\n"...)
	for i := len(f.versions) - 1; i >= max(0, len(f.versions)-changelogEntries); i-- {
		d := document{seed: mix(seed, uint64(i))}
		out = d.writeAs(entry, out, subject{name: f.about.name, version: f.versions[i]})
	}
	return out
}
