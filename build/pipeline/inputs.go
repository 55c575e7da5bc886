package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Inputs are all that determines an image. Their JSON is hashed: fields are only added, and left out while empty.
type Inputs struct {
	Distribution string    `json:"distribution"`
	Branch       string    `json:"branch"`
	Commit       object.ID `json:"commit"`
	// Time is the commit's. It orders images whose commits are not at hand.
	Time time.Time `json:"time"`
	// Upstreams are the most upstream first.
	Upstreams []InputBranch `json:"upstreams"`
	// Registry is the registry version, BaseDigest that of the base's index.
	Registry   string `json:"registry"`
	Base       string `json:"base"`
	BaseDigest string `json:"baseDigest"`
	// Dockerfile and Config are hashes of the rendered files.
	Dockerfile string `json:"dockerfile"`
	Config     string `json:"config"`
	// LayerFormat and Plan say how layers are made.
	LayerFormat string `json:"layerFormat"`
	Plan        string `json:"plan"`
	// Arrivals is a hash of what the plan took from history: since when each package has been there.
	Arrivals  string   `json:"arrivals,omitempty"`
	Platforms []string `json:"platforms"`
	// Uncommitted are packages that were laid over the branch; such an image has no commit that it could be named after.
	Uncommitted []InputPackage `json:"uncommitted,omitempty"`
}

// InputBranch is a branch that went into an image.
type InputBranch struct {
	Distribution string    `json:"distribution"`
	Branch       string    `json:"branch"`
	Commit       object.ID `json:"commit"`
	Time         time.Time `json:"time"`
}

// InputPackage is an uncommitted package.
type InputPackage struct {
	Package string    `json:"package"`
	Tree    object.ID `json:"tree"`
}

// ID is the inputs id: a hash in hex.
func (i Inputs) ID() (string, error) {
	content, err := json.Marshal(i)
	if err != nil {
		return "", err
	}
	return sum(content), nil
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}

// upstreams are the branches of a chain but the last, which is the distribution's own.
func upstreams(tree assemble.Tree, times map[string]time.Time) (inputs []InputBranch, labels []image.Upstream) {
	inputs = []InputBranch{}
	for _, b := range tree.Branches[:len(tree.Branches)-1] {
		inputs = append(inputs, InputBranch{b.Distribution, b.Name, b.Commit, times[b.Name]})
		labels = append(labels, image.Upstream{Distribution: b.Distribution, Branch: b.Name, Commit: b.Commit})
	}
	return inputs, labels
}
