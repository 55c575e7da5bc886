package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// largestFile is the largest file in a huge package, in bytes: hosts of git repositories warn from 50 MB on.
const largestFile = 40_000_000

// hugeFolders are where a huge package's files are, at different depths.
var hugeFolders = []string{"img", "data/models", "data/samples/large", "kibana/assets"}

// Huge makes a storage with one package of so many bytes: a few dozen files or more of random bytes, none above
// 40,000,000 bytes, in folders of different depths. A package has some 1,000 bytes at least.
func Huge(ctx context.Context, o Options, bytes int64) ([]Branch, error) {
	// What can't be made smaller need not be tried: that would take most of the time.
	return generate(ctx, o, packing{}, func(im *importer) {
		random := rand.New(rand.NewPCG(o.Seed, 2))
		im.begun()
		p := newPackage(im, o.Seed, 0, 0)
		rest := bytes - im.bytes
		if rest < 0 {
			im.refuse(fmt.Errorf("a package of %d bytes: it takes %d at least", bytes, im.bytes))
			return
		}
		largest := min(largestFile, bytes/24+1)
		for i := 0; rest > 0 && !im.ended(); i++ {
			size := min(rest, largest/2+random.Int64N(largest/2+1))
			p.put(fmt.Sprintf("%s/part_%04d.bin", hugeFolders[i%len(hugeFolders)], i), im.random(mix(p.seed, uint64(i)), size))
			rest -= size
		}
		p.end()
		im.commit("Add one package")
	})
}

// Tiny makes a storage of so many families, each of one package of some 1,000 bytes in the three files that there must
// be.
func Tiny(ctx context.Context, o Options, packages int) ([]Branch, error) {
	return generate(ctx, o, packed, func(im *importer) {
		im.begun()
		for i := 0; i < packages && !im.ended(); i++ {
			newPackage(im, o.Seed, i, 0).end()
		}
		im.commit(fmt.Sprintf("Add %d packages", packages))
	})
}

// oneFamily is the profile of the family that Versions makes.
var oneFamily = profile{streams: 3, agents: 1, samples: 3, pipelines: 2, templates: 3, visualizations: 8, dashboards: 1,
	searches: 2, readmeKB: 8, ecsKB: 2, fieldsKB: 2, dashboardKB: 3}

// Versions makes a storage of one family with so many versions of some 35 files, added a few in each commit. A version
// shares all files with the one before it but its manifest, its changelog and one to three others.
func Versions(ctx context.Context, o Options, versions, inCommit int) ([]Branch, error) {
	return generate(ctx, o, packing{compression: 1, deltas: 50}, func(im *importer) {
		im.begun()
		f := newFamily(im, o.Seed, 0, oneFamily)
		for first := 0; first < versions; first += inCommit {
			for range min(inCommit, versions-first) {
				if im.ended() {
					return
				}
				f.addVersionWith(f.touch)
			}
			im.commit("Add versions up to " + f.about.name + "-" + f.about.version)
		}
	})
}

// touch changes the manifest, the changelog and one to three files.
func (f *family) touch(revision uint64) map[*file]bool {
	changed := map[*file]bool{f.files[0]: true}
	for range 1 + f.random.IntN(3) {
		changed[f.files[2+f.random.IntN(len(f.files)-2)]] = true // manifest and changelog are first
	}
	for _, file := range f.files {
		if changed[file] {
			file.change(f.lines(), false, revision)
		}
	}
	return changed
}

// inFamily are the versions of each family that Same and Unique make.
const inFamily = 10

// Same makes a storage of so many packages, ten in a family, each with so many files that are all the same blob of some
// 4,000 bytes, under names that no other package has. The three files that there must be come on top.
func Same(ctx context.Context, o Options, packages, files int) ([]Branch, error) {
	return generate(ctx, o, packed, func(im *importer) {
		im.begun()
		d := document{kind: icon, seed: o.Seed, size: 4000}
		content := im.blob(d.write(nil, subject{}))
		for i := 0; i < packages && !im.ended(); i++ {
			p := newPackage(im, o.Seed, i/inFamily, i%inFamily)
			for j := range files {
				p.put(fmt.Sprintf("img/picture_%d_%d.svg", i, j), content)
			}
			p.end()
		}
		im.commit(fmt.Sprintf("Add %d packages", packages))
	})
}

// Unique makes a storage of so many packages, ten in a family, each with so many files of 1,000 to 16,000 bytes of text.
// No two files are equal, nor are the three files that there must be and that come on top.
func Unique(ctx context.Context, o Options, packages, files int) ([]Branch, error) {
	return generate(ctx, o, packed, func(im *importer) {
		random := rand.New(rand.NewPCG(o.Seed, 3))
		im.begun()
		var text []byte
		for i := 0; i < packages && !im.ended(); i++ {
			p := newPackage(im, o.Seed, i/inFamily, i%inFamily)
			for j := range files {
				d := document{kind: otherDocs, seed: mix(p.seed, uint64(j)), size: 1000 + random.IntN(15_000)}
				about := p.about
				about.title = fmt.Sprintf("%s %s, part %d", about.title, about.version, j)
				text = d.write(text[:0], about)
				p.put(fmt.Sprintf("docs/part_%d.md", j), im.blob(text))
			}
			p.end()
		}
		im.commit(fmt.Sprintf("Add %d packages", packages))
	})
}
