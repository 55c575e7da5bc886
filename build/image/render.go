package image

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// TemplateData is what Dockerfile.tmpl may refer to, by these names.
type TemplateData struct {
	// Distribution and Branch are names; Title is for people.
	Distribution, Branch, Title string
	// Base is the image repository of the registry's image, without a tag. BaseDigest is the digest of its index,
	// "sha256:…", or "" where it is not known.
	Base, BaseDigest string
	// PackageRegistry is the registry version: the tag of the base.
	PackageRegistry string
	Commit          object.ID
	// Created is the commit's time.
	Created time.Time
	// Source is the URL of the storage, or "".
	Source    string
	Upstreams []Upstream
	// RequireSignatures says that packages come with signatures. Registries from 1.38 on refuse packages without, so
	// that false must be told to them.
	RequireSignatures bool
	// Uncommitted names packages ("apm-8.0.0") that were laid over the branch's; normally there are none.
	Uncommitted []string
}

// Upstream is one of the branches that the tree was assembled of, beside the distribution's own.
type Upstream struct {
	Distribution, Branch string
	Commit               object.ID
}

// Render executes a Dockerfile template (text/template). Beside the fields of data, templates have the functions
//
//	quote    a string as a quoted word of a Dockerfile: nothing in it is expanded or ends the word
//	bare     a string as it is, if it is safe without quotes: letters, digits and any of . _ - / : @ + ~
//	rfc3339  a time, in UTC
//	join     strings joined by commas
//
// A field that does not exist, and a value that a Dockerfile cannot hold, are errors that name the template's line.
func Render(tmpl string, data TemplateData) ([]byte, error) {
	t, err := template.New("Dockerfile.tmpl").Option("missingkey=error").Funcs(template.FuncMap{
		"quote":   quote,
		"bare":    bare,
		"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"join":    func(words []string) string { return strings.Join(words, ",") },
	}).Parse(tmpl)
	if err != nil {
		return nil, errors.Wrap(err, "read the Dockerfile template")
	}
	var rendered bytes.Buffer
	if err := t.Execute(&rendered, data); err != nil {
		return nil, errors.Wrap(err, "render the Dockerfile template")
	}
	return rendered.Bytes(), nil
}

// quote makes a word that Docker's parser reads back as s. Line breaks have no form at all inside a Dockerfile's word;
// other control characters are read differently by the builders.
func quote(value any) (string, error) {
	s := fmt.Sprint(value)
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%q is not UTF-8, and a Dockerfile can't hold it", s)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("%q holds a line break or another control character, and a Dockerfile can't; take it out", s)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`, nil
}

// bare is for the places where Docker knows no quotes, such as FROM.
func bare(value any) (string, error) {
	s := fmt.Sprint(value)
	if s == "" {
		return "", fmt.Errorf("a value is empty where the Dockerfile needs one")
	}
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-/:@+~", r)
	}
	if strings.ContainsFunc(s, strange) {
		return "", fmt.Errorf("%q can't stand in a Dockerfile without quotes: letters, digits and ._-/:@+~ only", s)
	}
	return s, nil
}
