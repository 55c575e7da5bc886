package promote_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestTombstones(t *testing.T) {
	stone := promote.Tombstone{Package: "apm-1.0.0", Tree: "0123", Removed: now, Reason: "it broke: \"all\"\nof it"}
	first, err := promote.EditTombstones(nil, []promote.Tombstone{stone}, nil)
	if err != nil {
		t.Fatal(err)
	}
	edited := []byte(strings.Replace(string(first), "  - package", "  # ask us first\n  - package", 1))
	if string(edited) == string(first) {
		t.Fatalf("%s", first)
	}
	other := promote.Tombstone{Package: "nginx-1.0.0", Tree: "4567", Removed: now, Reason: "so"}
	second, err := promote.EditTombstones(edited, []promote.Tombstone{other, other}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(second), "# ask us first") {
		t.Errorf("what somebody wrote is gone:\n%s", second)
	}
	if got, err := promote.ReadTombstones(second); err != nil || !slices.Equal(got, []promote.Tombstone{stone, other, other}) && !slices.Equal(got, []promote.Tombstone{stone, other}) {
		t.Errorf("%v, %v", got, err)
	}
	third, err := promote.EditTombstones(second, nil, []string{"nginx-1.0.0", "none-1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := promote.ReadTombstones(third); err != nil || !slices.Equal(got, []promote.Tombstone{stone}) {
		t.Errorf("%v, %v", got, err)
	}
	if last, err := promote.EditTombstones(third, nil, []string{"apm-1.0.0"}); err != nil || last != nil {
		t.Errorf("%s, %v", last, err)
	}
	for _, content := range []string{"[]", "tombstones: x", "tombstones:\n- packet: apm-1.0.0\n", "tombstones:\n- tree: 0123\n", "\t"} {
		if _, err := promote.EditTombstones([]byte(content), []promote.Tombstone{stone}, nil); err == nil && content != "\t" {
			t.Errorf("%q was edited", content)
		}
	}
}
