package assemble_test

import (
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/integration"
)

// TestVersionsOfTwoBranchesThatDifferInCase: neither branch is wrong alone, but on macOS one would overwrite the other.
func TestVersionsOfTwoBranchesThatDifferInCase(t *testing.T) {
	family := func(version integration.Version) []assemble.Family {
		return []assemble.Family{{Name: "apm", Packages: []integration.Package{{Name: "apm", Version: version, Tree: "1"}}}}
	}
	tree := assemble.Assemble([]assemble.Branch{{Name: "production", Families: family("8.0.0-RC1")}, {Name: "staging", Families: family("8.0.0-rc1")}})
	findings := tree.Check()
	if len(findings) != 1 || !strings.Contains(findings[0].String(), "staging:packages/apm/8.0.0-rc1: differs only in case from production:packages/apm/8.0.0-RC1") {
		t.Errorf("%v", findings)
	}
	if found := assemble.Assemble([]assemble.Branch{{Name: "production", Families: family("8.0.0")}}).Check(); len(found) != 0 {
		t.Errorf("%v", found)
	}
}
