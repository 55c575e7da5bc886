package integration_test

import (
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/integration"
)

func TestNames(t *testing.T) {
	for _, good := range []string{"apm", "o365", "aws_logs", "1password", "_", "0"} {
		if name, err := integration.ParseName(good); err != nil || string(name) != good {
			t.Errorf("%q: %q, %v", good, name, err)
		}
	}
	for _, bad := range []string{"", "Apm", "aws-logs", "aws.logs", "a b", " apm", "apm ", "apm\n", "a/b", "..", "é", "apm\x00"} {
		if name, err := integration.ParseName(bad); err == nil || name != "" {
			t.Errorf("%q was taken for a name", bad)
		}
	}
}

// valid is what the grammar of semver.org 2.0.0 allows, a line for each of its rules.
var valid = []string{
	"0.0.0", "0.0.4", "1.2.3", "10.20.30", "99999999999999999999.88888888888888888888.77777777777777777777",
	"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta.1", "1.0.0-0.3.7", "1.0.0-x.7.z.92", "1.0.0-0", "1.0.0-rc1",
	"1.0.0-alpha0.valid", "1.0.0-alpha.0valid", "1.0.0-0A.is.legal", "1.0.0-00a", "1.0.0-0-0", "1.0.0--", "1.0.0----RC.12.9.1--.12",
	"8.2.0-SNAPSHOT", "1.2.3-DEV-SNAPSHOT", "1.2.3-SNAPSHOT-123",
	"1.0.0+meta", "1.0.0+0", "1.0.0+001", "1.0.0+build.1848", "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "1.0.0+-", "1.0.0+a-b",
	"1.1.2-prerelease+meta", "1.0.0-alpha-a.b-c-long+build.1-aef.1-its-okay", "1.0.0-rc.1+build.123", "1.0.0--+-",
}

// invalid breaks one rule each.
var invalid = []string{
	"", "1", "1.2", "1.2.3.4", "1.2.3.", ".1.2.3", "1..2", "1.2.", "a.b.c", "alpha", "1.2.x",
	"01.1.1", "1.01.1", "1.1.01", "00.0.0", "1.2.3-0123", "1.2.3-01", "1.2.3-00", "1.2.3-0123.0123", "1.2.3-a.01",
	"1.2.3-", "1.2.3-.", "1.2.3-.a", "1.2.3-a.", "1.2.3-a..b", "1.2.3-a_b", "1.2.3-ä", "1.2.3-a b",
	"1.2.3+", "1.2.3+.", "1.2.3+a..b", "1.2.3+a.", "1.2.3+a+b", "1.2.3+a_b", "1.2.3-+a", "1.2.3-a+", "1.2.3++",
	"v1.2.3", "V1.2.3", "=1.2.3", "+1.2.3", "-1.2.3", "1.-2.3", "1.2.-3",
	" 1.2.3", "1.2.3 ", "1.2.3\n", "\n1.2.3", "1.2.3\x00", "1.2.3/", "1.2.3-a/b", "1 .2.3", "1,2,3", "１.2.3", "٣.2.1",
	"1.2-SNAPSHOT", "1.2.31.2.3----RC..12+788", "latest", "^1.2.3", "1.2.*",
	"7.17-dev1", // left out of a published image without a word
}

func TestVersions(t *testing.T) {
	for _, good := range valid {
		if version, err := integration.ParseVersion(good); err != nil || string(version) != good {
			t.Errorf("%q: %q, %v", good, version, err)
		}
	}
	for _, bad := range invalid {
		if version, err := integration.ParseVersion(bad); err == nil || version != "" {
			t.Errorf("%q was taken for a version", bad)
		}
	}
}

func TestErrorsShowWhatWasGiven(t *testing.T) {
	if _, err := integration.ParseName("a\x1b[31m"); err == nil || !strings.Contains(err.Error(), `"a\x1b[31m"`) {
		t.Errorf("the error of a name is %v", err)
	}
	if _, err := integration.ParseVersion("7.17-dev1"); err == nil || !strings.Contains(err.Error(), `"7.17-dev1"`) {
		t.Errorf("the error of a version is %v", err)
	}
}

func TestPathAndString(t *testing.T) {
	p := integration.Package{Name: "aws_logs", Version: "1.0.0-rc.1+b", Tree: "0123"}
	if got, want := p.Path(), "aws_logs/1.0.0-rc.1+b"; got != want {
		t.Errorf("Path is %q, want %q", got, want)
	}
	if got, want := p.String(), "aws_logs-1.0.0-rc.1+b"; got != want {
		t.Errorf("String is %q, want %q", got, want)
	}
}
