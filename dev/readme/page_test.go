package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a code block of a page: shell lines, or a console in which commands start with "$ " and what follows is
// expected.
type block struct {
	console bool
	lines   []string
}

// command is what is typed at once, with the lines that the page shows below it.
type command struct {
	line     string
	expected []string
}

var fences = regexp.MustCompile("(?ms)^( *)```(console|sh)\n(.*?)^ *```$")

// blocks are those of a page, also in its lists.
func blocks(page string) []block {
	var found []block
	for _, match := range fences.FindAllStringSubmatch(page, -1) {
		b := block{console: match[2] == "console"}
		for line := range strings.Lines(match[3]) {
			b.lines = append(b.lines, strings.TrimSuffix(strings.TrimPrefix(line, match[1]), "\n"))
		}
		found = append(found, b)
	}
	return found
}

// commands are those of blocks, one a line.
func commands(all []block) []command {
	var found []command
	for _, b := range all {
		for _, line := range b.lines {
			if !b.console {
				found = append(found, command{line: line})
			} else if typed, isCommand := strings.CutPrefix(line, "$ "); isCommand {
				found = append(found, command{line: typed})
			} else {
				last := &found[len(found)-1]
				last.expected = append(last.expected, line)
			}
		}
	}
	return found
}

// wholeBlocks are commands, too, but the lines of a shell block are run together: there may be a loop among them.
func wholeBlocks(all []block) []command {
	var found []command
	for _, b := range all {
		if b.console {
			found = append(found, commands([]block{b})...)
		} else {
			found = append(found, command{line: strings.Join(b.lines, "\n")})
		}
	}
	return found
}

// section is what a page says under a heading of the second order.
func section(t *testing.T, path, heading string) string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", filepath.Base(path), heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// check runs a command and looks for the lines that the page shows, numbers aside.
func (c command) check(t *testing.T, s *shell) {
	t.Helper()
	out, err := s.run(c.line)
	failure := len(c.expected) > 0 && strings.HasPrefix(c.expected[0], "Error: ")
	if (err != nil) != failure {
		t.Fatalf("%v\n%s", err, out)
	}
	got := map[string]bool{}
	for line := range strings.Lines(out) {
		got[blurred(line)] = true
	}
	for _, line := range c.expected {
		if !got[blurred(line)] {
			t.Errorf("the page shows\n\t%s\nbut the command printed\n%s", line, out)
		}
	}
}

var (
	digests = regexp.MustCompile(`\b(sha256:)?[0-9a-f]{12,64}\b`)
	times   = regexp.MustCompile(`\b[0-9.]+ (s|kB|MB|B)\b`)
)

// blurred leaves out what differs from machine to machine and from change to change.
func blurred(line string) string {
	line = digests.ReplaceAllString(strings.TrimSpace(line), "#")
	return times.ReplaceAllString(line, "#")
}
