package codehost_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-604f7181/package-storage/build/codehost"
)

func TestRepositoryOf(t *testing.T) {
	for remote, want := range map[string]string{
		"git@github.com:o/n.git":                       "github.com o/n",
		"github.com:o/n":                               "github.com o/n",
		"git@github.com:/o/n.git":                      "github.com o/n",
		"https://github.com/o/n":                       "github.com o/n",
		"https://github.com/o/n.git/":                  "github.com o/n",
		"https://GitHub.com/O/N.js.git":                "github.com O/N.js",
		"https://user:ghp_x@github.com/o/n.git":        "github.com o/n",
		"https://x-access-token:ghs_x@ghe.example/o/n": "ghe.example o/n",
		"https://ghe.example:8443/o/n":                 "ghe.example:8443 o/n",
		"ssh://git@ghe.example/o/n.git":                "ghe.example o/n",
		"ssh://git@ghe.example:2222/o/n.git":           "ghe.example o/n",
		"ssh://git@ssh.github.com:443/o/n.git":         "github.com o/n",
		"https://www.github.com/o/n":                   "github.com o/n",
		"git://github.com/o/n.git":                     "github.com o/n",
		"":                                             "",
		"/srv/git/o/n.git":                             "",
		"../o/n":                                       "",
		"./a:b/c":                                      "",
		`C:\o\n`:                                       "",
		"C:/o/n":                                       "",
		"file:///srv/o/n.git":                          "",
		"https://github.com/o":                         "",
		"https://github.com/o/n/tree/main":             "",
		"https://github.com/o/..":                      "",
		"https://github.com/o/.git":                    "",
		"git@github.com:o/n?x":                         "",
		"https:///o/n":                                 "",
		"ext::sh -c o/n":                               "",
	} {
		host, repository, ok := codehost.RepositoryOf(remote)
		if got := strings.TrimSpace(host + " " + repository); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", remote, got, ok, want)
		}
	}
}

func TestAPIOf(t *testing.T) {
	for host, want := range map[string]string{
		"github.com": "https://api.github.com", "octo.ghe.com": "https://api.octo.ghe.com", "ghe.example:8443": "https://ghe.example:8443/api/v3",
	} {
		if got := codehost.APIOf(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestCompareURL(t *testing.T) {
	got := codehost.CompareURL("github.com", "o/n", "main", "promote/a#1", "A & b+c", "one\ntwo?")
	want := "https://github.com/o/n/compare/main...promote/a%231?quick_pull=1&title=A%20%26%20b%2Bc&body=one%0Atwo%3F"
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	if got := codehost.CompareURL("h", "o/n", "a", "b", "", ""); got != "https://h/o/n/compare/a...b?quick_pull=1" {
		t.Error(got)
	}
	branch := strings.Repeat("é", 120)
	for _, body := range []string{strings.Repeat("x", 9000), strings.Repeat("—\n", 4000), strings.Repeat("😀", 3000), "\xff" + strings.Repeat("é", 9000)} {
		long := codehost.CompareURL("github.com", "o/n", branch, branch, strings.Repeat("😀", 300), body)
		u, err := url.Parse(long)
		if err != nil || len(long) >= 8000 || len(long) < 7970 {
			t.Fatalf("%d bytes, %v", len(long), err)
		}
		title, text := u.Query().Get("title"), u.Query().Get("body")
		if utf8.RuneCountInString(title) != codehost.MaxTitle || !strings.HasSuffix(title, "…") {
			t.Errorf("title %q", title)
		}
		if whole := strings.ToValidUTF8(body, "\uFFFD"); !strings.HasSuffix(text, "…") || !strings.HasPrefix(whole, strings.TrimSuffix(text, "…")) {
			t.Errorf("body %q", text)
		}
	}
	if huge := codehost.CompareURL("h", "o/n", strings.Repeat("b", 9000), "c", "title", "body"); strings.Contains(huge, "title") {
		t.Error("there was no room for a title")
	}
}
