// Package distribution holds the table of distributions: which there are, on which branch each keeps its own packages,
// which it includes, and what is allowed on it. A distribution is not a branch: it spans one or more.
//
// The table is data (distributions.yml at the root of a project); reading the file is the pipeline's work.
package distribution

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Table is all that a project says of its distributions. Decode it with strict keys, then call Validate.
type Table struct {
	// Image is the image repository that distributions are pushed to, unless they have one of their own.
	Image string `yaml:"image"`
	// Source is the URL of the storage, for the images' labels; may be empty. The URL of a clone would be another on each
	// machine.
	Source string `yaml:"source"`
	// Base is the image repository of the registry's image, without a tag: its tag is the registry version.
	Base string `yaml:"base"`
	// Distributions is in the order of the file: downstream before upstream.
	Distributions []Distribution `yaml:"distributions"`
}

// Distribution is a named set of packages that is served as one.
type Distribution struct {
	Name string `yaml:"name"`
	// Branch is where the distribution's own packages live.
	Branch string `yaml:"branch"`
	// Upstream names the distribution that this one includes; empty where there is none.
	Upstream string `yaml:"upstream"`
	// URL is the host that serves it.
	URL string `yaml:"url"`
	// Frozen distributions never change; build:all leaves them out.
	Frozen bool `yaml:"frozen"`
	// Add says how a package gets there: "commit", "pull-request" or "never".
	Add string `yaml:"add"`
	// Overwrite and Remove say whether a published version may change or go: "yes", "reason" (with a reason),
	// "no"; Remove also "tombstone" (with a reason, leaving a tombstone).
	Overwrite string `yaml:"overwrite"`
	Remove    string `yaml:"remove"`
	// Soak is for how long a package must have been downstream before it is promoted here, as a duration ("48h"); empty for
	// no time at all.
	Soak string `yaml:"soak"`
	// StackVersions tells people for which versions of the stack it is meant.
	StackVersions string `yaml:"stack_versions"`
	// Registry is the registry's part of it.
	Registry Registry `yaml:"registry"`
	// Tag is the image tag that moves with it, Image the image repository that it is in; empty for the table's.
	Tag   string `yaml:"tag"`
	Image string `yaml:"image"`
	// Deployment is what serves it in a cluster.
	Deployment Deployment `yaml:"deployment"`
	// Cache is for how long clients may keep the registry's answers.
	Cache CacheTimes `yaml:"cache"`
}

// Registry says which registry versions a distribution may use.
type Registry struct {
	// Policy is "stable" (a stable release), "fixed" (a release or a commit, given by hand).
	Policy string `yaml:"policy"`
	// Version is used where the branch has no Dockerfile that names one; may be empty.
	Version string `yaml:"version"`
}

// Deployment names a Kubernetes deployment.
type Deployment struct {
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
}

// CacheTimes are durations as the registry's config writes them ("10s", "1m").
type CacheTimes struct {
	Search     string `yaml:"search"`
	Categories string `yaml:"categories"`
	All        string `yaml:"all"`
}

// UnknownError is returned by Lookup for a name that is not in the table.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no distribution %q; there are %s", e.Name, strings.Join(e.Known, ", "))
}

// Lookup finds a distribution by name. The error is an *UnknownError.
func (t Table) Lookup(name string) (Distribution, error) {
	for _, d := range t.Distributions {
		if d.Name == name {
			return d, nil
		}
	}
	known := make([]string, 0, len(t.Distributions))
	for _, d := range t.Distributions {
		known = append(known, d.Name)
	}
	return Distribution{}, &UnknownError{Name: name, Known: known}
}

// Chain is the distribution and all that it includes, the most upstream first: production, staging, snapshot.
func (t Table) Chain(name string) ([]Distribution, error) {
	var chain []Distribution
	for name != "" {
		d, err := t.Lookup(name)
		if err != nil {
			return nil, err
		}
		chain = append(chain, d)
		name = d.Upstream
	}
	slices.Reverse(chain)
	return chain, nil
}

// Live are the names of the distributions that are not frozen, upstream before downstream, so that what is built or
// pushed in this order finds its upstream done.
func (t Table) Live() []string {
	var names []string
	for _, d := range t.UpstreamFirst() {
		if !d.Frozen {
			names = append(names, d.Name)
		}
	}
	return names
}

