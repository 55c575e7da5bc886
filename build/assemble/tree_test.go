package assemble_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/integration"
)

// chain is one of three, in which apm 1.0.0 is everywhere, and nginx 1.0.0 promoted but not yet removed.
func chain() []assemble.Branch {
	return []assemble.Branch{
		branch("production", "apm/1.0.0=a", "nginx/1.0.0=n", "zoo/1.0.0=z"),
		branch("staging", "apm/1.0.0=a", "apm/1.1.0=a1", "nginx/1.0.0=changed"),
		branch("snapshot", "apm/1.0.0=other", "apm/1.1.0=a1", "apm/2.0.0=a2", "zoo/1.0.0=z"),
	}
}

// lines are the packages of a tree, "path branch".
func lines(tree assemble.Tree) (placed, shadowed []string) {
	for _, p := range tree.Packages {
		placed = append(placed, fmt.Sprintf("%s %s %s", p.Path(), tree.Branches[p.Branch].Name, p.Tree.Short()))
	}
	for _, s := range tree.Shadowed {
		shadowed = append(shadowed, fmt.Sprintf("%s %s by %s differs=%v %s", s.Path(), tree.Branches[s.Branch].Name,
			tree.Branches[s.By].Name, s.Differs(), s.ByTree.Short()))
	}
	return placed, shadowed
}

func TestTheMostUpstreamCopyWins(t *testing.T) {
	placed, shadowed := lines(assemble.Assemble(chain()))
	id := func(content string) string { return hash("tree", content).Short() }
	same(t, "packages", placed, []string{
		"apm/1.0.0 production " + id("a"),
		"apm/1.1.0 staging " + id("a1"),
		"apm/2.0.0 snapshot " + id("a2"),
		"nginx/1.0.0 production " + id("n"),
		"zoo/1.0.0 production " + id("z"),
	})
	// Of three copies, both that lost are shadowed by the one that won, not by each other.
	same(t, "shadowed", shadowed, []string{
		"apm/1.0.0 staging by production differs=false " + id("a"),
		"apm/1.0.0 snapshot by production differs=true " + id("a"),
		"apm/1.1.0 snapshot by staging differs=false " + id("a1"),
		"nginx/1.0.0 staging by production differs=true " + id("n"),
		"zoo/1.0.0 snapshot by production differs=false " + id("z"),
	})
}

func TestFrom(t *testing.T) {
	tree := assemble.Assemble(chain())
	for i, want := range [][]string{{"apm-1.0.0", "nginx-1.0.0", "zoo-1.0.0"}, {"apm-1.1.0"}, {"apm-2.0.0"}} {
		var got []string
		for _, p := range tree.From(i) {
			got = append(got, p.String())
		}
		same(t, tree.Branches[i].Name, got, want)
	}
}

// TestDownstreamChangesNothingUpstream: an image's lower layers are the same in every distribution that includes them.
func TestDownstreamChangesNothingUpstream(t *testing.T) {
	all := assemble.Assemble(chain())
	for upTo := 1; upTo <= 3; upTo++ {
		tree := assemble.Assemble(chain()[:upTo])
		for i := range upTo {
			same(t, fmt.Sprintf("branch %d of %d", i, upTo), tree.From(i), all.From(i))
		}
	}
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var branches []assemble.Branch
		for _, name := range []string{"production", "staging", "snapshot"} {
			var packages []string
			for range 40 {
				p := fmt.Sprintf("p%d/%d.0.0", random.IntN(10), random.IntN(5))
				if !slices.ContainsFunc(packages, func(known string) bool { return known[:len(p)+1] == p+"=" }) {
					packages = append(packages, fmt.Sprintf("%s=%d", p, random.IntN(2)))
				}
			}
			branches = append(branches, branch(name, packages...))
		}
		want := assemble.Assemble(branches)
		if len(want.Packages)+len(want.Shadowed) != branches[0].Packages()+branches[1].Packages()+branches[2].Packages() {
			t.Fatalf("seed %d: %d packages and %d shadowed", seed, len(want.Packages), len(want.Shadowed))
		}
		for i := range branches {
			b := &branches[i]
			b.Families = slices.Clone(b.Families)
			random.Shuffle(len(b.Families), func(i, j int) { b.Families[i], b.Families[j] = b.Families[j], b.Families[i] })
			for f := range b.Families {
				p := slices.Clone(b.Families[f].Packages)
				random.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
				b.Families[f].Packages = p
			}
		}
		got := assemble.Assemble(branches)
		same(t, fmt.Sprintf("seed %d", seed), got.Listing("d"), want.Listing("d"))
		if t.Failed() {
			return
		}
	}
}

func TestAssembleNothing(t *testing.T) {
	tree := assemble.Assemble([]assemble.Branch{branch("production")})
	if len(tree.Packages) != 0 || len(tree.Shadowed) != 0 || len(tree.From(0)) != 0 {
		t.Errorf("%+v", tree)
	}
}

