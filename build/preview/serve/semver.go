package serve

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// versionPattern is the grammar that semver.org 2.0.0 proposes, without a leading v.
var versionPattern = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?` +
	`(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$`)

// version is a strict semantic version.
type version struct {
	text       string
	core       []string // major, minor, patch
	prerelease []string // empty for a release
}

func parseVersion(text string) (version, bool) {
	groups := versionPattern.FindStringSubmatch(text)
	if groups == nil {
		return version{}, false
	}
	v := version{text: text, core: groups[1:4]}
	if groups[4] != "" {
		v.prerelease = strings.Split(groups[4], ".")
	}
	return v, true
}

// compare orders by precedence, semver.org section 11. Build metadata has none, but a listing needs one order: by text.
func (v version) compare(w version) int {
	if c := slices.CompareFunc(v.core, w.core, compareNumbers); c != 0 {
		return c
	}
	switch {
	case len(v.prerelease) == 0 && len(w.prerelease) > 0:
		return 1
	case len(v.prerelease) > 0 && len(w.prerelease) == 0:
		return -1
	}
	if c := slices.CompareFunc(v.prerelease, w.prerelease, compareIdentifiers); c != 0 {
		return c
	}
	return strings.Compare(v.text, w.text)
}

func compareIdentifiers(a, b string) int {
	switch numericA, numericB := isNumber(a), isNumber(b); {
	case numericA && numericB:
		return compareNumbers(a, b)
	case numericA:
		return -1
	case numericB:
		return 1
	}
	return strings.Compare(a, b)
}

// compareNumbers needs no integers: the grammar has no leading zeros, and the numbers no limit.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
