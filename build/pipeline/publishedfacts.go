package pipeline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// PublishedFacts is the document of facts: JSON, packed with zstd, in base64. By it a machine without history plans as
// the image was planned, and one without files measures packages.
type PublishedFacts struct {
	// Checks is what the packages were judged by (layerKind), Measured what they were measured by (factsVersion).
	Checks   string `json:"checks"`
	Measured int    `json:"measured"`
	// Packages are those of the image in the order of families, each family in the order of arrival.
	Packages PublishedPackages `json:"packages"`
}

// PublishedPackages are read one by one, up to the first that can't be one: a short document may unpack to a great many.
type PublishedPackages []PublishedPackage

// UnmarshalJSON implements json.Unmarshaler.
func (all *PublishedPackages) UnmarshalJSON(content []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		var p PublishedPackage
		if err := decoder.Decode(&p); err != nil {
			return err
		}
		if p.impossible() {
			return errors.Errorf("there can be no package like %q", p.Path)
		}
		*all = append(*all, p)
	}
	return nil
}

// PublishedPackage is one package of PublishedFacts.
type PublishedPackage struct {
	// Path is "<name>/<version>".
	Path string    `json:"p"`
	Tree object.ID `json:"t"`
	// Since is when it arrived (history.Since), in seconds since 1970.
	Since int64 `json:"s"`
	// Sizes are Size, Delta, Packed and PackedDelta of its only part; zero for a package in pieces.
	Sizes [4]int64 `json:"n"`
	// before is the path of the package before it in its family, empty for the first.
	before string
}

// mostFacts is the size in bytes above which the document is left out: image repositories refuse manifests above 4 MB.
// Only machines that lack history or files miss it.
const mostFacts = 1 << 20

// mostUnpacked bounds what such a document unpacks to, in bytes; it is some three times mostFacts as a rule.
const mostUnpacked = 8 << 20

// writeFacts is empty where the document would be too large.
func writeFacts(members []*member) (string, error) {
	document := PublishedFacts{Checks: layerKind, Measured: factsVersion}
	for _, m := range members {
		p := PublishedPackage{Path: m.Path(), Tree: m.Tree, Since: m.since}
		if len(m.facts.Parts) == 1 && m.facts.Parts[0].Path == p.Path {
			part := m.facts.Parts[0]
			p.Sizes = [4]int64{part.Size, part.Delta, part.Packed, part.PackedDelta}
		}
		document.Packages = append(document.Packages, p)
	}
	content, err := json.Marshal(document)
	if err != nil {
		return "", errors.Wrap(err, "write the facts")
	}
	// The level and one goroutine are pinned as those of layers are: the index's digest depends on these bytes.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false))
	if err != nil {
		return "", errors.Wrap(err, "pack the facts")
	}
	defer encoder.Close()
	packed := base64.StdEncoding.EncodeToString(encoder.EncodeAll(content, nil))
	if len(packed) > mostFacts || len(content) > mostUnpacked {
		return "", nil
	}
	return packed, nil
}

// readFacts is the zero PublishedFacts where there are none, or what this pipeline did not write. What was judged or
// measured by other rules has no sizes; since when it has been there is true whatever the rules.
func readFacts(annotations map[string]string) PublishedFacts {
	var document PublishedFacts
	packed, err := base64.StdEncoding.DecodeString(annotations[factsDocument])
	if err != nil || len(packed) == 0 {
		return PublishedFacts{}
	}
	decoder, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostUnpacked))
	if err != nil {
		return PublishedFacts{}
	}
	defer decoder.Close()
	content, err := io.ReadAll(io.LimitReader(decoder, mostUnpacked))
	if err != nil || json.Unmarshal(content, &document) != nil {
		return PublishedFacts{}
	}
	otherwise := document.Checks != layerKind || document.Measured != factsVersion
	for i := range document.Packages {
		p := &document.Packages[i]
		if otherwise {
			p.Sizes = [4]int64{}
		}
		if i > 0 {
			if before := document.Packages[i-1].Path; nameOf(before) == nameOf(p.Path) {
				p.before = before
			}
		}
	}
	return document
}

// impossible says whether no package can be like that.
func (p PublishedPackage) impossible() bool {
	_, err := object.Parse(string(p.Tree))
	size, delta, packed, packedDelta := p.Sizes[0], p.Sizes[1], p.Sizes[2], p.Sizes[3]
	return err != nil || p.Since < 0 || size < 0 || size > layer.MaxPart || delta < 0 || delta > size || packed < 0 || packed > size ||
		packedDelta < 0 || packedDelta > packed
}

func (f PublishedFacts) byPath() map[string]PublishedPackage {
	known := make(map[string]PublishedPackage, len(f.Packages))
	for _, p := range f.Packages {
		known[p.Path] = p
	}
	return known
}

func nameOf(path string) string {
	name, _, _ := strings.Cut(path, "/")
	return name
}
