package targets

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// requestError is a request that can't be carried out as it was made.
type requestError struct{ what, hint string }

func (e *requestError) Error() string { return e.what }

// configuration reads the variables that users and CI set.
func configuration() (pipeline.Config, error) {
	config := pipeline.Config{
		Root:     ".",
		Storage:  os.Getenv("STORAGE"),
		Registry: os.Getenv("PACKAGE_REGISTRY"),
		Base:     os.Getenv("PACKAGE_REGISTRY_IMAGE"),
		Cache:    os.Getenv("PACKAGE_STORAGE_CACHE"),
		Dist:     os.Getenv("DIST"),
		With:     os.Getenv("WITH"),
		Image:    os.Getenv("IMAGE"),
		Reason:   strings.TrimSpace(os.Getenv("REASON")),
		// GitHub sets its own variables in a workflow.
		CodeHost: pipeline.CodeHost{
			API:         cmp.Or(os.Getenv("CODE_HOST_API"), os.Getenv("GITHUB_API_URL")),
			Token:       os.Getenv("CODE_HOST_TOKEN"),
			GitHubToken: os.Getenv("GITHUB_TOKEN"),
			Repository:  os.Getenv("CODE_HOST_REPOSITORY"),
		},
	}
	if !pipeline.Complete(config.Root) {
		config.Defaults = moduleFolder()
	}
	var err error
	if config.Compression, err = layer.ParseCompression(os.Getenv("COMPRESSION")); err != nil {
		return config, &requestError{"COMPRESSION: " + err.Error(), "leave it unset for zstd; gzip is for Docker before 23.0"}
	}
	if config.Platforms, err = platforms(os.Getenv("PLATFORMS")); err != nil {
		return config, err
	}
	if config.DryRun, err = flag("DRY_RUN"); err != nil {
		return config, err
	}
	if config.Published, err = published(config.Image); err != nil {
		return config, err
	}
	if config.Force, err = forced(config.Reason); err != nil {
		return config, err
	}
	if config.Patience, err = patient(os.Getenv("PACKAGE_STORAGE_PATIENCE")); err != nil {
		return config, err
	}
	if config.CacheLimit, err = limit(os.Getenv("PACKAGE_STORAGE_CACHE_LIMIT")); err != nil {
		return config, err
	}
	if config.Dist == "" {
		config.Dist = "dist"
	}
	if config.Cache == "" {
		if config.Cache, err = defaultCache(); err != nil {
			return config, err
		}
	}
	return config, nil
}

// moduleFolder is where Go keeps the pipeline when another module's magefile imports it; "" where Go does not know.
func moduleFolder() string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/seed-604f7181/package-storage").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func defaultCache() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", &requestError{"there is no folder for caches: " + err.Error(), "set PACKAGE_STORAGE_CACHE"}
	}
	return filepath.Join(user, "package-storage"), nil
}

// platforms reads "linux/amd64,linux/arm64/v8".
func platforms(list string) ([]v1.Platform, error) {
	if list == "" {
		return nil, nil
	}
	var parsed []v1.Platform
	for word := range strings.SplitSeq(list, ",") {
		p, err := v1.ParsePlatform(strings.TrimSpace(word))
		if err != nil || p.OS == "" || p.Architecture == "" {
			return nil, &requestError{fmt.Sprintf("PLATFORMS: %q is no platform", word), "write them like linux/amd64,linux/arm64"}
		}
		if p.Architecture == "arm64" && p.Variant == "v8" {
			p.Variant = "" // the same, and what most bases say (containerd's platforms normalizes so too)
		}
		parsed = append(parsed, *p)
	}
	// The order in which somebody writes them must not make another image.
	slices.SortFunc(parsed, func(a, b v1.Platform) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(parsed, func(a, b v1.Platform) bool { return a.Equals(b) }), nil
}

func flag(name string) (bool, error) {
	value := os.Getenv(name)
	if value == "" {
		return false, nil
	}
	switch strings.ToLower(value) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	set, err := strconv.ParseBool(value)
	if err != nil {
		return false, &requestError{fmt.Sprintf("%s: %q is neither yes nor no", name, value), "set it to 1, or leave it unset"}
	}
	return set, nil
}

// published is whether layers are taken from the published image: where it is said, and where IMAGE says which.
func published(image string) (bool, error) {
	if os.Getenv("PUBLISHED") == "" {
		return image != "", nil
	}
	return flag("PUBLISHED")
}

// forced is FORCE, which wants a REASON.
func forced(reason string) (bool, error) {
	force, err := flag("FORCE")
	if force && strings.TrimSpace(reason) == "" {
		return false, &requestError{"FORCE is set, and REASON is not", "say why: REASON=\"roll back to 1a2b3c4, since …\""}
	}
	return force, err
}

// patient reads for how long an image repository may stand still.
func patient(value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	patience, err := time.ParseDuration(value)
	if err != nil || patience <= 0 {
		return 0, &requestError{fmt.Sprintf("PACKAGE_STORAGE_PATIENCE: %q is no duration", value), "write it like 90s or 2m"}
	}
	return patience, nil
}

// limit reads the cache's bound, in bytes.
func limit(value string) (int64, error) {
	if value == "" {
		return 0, nil
	}
	bytes, err := strconv.ParseInt(value, 10, 64)
	if err != nil || bytes <= 0 {
		return 0, &requestError{fmt.Sprintf("PACKAGE_STORAGE_CACHE_LIMIT: %q is no number of bytes", value), "write it like 10000000000"}
	}
	return bytes, nil
}
