package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// Status is the state of a storage at one moment.
type Status struct {
	Storage       string               `json:"storage"`
	Time          time.Time            `json:"time"`
	Distributions []DistributionStatus `json:"distributions"`
	// Waiting are packages that have been promoted, and wait to be removed downstream.
	Waiting []WaitingPackage `json:"waiting"`
	// Open are topic branches that are not merged yet.
	Open []OpenTopic `json:"open"`
}

// OpenTopic is a topic branch, and the branch that it is to be merged into.
type OpenTopic struct {
	Topic string `json:"topic"`
	Into  string `json:"into"`
}

// DistributionStatus is the state of one distribution.
type DistributionStatus struct {
	Name   string `json:"name"`
	Branch string `json:"branch"`
	URL    string `json:"url,omitempty"`
	Frozen bool   `json:"frozen,omitempty"`
	// Commit is the branch's head and Time its time; zero where the storage has no such branch, or none that can be read.
	Commit object.ID `json:"commit,omitempty"`
	Time   time.Time `json:"time,omitzero"`
	// Own are packages of its own branch, All those that it serves; Shadowed are copies of its own that it does not serve,
	// Differing those of them that are other bytes.
	Own       int    `json:"own"`
	All       int    `json:"all"`
	Shadowed  int    `json:"shadowed"`
	Differing int    `json:"differing"`
	Registry  string `json:"registry,omitempty"`
	// Image is the published image; nil where there is none, or none was asked for.
	Image *ImageStatus `json:"image,omitempty"`
	// Problems are what keeps it from being built.
	Problems []string           `json:"problems,omitempty"`
	Packages []PublishedVersion `json:"packages"`
}

// ImageStatus is a published image, and why it is stale; Stale is empty where it is up to date.
type ImageStatus struct {
	Repository string    `json:"repository"`
	Tag        string    `json:"tag"`
	Digest     string    `json:"digest"`
	Commit     object.ID `json:"commit"`
	InputsID   string    `json:"inputsId"`
	Stale      []string  `json:"stale,omitempty"`
}

// PublishedVersion is a package that a distribution serves, and the branch that it is from.
type PublishedVersion struct {
	Name    integration.Name    `json:"name"`
	Version integration.Version `json:"version"`
	Branch  string              `json:"branch"`
	Tree    object.ID           `json:"tree"`
}

// WaitingPackage is a package that waits to be removed.
type WaitingPackage struct {
	Package string   `json:"package"`
	Arrived string   `json:"arrived"`
	From    []string `json:"removeFrom"`
}

// Status reads all branches, and if images are asked for (IMAGE), what is published.
func (s *Session) Status(ctx context.Context) (Status, error) {
	status := Status{Storage: s.storage.Location(), Time: time.Now().UTC().Truncate(time.Second), Waiting: []WaitingPackage{}, Open: []OpenTopic{}}
	var stages []distribution.Distribution
	for _, d := range s.table.Distributions {
		one, err := s.distributionStatus(ctx, d)
		if err != nil {
			return status, err
		}
		status.Distributions = append(status.Distributions, one)
		if one.Commit != "" {
			stages = append(stages, d)
		}
	}
	storage, err := s.stages(ctx, stages)
	if err != nil {
		return status, err
	}
	for _, plan := range storage.Leftovers() {
		for _, i := range plan.Items {
			status.Waiting = append(status.Waiting, WaitingPackage{i.Package.String(), plan.To, i.Remove})
		}
	}
	status.Open, err = s.openTopics(ctx)
	return status, err
}

// topics are the first words of the names of topic branches; the second is the distribution's.
var topics = []string{"promote", "remove", "revert", "registry"}

func (s *Session) openTopics(ctx context.Context) ([]OpenTopic, error) {
	open := []OpenTopic{}
	for _, d := range s.table.Distributions {
		branch, err := s.storage.Branch(d.Branch)
		if err != nil {
			continue // there is none, and nothing to merge into
		}
		for _, verb := range topics {
			for _, topic := range s.storage.Branches(verb + "/" + d.Name + "/") {
				merged, err := s.merged(ctx, topic, branch)
				if err != nil {
					return nil, err
				}
				if !merged {
					open = append(open, OpenTopic{topic.Name, d.Branch})
				}
			}
		}
	}
	return open, nil
}

