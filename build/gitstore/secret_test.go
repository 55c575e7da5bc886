package gitstore

import "testing"

// TestSecretsAreNotShown: a location is printed in messages, and a CI's log is read by many.
func TestSecretsAreNotShown(t *testing.T) {
	for location, want := range map[string]string{
		"https://github.com/elastic/x.git":     "https://github.com/elastic/x.git",
		"https://me:secret@example.org/x.git":  "https://example.org/x.git",
		"https://token@example.org:8443/x.git": "https://example.org:8443/x.git",
		"https://me:50%off@example.org/x.git":  "https://example.org/x.git", // git takes a % as it stands
		"https://me:p@ss@example.org/x.git":    "https://example.org/x.git",
		"https://me:secret@example.org":        "https://example.org",
		"git@github.com:elastic/x.git":         "git@github.com:elastic/x.git",
		"file:///srv/x@y.git":                  "file:///srv/x@y.git",
		"../x":                                 "../x",
	} {
		if got := withoutUser(location); got != want {
			t.Errorf("%s became %q, want %q", location, got, want)
		}
	}
}