// UpstreamFirst are all distributions, upstream before downstream.
func (t Table) UpstreamFirst() []Distribution {
	return slices.SortedStableFunc(slices.Values(t.Distributions), func(a, b Distribution) int { return t.depth(a) - t.depth(b) })
}

// Repository is the image repository that a distribution is pushed to.
func (t Table) Repository(d Distribution) string { return cmp.Or(d.Image, t.Image) }

func (t Table) depth(d Distribution) int {
	chain, err := t.Chain(d.Name)
	if err != nil {
		return 1
	}
	return len(chain)
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	// tagPattern is the tag grammar of the OCI distribution spec, "Pulling manifests".
	tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// ParseRegistryVersion accepts what can be the tag of a registry's image.
func ParseRegistryVersion(s string) (string, error) {
	if !tagPattern.MatchString(s) {
		return "", fmt.Errorf("registry version %q can't be an image tag: letters, digits, '_', '.' and '-' only, at most 128 of them", s)
	}
	return s, nil
}

// Validate says what is wrong with the table, naming the distribution and the key.
func (t Table) Validate() error {
	if len(t.Distributions) == 0 {
		return fmt.Errorf("no distributions")
	}
	seen := map[string]bool{}
	for _, d := range t.Distributions {
		switch {
		case !namePattern.MatchString(d.Name):
			return fmt.Errorf("distribution %q: a name is lower-case letters, digits, '-' and '_'", d.Name)
		case seen[d.Name]:
			return fmt.Errorf("distribution %q is there twice", d.Name)
		case d.Branch == "":
			return fmt.Errorf("distribution %q: branch is missing", d.Name)
		case !tagPattern.MatchString(d.Tag):
			return fmt.Errorf("distribution %q: tag %q is no image tag", d.Name, d.Tag)
		}
		seen[d.Name] = true
		if err := d.validatePolicy(); err != nil {
			return fmt.Errorf("distribution %q: %w", d.Name, err)
		}
	}
	return t.validateChains()
}

func (d Distribution) validatePolicy() error {
	for _, policy := range []struct {
		key, value string
		allowed    []string
	}{
		{"add", d.Add, []string{"commit", "pull-request", "never"}},
		{"overwrite", d.Overwrite, []string{"yes", "reason", "no"}},
		{"remove", d.Remove, []string{"yes", "reason", "tombstone", "no"}},
		{"registry.policy", d.Registry.Policy, []string{"stable", "fixed"}},
	} {
		if !slices.Contains(policy.allowed, policy.value) {
			return fmt.Errorf("%s: %q is none of %s", policy.key, policy.value, strings.Join(policy.allowed, ", "))
		}
	}
	for _, t := range []string{d.Cache.Search, d.Cache.Categories, d.Cache.All} {
		if _, err := time.ParseDuration(t); t != "" && err != nil {
			return fmt.Errorf("cache: %q is no duration like 10s or 1m", t)
		}
	}
	if soak, err := time.ParseDuration(d.Soak); d.Soak != "" && (err != nil || soak < 0) {
		return fmt.Errorf("soak: %q is no duration like 48h", d.Soak)
	}
	return nil
}

// Soaks is Soak; 0 where there is none.
func (d Distribution) Soaks() time.Duration {
	soak, _ := time.ParseDuration(d.Soak) // Validate has read it
	return soak
}

// validateChains finds upstreams that are not there, that go in a circle, and branches that are used twice.
func (t Table) validateChains() error {
	branches, tags := map[string]string{}, map[string]string{}
	for _, d := range t.Distributions {
		if other := branches[d.Branch]; other != "" {
			return fmt.Errorf("distributions %q and %q have the same branch, %s", other, d.Name, d.Branch)
		}
		if other := tags[d.Tag]; other != "" {
			return fmt.Errorf("distributions %q and %q have the same tag, %s", other, d.Name, d.Tag)
		}
		branches[d.Branch], tags[d.Tag] = d.Name, d.Name
		passed := map[string]bool{}
		for at := d; at.Upstream != ""; {
			if passed[at.Name] {
				return fmt.Errorf("distribution %q: its upstreams go in a circle", d.Name)
			}
			passed[at.Name] = true
			next, err := t.Lookup(at.Upstream)
			if err != nil {
				return fmt.Errorf("distribution %q: upstream: %w", at.Name, err)
			}
			at = next
		}
	}
	return nil
}
