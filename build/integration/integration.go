// Package integration holds the word *package* of the design: name, version and the git id of the directory
// (`package` itself is a keyword, and what a storage holds are integration packages).
//
// What a package's files must look like is not known here.
package integration

import (
	"fmt"
	"regexp"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Name is a package's name, as the registry's routes accept it.
type Name string

// Version is a strict semantic version, as written: "8.0.0-rc1". Versions are equal where their text is.
type Version string

// Package is one package of a storage. Two with one Tree are the same bytes.
type Package struct {
	Name    Name
	Version Version
	Tree    object.ID
}

// Path is the package's folder below packages/, "<name>/<version>".
func (p Package) Path() string { return string(p.Name) + "/" + string(p.Version) }

// String is the package as people type it, "<name>-<version>".
func (p Package) String() string { return string(p.Name) + "-" + string(p.Version) }

// namePattern is what the registry's routes match; a package of another name is in the image and never found.
var namePattern = regexp.MustCompile(`^[a-z0-9_]+$`)

// ParseName accepts the names that a registry can serve.
func ParseName(s string) (Name, error) {
	if !namePattern.MatchString(s) {
		return "", fmt.Errorf("%q is no package name: a registry serves names of lower-case letters, digits and _ only", s)
	}
	return Name(s), nil
}

// versionPattern is the grammar of semver.org 2.0.0, without a leading v.
var versionPattern = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
	`(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)

// ParseVersion accepts strict semantic versions only: a registry skips any other folder with a mere warning.
func ParseVersion(s string) (Version, error) {
	if !versionPattern.MatchString(s) {
		return "", fmt.Errorf("%q is no strict semantic version (major.minor.patch, optionally -prerelease and +build)", s)
	}
	return Version(s), nil
}
