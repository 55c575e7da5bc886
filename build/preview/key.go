package preview

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

//go:embed serve/*.go cmd/package-registry/*.go
var embedded embed.FS

// format counts changes of what Index makes of the same binary (image.go) or of how it compiles (compile.go). A pinned
// digest in the tests fails where it was forgotten.
const format = 1

// Key is 64 hex digits that change whenever Index may return something else for the same platforms: with the
// registry's sources, the Go version, the modules that have a part in it, and the format.
func Key() string { return key(sources()) }

func key(sources []source) string {
	hash := sha256.New()
	mod, modulesTxt := goMod("", "")
	fmt.Fprintf(hash, "preview %d\n%s\n%q\n%s\n%s\n", format, runtime.Version(), buildArgs, mod, modulesTxt)
	for _, path := range []string{yamlModule, "github.com/klauspost/compress", "github.com/google/go-containerregistry"} {
		fmt.Fprintf(hash, "%s %s\n", path, moduleVersion(path))
	}
	for _, s := range sources {
		fmt.Fprintf(hash, "%s %d\n%s", s.path, len(s.content), s.content)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// moduleVersion is the version that this program was linked with, "" where it does not know.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == path })
	if i < 0 {
		return ""
	}
	if m := info.Deps[i]; m.Replace != nil {
		return m.Replace.Path + " " + m.Replace.Version
	}
	return info.Deps[i].Version
}

// source is an embedded file; its path is relative to this package's folder.
type source struct {
	path    string
	content []byte
}

// sources are what is compiled, sorted by path.
func sources() []source {
	var all []source
	err := fs.WalkDir(embedded, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := embedded.ReadFile(path)
		all = append(all, source{path, content})
		return err
	})
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return all
}
