package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/object"
)

const registryArg = "PACKAGE_REGISTRY"

// RegistryVersionError says why the registry version of a distribution is not known, or can't be one.
type RegistryVersionError struct {
	// Where is "<branch>:Dockerfile", the variable's or the table's name.
	Where, Why string
}

func (e *RegistryVersionError) Error() string { return e.Where + ": " + e.Why }

// registryVersion is what the user says, else the branch's own Dockerfile, else the table.
func (s *Session) registryVersion(ctx context.Context, d distribution.Distribution, branch scanned) (string, error) {
	where, version := registryArg, s.config.Registry
	if version == "" && branch.dockerfile != "" {
		where = branchPath(branch.Name, "Dockerfile")
		var err error
		if version, err = s.dockerfileVersion(ctx, where, branch); err != nil {
			return "", err
		}
	}
	if version == "" {
		where, version = tableFile, d.Registry.Version
		if version == "" {
			return "", &RegistryVersionError{branchPath(branch.Name, "Dockerfile"), "the branch has no Dockerfile that says the " +
				"registry version, and " + tableFile + " has none for " + d.Name}
		}
	}
	parsed, err := distribution.ParseRegistryVersion(version)
	if err != nil {
		return "", &RegistryVersionError{where, err.Error()}
	}
	return parsed, nil
}

func (s *Session) dockerfileVersion(ctx context.Context, where string, branch scanned) (string, error) {
	if err := s.fetch(ctx, []object.ID{branch.dockerfile}); err != nil {
		return "", err
	}
	var content []byte
	err := s.readers.with(func(r *gitstore.Reader) (err error) {
		content, err = r.Blob(branch.dockerfile)
		return err
	})
	var lost *object.LostError
	if errors.As(err, &lost) {
		return "", &assemble.LostError{Branch: branch.Name, Path: dockerfileName, Err: lost}
	}
	if err != nil {
		return "", err
	}
	values, err := image.Defaults(content, registryArg)
	switch {
	case err != nil:
		return "", &RegistryVersionError{where, err.Error()}
	case len(values) == 0:
		return "", &RegistryVersionError{where, "there is no line ARG " + registryArg + "=<version>"}
	case len(values) > 1:
		return "", &RegistryVersionError{where, fmt.Sprintf("ARG %s= is there %d times (%s)", registryArg, len(values), strings.Join(values, ", "))}
	}
	return values[0], nil
}

// registryConfig is package-registry.yml: where the packages are, and for how long answers may be kept.
func registryConfig(packages string, times distribution.CacheTimes) ([]byte, error) {
	return yaml.Marshal(struct {
		PackagePaths []string `yaml:"package_paths"`
		Search       string   `yaml:"cache_time.search,omitempty"`
		Categories   string   `yaml:"cache_time.categories,omitempty"`
		All          string   `yaml:"cache_time.catch_all,omitempty"`
	}{[]string{packages}, times.Search, times.Categories, times.All})
}
