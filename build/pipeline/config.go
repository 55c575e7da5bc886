package pipeline

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/layer"
)

// Config is all that a run is told. Strings are as the user gave them; empty means the default.
type Config struct {
	// Root is the project's folder: distributions.yml, Dockerfile.tmpl and the sample storage lie there. What it lacks
	// of these is taken from Defaults, the pipeline's own folder; empty where that is not known.
	Root, Defaults string
	// Storage is a path or a URL; empty: the repository at Root where it has a distribution's branch, else the sample.
	Storage string
	// Registry is the registry version; empty: what the branch's Dockerfile says, else the table.
	Registry string
	// Base is the base's image repository, "oci:<folder>" or "preview"; empty: the table's, for the sample "preview".
	Base string
	// Platforms are those wanted; empty: those of base.Default that the base offers.
	Platforms   []v1.Platform
	Compression layer.Compression
	// Planner decides which packages share a layer; nil: the pipeline's own. Another one is for measurements.
	Planner layer.Planner
	// Cache is the folder of the layer cache, CacheLimit its bound in bytes (0: cache.DefaultLimit).
	Cache      string
	CacheLimit int64
	// Dist is the output folder.
	Dist string
	// With is a folder of uncommitted packages that is laid over the distribution's own branch; empty for none.
	With string
	// Image is the image repository to push to; empty: the table's.
	Image string
	// Published takes layers that the cache lacks from the published image, without downloading them.
	Published bool
	// Patience is for how long an image repository may stand still; 0: publish's default.
	Patience time.Duration
	// Force lets a distribution's tag go backwards, for a Reason.
	Force  bool
	Reason string
	// CodeHost is where pull requests are opened.
	CodeHost CodeHost
	// DryRun computes and shows everything, and writes nothing outside of the cache.
	DryRun bool
}

// CodeHost is a code host that keeps to GitHub's REST API.
type CodeHost struct {
	// API is its address, Repository "<owner>/<name>" there; empty: what the storage's own address says.
	API, Repository string
	// Token is who opens pull requests; without one, people are shown where they can. GitHubToken is the same at GitHub only, or at
	// API: it goes to no other host.
	Token, GitHubToken string
}

const (
	tableFile    = "distributions.yml"
	templateFile = "Dockerfile.tmpl"
	sampleFolder = "testdata/storage"
)

// file is where a file of the project lies: at Root, else at Defaults.
func (c Config) file(name string) string {
	path := filepath.Join(c.Root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err == nil || c.Defaults == "" {
		return path
	}
	return filepath.Join(c.Defaults, filepath.FromSlash(name))
}

// Complete says whether Root has all that a build needs.
func Complete(root string) bool {
	for _, name := range []string{tableFile, templateFile} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			return false
		}
	}
	return true
}

// ProjectError says that a file of the project (distributions.yml, Dockerfile.tmpl) can't be used.
type ProjectError struct {
	File string
	Err  error
}

func (e *ProjectError) Error() string { return "read " + e.File + ": " + withoutTypes(e.Err.Error()) }

// typeNames are Go's names of types, which parsers put into their messages.
var typeNames = regexp.MustCompile(` (in type|into) [*\[\]\w.]+\b`)

func withoutTypes(message string) string {
	for _, prefix := range []string{"yaml: ", "unmarshal errors:\n  ", "template: "} {
		message = strings.TrimPrefix(message, prefix)
	}
	return typeNames.ReplaceAllString(message, "")
}

// LoadTable reads distributions.yml. The error is a *ProjectError.
func LoadTable(config Config) (distribution.Table, error) {
	content, err := os.ReadFile(config.file(tableFile))
	if err != nil {
		return distribution.Table{}, &ProjectError{tableFile, err}
	}
	var table distribution.Table
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	switch err := decoder.Decode(&table); {
	case err == io.EOF:
		return distribution.Table{}, &ProjectError{tableFile, errors.New("it is empty")}
	case err != nil:
		return distribution.Table{}, &ProjectError{tableFile, err}
	}
	if err := table.Validate(); err != nil {
		return distribution.Table{}, &ProjectError{tableFile, err}
	}
	return table, nil
}

// template is the text of Dockerfile.tmpl. The error is a *ProjectError.
func (s *Session) template() (string, error) {
	content, err := os.ReadFile(s.config.file(templateFile))
	if err != nil {
		return "", &ProjectError{templateFile, err}
	}
	return string(content), nil
}
