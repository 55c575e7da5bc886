package pipeline

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// The annotations of our images. All are a function of the inputs, so that images stay reproducible.
const (
	// KeyAnnotation is a layer descriptor's: the layer's key.
	KeyAnnotation = "package-storage.layer.key"
	// unpackedAnnotation is a layer descriptor's: the size of the tar in bytes.
	unpackedAnnotation = "package-storage.layer.unpacked"
	// InputsAnnotation is that of manifests and index: the inputs id.
	InputsAnnotation = "package-storage.inputs"
	// inputsDocument is the index's: the Inputs as JSON, whose hash the inputs id is.
	inputsDocument = "package-storage.inputs.document"
	// factsDocument is the index's: what a build must know of families that it does not read, as JSON.
	factsDocument = "package-storage.facts"
)

func (d *draft) annotations() map[string]string {
	return map[string]string{
		InputsAnnotation:                    d.inputsID,
		"org.opencontainers.image.revision": string(d.inputs.Commit),
		"org.opencontainers.image.created":  d.own.time.UTC().Format(time.RFC3339),
	}
}

func (d *draft) indexAnnotations() (map[string]string, error) {
	annotations := d.annotations()
	inputs, err := json.Marshal(d.inputs)
	if err != nil {
		return nil, errors.Wrap(err, "write the inputs")
	}
	annotations[inputsDocument] = string(inputs)
	annotations[factsDocument], err = writeFacts(d.facts)
	return annotations, err
}

// readInputs are the inputs that an index says it was made of; ok is false where it says nothing, or something that its
// own inputs id belies.
func readInputs(annotations map[string]string) (inputs Inputs, ok bool) {
	document := annotations[inputsDocument]
	if document == "" || json.Unmarshal([]byte(document), &inputs) != nil || !inputs.sound() {
		return Inputs{}, false
	}
	return inputs, sum([]byte(document)) == annotations[InputsAnnotation]
}

// sound says whether commits are commits: they are given to git.
func (i Inputs) sound() bool {
	for _, commit := range commitsOf(i) {
		if _, err := object.Parse(string(commit)); err != nil {
			return false
		}
	}
	return true
}

// publishedFacts is the document of facts. Keys are those of families, cut to 16 digits; sizes are Size, Fresh and Delta
// of each part. Paths and trees follow from the key: who asks has them.
type publishedFacts struct {
	// Checks is what the packages were judged by (layerKind).
	Checks   string                `json:"checks"`
	Families map[string][][3]int64 `json:"families"`
}

const shortKey = 16

// writeFacts leaves out families with packages in pieces: what the pieces are can't be told from their sizes.
func writeFacts(families map[string]facts) (string, error) {
	document := publishedFacts{Checks: layerKind, Families: map[string][][3]int64{}}
	for key, f := range families {
		var sizes [][3]int64
		for _, p := range f.Parts {
			if strings.Count(p.Path, "/") != 1 {
				sizes = nil
				break
			}
			sizes = append(sizes, [3]int64{p.Size, p.Fresh, p.Delta})
		}
		if sizes != nil {
			document.Families[key[:shortKey]] = sizes
		}
	}
	content, err := json.Marshal(document)
	return string(content), errors.Wrap(err, "write the facts")
}

func readFacts(annotations map[string]string) publishedFacts {
	var document publishedFacts
	if json.Unmarshal([]byte(annotations[factsDocument]), &document) != nil || document.Checks != layerKind {
		return publishedFacts{} // of another version, or not ours: as if there was none
	}
	for key, sizes := range document.Families {
		if slices.ContainsFunc(sizes, impossible) {
			delete(document.Families, key)
		}
	}
	return document
}

// impossible says whether no part can have these sizes.
func impossible(sizes [3]int64) bool {
	size, fresh, delta := sizes[0], sizes[1], sizes[2]
	return size < 0 || size > layer.MaxPart || fresh < 0 || fresh > size || delta < 0 || delta > size
}

func readSize(annotation string) int64 {
	size, err := strconv.ParseInt(annotation, 10, 64)
	if err != nil {
		return 0
	}
	return size
}
