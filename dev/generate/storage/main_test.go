package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakesAStorageAndSaysWhatIsInIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "storage.git")
	var out, problems bytes.Buffer
	args := []string{"-to", dir, "-shape", "tiny", "-scale", "0.0002", "-seed", "7"}
	if code := run(t.Context(), args, &out, &problems); code != 0 || problems.Len() > 0 {
		t.Fatalf("%d: %s", code, problems.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%s", out.String())
	}
	if head := strings.Fields(lines[0]); strings.Join(head, " ") != "branch commits packages files bytes head" {
		t.Errorf("%v", head)
	}
	if words := strings.Fields(lines[1]); strings.Join(words[:4], " ") != "production 1 10 30" || len(words[5]) != 40 {
		t.Errorf("%v", words)
	}
	problems.Reset()
	if code := run(t.Context(), args, &out, &problems); code != 1 || !strings.Contains(problems.String(), "not empty") {
		t.Errorf("into the same folder: %d: %s", code, problems.String())
	}
}

func TestWrongCommandLines(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "storage.git")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "-to"},
		{[]string{"-to", dir, "more"}, 2, "arguments"},
		{[]string{"-to", dir, "-shape", "round"}, 2, "history, huge, same, tiny, unique, versions"},
		{[]string{"-to", dir, "-scale", "0"}, 2, "-scale"},
		{[]string{"-to", dir, "-scale", "-1"}, 2, "-scale"},
		{[]string{"-to", dir, "-scale", "NaN"}, 2, "-scale"},
		{[]string{"-to", dir, "-scale", "ten"}, 2, "-scale"},
		{[]string{"-to", dir, "-seed", "-1"}, 2, "-seed"},
		{[]string{"-to", dir, "-size", "1"}, 2, "-size"},
		{[]string{"-h"}, 0, "huge"},
	} {
		var out, problems bytes.Buffer
		if code := run(t.Context(), c.args, &out, &problems); code != c.code || !strings.Contains(problems.String(), c.says) || out.Len() > 0 {
			t.Errorf("%v: %d: %s", c.args, code, problems.String())
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was made")
	}
}