func TestOverlay(t *testing.T) {
	under := branch("staging", "apm/1.0.0=a", "apm/1.1.0=b", "zoo/1.0.0=z")
	over := branch("WITH", "zoo/0.9.0=z9", "apm/1.1.0=mine", "apm/1.0.1=c", "beats/1.0.0=new")
	under.Ignored = []assemble.Finding{{Path: "packages/x"}}
	over.Ignored = []assemble.Finding{{Path: "packages/y"}}
	before := indented(t, under)
	got, laid := assemble.Overlay(under, over)
	want := branch("staging", "apm/1.0.0=a", "apm/1.0.1=c", "apm/1.1.0=mine", "beats/1.0.0=new", "zoo/0.9.0=z9", "zoo/1.0.0=z")
	want.Ignored = []assemble.Finding{{Path: "packages/x"}, {Path: "packages/y"}}
	same(t, "families", got.Families, want.Families)
	same(t, "ignored", got.Ignored, want.Ignored)
	if got.Name != "staging" || got.Commit != under.Commit {
		t.Errorf("the branch became %+v", got)
	}
	for _, f := range got.Families {
		for _, p := range f.Packages {
			where := "staging"
			if slices.Contains(laid, p) {
				where = "WITH"
			}
			if got.Where(p.Path()) != where || under.Where(p.Path()) != "staging" {
				t.Errorf("%s is from %s, want %s", p, got.Where(p.Path()), where)
			}
		}
	}
	var names []string
	for _, p := range laid {
		names = append(names, p.String())
	}
	slices.Sort(names)
	same(t, "laid over", names, []string{"apm-1.0.1", "apm-1.1.0", "beats-1.0.0", "zoo-0.9.0"})
	if after := indented(t, under); after != before {
		t.Errorf("the branch below was changed:\n%s", after)
	}
}

func TestOverlayOfNothing(t *testing.T) {
	under := branch("staging", "apm/1.0.0=a")
	got, laid := assemble.Overlay(under, branch("WITH"))
	same(t, "overlay", got.Families, under.Families)
	if len(laid) != 0 {
		t.Errorf("laid over: %v", laid)
	}
}

// TestListingOfTheTree pins packages.json: people and tools read it.
func TestListingOfTheTree(t *testing.T) {
	branches := []assemble.Branch{branch("production", "apm/1.0.0=a"), branch("staging", "apm/1.0.0=b", "zoo/1.0.0=z")}
	branches[1].Ignored = []assemble.Finding{{Branch: "staging", Path: "packages/NOTES", Problem: "a file", WayOut: "remove it"}}
	const want = `{
  "distribution": "staging",
  "branches": [
    {
      "branch": "production",
      "commit": "<commit of production>",
      "packages": 1
    },
    {
      "branch": "staging",
      "commit": "<commit of staging>",
      "packages": 1
    }
  ],
  "packages": [
    {
      "name": "apm",
      "version": "1.0.0",
      "branch": "production",
      "tree": "<a>"
    },
    {
      "name": "zoo",
      "version": "1.0.0",
      "branch": "staging",
      "tree": "<z>"
    }
  ],
  "shadowed": [
    {
      "name": "apm",
      "version": "1.0.0",
      "branch": "staging",
      "tree": "<b>",
      "shadowedBy": "production",
      "sameBytes": false
    }
  ],
  "ignored": [
    {
      "branch": "staging",
      "path": "packages/NOTES",
      "problem": "a file",
      "wayOut": "remove it"
    }
  ]
}`
	readable := strings.NewReplacer(
		string(hash("commit", "production")), "<commit of production>", string(hash("commit", "staging")), "<commit of staging>",
		string(hash("tree", "a")), "<a>", string(hash("tree", "b")), "<b>", string(hash("tree", "z")), "<z>")
	if got := readable.Replace(indented(t, assemble.Assemble(branches).Listing("staging"))); got != want {
		t.Errorf("packages.json is\n%s\nwant\n%s", got, want)
	}
}

// TestListsAreListsWhereTheyAreEmpty: null would break who reads packages.json.
func TestListsAreListsWhereTheyAreEmpty(t *testing.T) {
	got := indented(t, assemble.Assemble([]assemble.Branch{branch("production")}).Listing("production"))
	for _, want := range []string{`"packages": []`, `"shadowed": []`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "ignored") {
		t.Errorf("nothing was ignored:\n%s", got)
	}
}

func TestPackagesCounts(t *testing.T) {
	b := assemble.Branch{Families: []assemble.Family{
		{Packages: make([]integration.Package, 2)}, {}, {Packages: make([]integration.Package, 3)},
	}}
	if got := b.Packages(); got != 5 {
		t.Errorf("%d packages", got)
	}
}