// merged says whether a branch has what a topic branch brought: its commit, or, where commits were squashed, its packages and
// registry version.
func (s *Session) merged(ctx context.Context, topic, branch gitstore.Branch) (bool, error) {
	relation, err := s.storage.Relation(ctx, topic.Commit, branch.Commit)
	if err != nil || relation == gitstore.Ancestor || relation == gitstore.Same {
		return err == nil, err
	}
	base, err := s.storage.MergeBase(ctx, topic.Commit, branch.Commit)
	if err != nil || base == "" {
		return false, err
	}
	var contents [3]map[string]object.ID
	for i, commit := range []object.ID{base, topic.Commit, branch.Commit} {
		if contents[i], err = s.contentsAt(gitstore.Branch{Name: topic.Name, Commit: commit}); err != nil {
			return false, err
		}
	}
	for path, tree := range contents[1] {
		if contents[0][path] != tree && contents[2][path] != tree {
			return false, nil
		}
	}
	for path := range contents[0] {
		if contents[1][path] == "" && contents[2][path] != "" {
			return false, nil
		}
	}
	return true, nil
}

func (s *Session) distributionStatus(ctx context.Context, d distribution.Distribution) (DistributionStatus, error) {
	status := DistributionStatus{Name: d.Name, Branch: d.Branch, URL: d.URL, Frozen: d.Frozen, Packages: []PublishedVersion{}}
	if !s.storage.HasBranch(d.Branch) {
		return status, nil
	}
	chain, err := s.chain(ctx, d.Name)
	var wrong *assemble.InvalidError
	if errors.As(err, &wrong) {
		for _, f := range wrong.Findings {
			status.Problems = append(status.Problems, f.String())
		}
		return status, nil
	}
	var missing *gitstore.NoBranchError
	if errors.As(err, &missing) {
		status.Problems = append(status.Problems, "the storage has no branch "+missing.Branch+", which it includes")
		return status, nil
	}
	if err != nil {
		return status, err
	}
	own := chain[len(chain)-1]
	status.Commit, status.Time, status.Own = own.Commit, own.time, own.Packages()
	branches := make([]assemble.Branch, len(chain))
	for i, b := range chain {
		branches[i] = b.Branch
	}
	tree := assemble.Assemble(branches)
	status.All = len(tree.Packages)
	for _, shadowed := range tree.Shadowed {
		if shadowed.Branch == len(chain)-1 {
			status.Shadowed++
			if shadowed.Differs() {
				status.Differing++
			}
		}
	}
	for _, p := range tree.Packages {
		status.Packages = append(status.Packages, PublishedVersion{p.Name, p.Version, branches[p.Branch].Name, p.Tree})
	}
	slices.SortFunc(status.Packages, func(a, b PublishedVersion) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), promote.CompareVersions(a.Version, b.Version))
	})
	var unknown *RegistryVersionError
	switch status.Registry, err = s.branchRegistry(ctx, d, own); {
	case errors.As(err, &unknown):
		status.Problems = append(status.Problems, unknown.Error())
	case err != nil:
		return status, err
	}
	status.Image, err = s.imageStatus(ctx, d, chain, status.Registry)
	return status, err
}

// imageStatus is what is published of a distribution, and in what it differs from the branches.
func (s *Session) imageStatus(ctx context.Context, d distribution.Distribution, chain []scanned, registry string) (*ImageStatus, error) {
	if !s.config.Published {
		return nil, nil
	}
	found, err := s.publishedImage(ctx, d.Name)
	if err != nil || found == nil {
		return nil, err
	}
	image := &ImageStatus{Repository: found.repository.Name(), Tag: d.Tag, Digest: found.Digest.String()}
	if !found.ours {
		image.Stale = []string{"another tool made it: it does not say of what"}
		return image, nil
	}
	image.Commit, image.InputsID = found.inputs.Commit, found.index.Annotations[InputsAnnotation]
	was := map[string]object.ID{d.Name: found.inputs.Commit}
	for _, up := range found.inputs.Upstreams {
		was[up.Distribution] = up.Commit
	}
	for _, b := range slices.Backward(chain) {
		if before := was[b.Distribution]; before != b.Commit {
			image.Stale = append(image.Stale, fmt.Sprintf("%s is at %s, the image has %s", b.Name, b.Commit.Short(), orNone(before.Short())))
		}
	}
	if registry != "" && found.inputs.Registry != registry {
		image.Stale = append(image.Stale, fmt.Sprintf("the registry is %s, the image has %s", registry, found.inputs.Registry))
	}
	return image, nil
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
