package generate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// file is a file of a family's newest version.
type file struct {
	path     string // below the version's folder
	text     document
	stream   *stream // nil: it is in none
	size     int64   // of a picture, in bytes
	revision uint64  // of a picture: the version that it is from
	content  blob
}

// stream is a data stream.
type stream struct{ name, kind string }

// family writes the versions of a package, one after the other.
type family struct {
	im       *importer
	about    subject
	seed     uint64
	random   *rand.Rand
	profile  profile
	number   [3]int // major, minor and patch of the newest version; 0.0.0 before the first one
	versions []string
	files    []*file
	streams  int
	seeds    uint64 // of documents, so far
	agent    int    // which of the common agent.yml
	scratch  []byte
}

// categories are some that registries know.
var categories = []string{"web", "security", "network", "datastore", "monitoring", "containers", "message_queue", "cloud"}

// newFamily makes the n-th family of a storage.
func newFamily(im *importer, seed uint64, n int, p profile) *family {
	f := &family{im: im, seed: mix(seed, uint64(n)+1), profile: p}
	f.random = rand.New(rand.NewPCG(f.seed, 0))
	f.about.name = nameOf(n)
	f.about.title = titleOf(f.about.name)
	f.about.category = categories[f.random.IntN(len(categories))]
	if !f.chance(commonAgent) {
		f.agent = 1 + f.random.IntN(commonVariants)
	}
	f.number[0] = f.random.IntN(2) // 0: the first versions are no releases yet
	f.fill()
	return f
}

// chance is true with that probability.
func (f *family) chance(p float64) bool { return f.random.Float64() < p }

// near is a size in bytes of a mean of so many kB.
func (f *family) near(kB int) int {
	return int(float64(max(1, kB)) * 1000 * (0.5 + f.random.Float64()))
}

// usual is a size in bytes as files of the kind have it.
func (f *family) usual(k kind) int {
	return int(float64(sizes[k].median) * spread(f.random.NormFloat64(), sizes[k].sigma))
}

// add adds a text of the family's own.
func (f *family) add(k kind, size int, in *stream, path string, args ...any) {
	f.seeds++
	f.addCommon(k, size, mix(f.seed, 1<<32+f.seeds), in, path, args...)
}

// addCommon adds a text that follows from the seed: files of one seed are equal, in each family.
func (f *family) addCommon(k kind, size int, seed uint64, in *stream, path string, args ...any) {
	if in != nil {
		path = "data_stream/" + in.name + "/" + path
	}
	f.files = append(f.files, &file{path: fmt.Sprintf(path, args...), text: document{kind: k, seed: seed, size: size}, stream: in})
}

// fill makes the files of the first version.
func (f *family) fill() {
	p := f.profile
	f.add(manifest, f.usual(manifest), nil, "manifest.yml")
	f.add(changelog, 0, nil, "changelog.yml")
	f.add(readme, f.near(p.readmeKB), nil, "docs/README.md")
	for i := range p.docs {
		f.add(otherDocs, f.near(p.docKB), nil, "docs/%s_%d.md", f.word(), i)
	}
	f.add(icon, f.near(p.iconKB), nil, "img/logo.svg")
	for i := range p.pictures {
		f.add(picture, 0, nil, "img/%s_%s_%d.png", f.about.name, f.word(), i)
		f.files[len(f.files)-1].size = int64(f.near(p.pictureKB))
	}
	for range p.streams {
		f.addStream()
	}
	for range p.visualizations {
		f.addObject(visualization, f.usual(visualization))
	}
	for range p.dashboards {
		f.addObject(dashboard, f.near(p.dashboardKB))
	}
	for range p.searches {
		f.addObject(search, f.usual(search))
	}
	if f.chance(withLicense) {
		f.files = append(f.files, &file{path: "LICENSE.txt", text: *licenseDocument()})
	}
}

func (f *family) word() string { return vocabulary[f.random.IntN(len(vocabulary))] }

func (f *family) addObject(k kind, size int) {
	folder := map[kind]string{visualization: "visualization", dashboard: "dashboard", search: "search"}[k]
	f.add(k, size, nil, "kibana/%s/%s-%016x%08x.json", folder, f.about.name, f.random.Uint64(), f.random.Uint32())
}

// addStream adds a data stream. Where a profile has fewer files of a kind than streams, the first streams have them;
// where it has more, each stream has several.
func (f *family) addStream() {
	i, p := f.streams, f.profile
	f.streams++
	share := func(total int) int { // of the i-th stream
		n := total / max(1, p.streams)
		if i < total%max(1, p.streams) {
			n++
		}
		return n
	}
	in := &stream{name: f.word() + "_" + strconv.Itoa(i), kind: "metrics"}
	if share(p.pipelines) > 0 {
		in.kind = "logs"
	}
	f.add(streamManifest, f.usual(streamManifest), in, "manifest.yml")
	f.addFields(in)
	for j := range share(p.otherFields) {
		f.add(otherFields, f.usual(otherFields), in, "fields/%s_%d.yml", f.word(), j)
	}
	if share(p.samples) > 0 {
		f.add(sample, f.usual(sample), in, "sample_event.json")
	}
	for j := range share(p.pipelines) {
		name := "default" // the others are used by this one: a registry asks for it
		if j > 0 {
			name = "step_" + strconv.Itoa(j)
		}
		f.add(ingest, f.usual(ingest), in, "elasticsearch/ingest_pipeline/%s.yml", name)
	}
	f.add(template, f.usual(template), in, "agent/stream/stream.yml.hbs")
	for j := range share(p.templates) - 1 {
		f.add(template, f.usual(template), in, "agent/stream/input_%d.yml.hbs", j)
	}
}

// addFields adds the fields of a stream, of which many are the same in other streams and families.
func (f *family) addFields(in *stream) {
	p := f.profile
	if p.agents > 0 {
		f.addCommon(agent, agentBytes, commonSeed(agent, f.agent), in, "fields/agent.yml")
	}
	own := f.random.IntN(3) // of the kinds that streams of a family share
	if f.chance(commonBase) {
		f.addCommon(base, sizes[base].median, commonSeed(base, 0), in, "fields/base-fields.yml")
	} else {
		f.addCommon(base, sizes[base].median, mix(f.seed, uint64(own)), in, "fields/base-fields.yml")
	}
	if f.chance(commonECS) {
		f.addCommon(ecs, commonECSBytes, commonSeed(ecs, f.random.IntN(2)), in, "fields/ecs.yml")
	} else {
		f.addCommon(ecs, 500*max(1, p.ecsKB)*(1+own), mix(f.seed, uint64(own)), in, "fields/ecs.yml")
	}
	f.add(fields, f.near(p.fieldsKB), in, "fields/fields.yml")
}

// commonSeed is the same in each storage.
func commonSeed(k kind, variant int) uint64 { return mix(uint64(k), uint64(variant)) }

func licenseDocument() *document {
	return &document{kind: license, seed: commonSeed(license, 0), size: licenseBytes}
}
