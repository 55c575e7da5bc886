package image

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// source is something of the context: a file, or a folder.
type source struct {
	name string
	dir  bool
}

// all is what the context holds, sorted by name: files and the folders above them, and the folder of packages.
func (f ContextFiles) all() []source {
	dirs := map[string]bool{PackagesFolder: true}
	for name := range f {
		dirs[name] = false
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	var all []source
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		all = append(all, source{name, dirs[name]})
	}
	return all
}

// below is what a folder of the context holds, sorted by name.
func (f ContextFiles) below(folder string) []source {
	return slices.DeleteFunc(f.all(), func(s source) bool { return !strings.HasPrefix(s.name, folder+"/") })
}

// match finds the sources of a COPY, in order. The packages are found only where they are the one source, by name.
func (f ContextFiles) match(words []string) ([]source, error) {
	var sources []source
	for _, word := range words {
		found, err := f.find(word)
		if err != nil {
			return nil, err
		}
		sources = append(sources, found...)
	}
	alone := len(sources) == 1 && !strings.ContainsAny(words[0], wildcards)
	for _, s := range sources {
		if s.name == PackagesFolder && !alone {
			return nil, mixedError(strings.Join(words, " "))
		}
	}
	return sources, nil
}

// wildcards are the characters by which a word is a pattern.
const wildcards = "*?["

func mixedError(sources string) error {
	return refuse(fmt.Sprintf("%q takes the packages together with other files; their layers are the same bytes in every"+
		" distribution, and hold packages only", sources),
		"copy them alone, with COPY "+PackagesFolder+" <folder>, and other files by name")
}

// find is match for one word: a name, or a pattern.
func (f ContextFiles) find(word string) ([]source, error) {
	if slices.Contains(strings.Split(word, "/"), "..") {
		return nil, refuse(fmt.Sprintf("%q leads out of the context", word), "name a file of the context")
	}
	name := strings.TrimPrefix(path.Clean("/"+word), "/")
	if name == "" {
		return nil, mixedError(word)
	}
	if strings.HasPrefix(name, PackagesFolder+"/") {
		return nil, refuse("packages can't be copied one by one", "copy them all: COPY "+PackagesFolder+" <folder>")
	}
	isPattern := strings.ContainsAny(word, wildcards)
	var found []source
	for _, s := range f.all() {
		matches := s.name == name
		if isPattern {
			var err error
			if matches, err = path.Match(name, s.name); err != nil {
				return nil, refuse(fmt.Sprintf("%q is no pattern: %v", word, err), "")
			}
		}
		if matches {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, refuse(fmt.Sprintf("the context has no %q", word), "it has "+f.names())
	}
	return found, nil
}

func (f ContextFiles) names() string {
	return strings.Join(append(slices.Sorted(maps.Keys(f)), PackagesFolder+"/"), ", ")
}
