package object_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/object"
)

func TestParse(t *testing.T) {
	sha1ID, sha256ID := strings.Repeat("0123456789abcdef", 3)[:40], strings.Repeat("0123456789abcdef", 4)
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"sha-1":               {sha1ID, true},
		"sha-256":             {sha256ID, true},
		"no object":           {strings.Repeat("0", 40), true},
		"empty":               {"", false},
		"abbreviated":         {sha1ID[:12], false},
		"39 digits":           {sha1ID[1:], false},
		"41 digits":           {sha1ID + "0", false},
		"63 digits":           {sha256ID[1:], false},
		"65 digits":           {sha256ID + "0", false},
		"upper case":          {strings.ToUpper(sha1ID), false},
		"g":                   {sha1ID[:39] + "g", false},
		"slash, before 0":     {sha1ID[:39] + "/", false},
		"colon, after 9":      {sha1ID[:39] + ":", false},
		"newline at the end":  {sha1ID[:39] + "\n", false},
		"space in the middle": {sha1ID[:20] + " " + sha1ID[21:], false},
		"digits of 2 bytes":   {strings.Repeat("é", 20), false},
	} {
		id, err := object.Parse(c.text)
		if c.good && (err != nil || string(id) != c.text) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
		if !c.good && (err == nil || id != "") {
			t.Errorf("%s: %q was taken for an id", name, c.text)
		}
	}
}

func TestParseSaysWhatItWasGiven(t *testing.T) {
	if _, err := object.Parse("HEAD"); err == nil || !strings.Contains(err.Error(), `"HEAD"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestFromRawIsParsedAgain(t *testing.T) {
	for _, size := range []int{20, 32} {
		raw := make([]byte, size)
		for i := range raw {
			raw[i] = byte(i * 13)
		}
		id := object.FromRaw(raw)
		if parsed, err := object.Parse(string(id)); err != nil || parsed != id {
			t.Errorf("%d bytes: %q, %v", size, parsed, err)
		}
		if back, err := hex.DecodeString(string(id)); err != nil || string(back) != string(raw) {
			t.Errorf("%d bytes became %s", size, id)
		}
	}
}

func TestShort(t *testing.T) {
	for id, want := range map[object.ID]string{
		"":             "",
		"abc":          "abc",
		"0123456789ab": "0123456789ab",
		"0123456789abcdef0123456789abcdef01234567": "0123456789ab",
	} {
		if got := id.Short(); got != want {
			t.Errorf("Short of %q is %q, want %q", id, got, want)
		}
	}
}

func TestLostErrorSaysWhy(t *testing.T) {
	id := object.ID(strings.Repeat("ab", 20))
	for want, err := range map[string]*object.LostError{
		"object " + string(id) + " is missing from the repository": {ID: id},
		"object " + string(id) + " is a tree, not a blob":          {ID: id, Kind: "tree", Want: "blob"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

// TestEmptyBlob: the ids are what git computes, the hash of the object's header.
func TestEmptyBlob(t *testing.T) {
	old, long := sha1.Sum([]byte("blob 0\x00")), sha256.Sum256([]byte("blob 0\x00"))
	if got := object.EmptyBlob(object.FromRaw(make([]byte, 20))); got != object.FromRaw(old[:]) {
		t.Errorf("sha-1: %s", got)
	}
	if got := object.EmptyBlob(object.FromRaw(make([]byte, 32))); got != object.FromRaw(long[:]) {
		t.Errorf("sha-256: %s", got)
	}
}
