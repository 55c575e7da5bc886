package pipeline

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/pkg/errors"

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
	// factsDocument is the index's: what a build must know of packages that it does not read (PublishedFacts).
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
	facts, err := writeFacts(d.members)
	if facts != "" {
		annotations[factsDocument] = facts
	}
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

func readSize(annotation string) int64 {
	size, err := strconv.ParseInt(annotation, 10, 64)
	if err != nil {
		return 0
	}
	return size
}
