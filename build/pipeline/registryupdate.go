package pipeline

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// RegistryRow is the registry version of one distribution, from all that names it.
type RegistryRow struct {
	Distribution string `json:"distribution"`
	Branch       string `json:"branch"`
	Policy       string `json:"policy"`
	// Dockerfile is what the branch's own says, else the table; empty where neither does.
	Dockerfile string `json:"dockerfile"`
	// Module is what the branch's go.mod requires; empty where it requires no registry.
	Module string `json:"module,omitempty"`
	// Published is the label of the published image; empty where there is none, or none was asked for.
	Published string `json:"published,omitempty"`
	Frozen    bool   `json:"frozen,omitempty"`
	// Problems are what is to be mended: no stable release where one is wanted, an image of another version, other versions
	// on other branches, or nothing that could be read.
	Problems []string `json:"problems,omitempty"`
}

// ShowRegistry reads the registry versions of all distributions, in the order of the table.
func (s *Session) ShowRegistry(ctx context.Context) ([]RegistryRow, error) {
	var rows []RegistryRow
	for _, d := range s.table.Distributions {
		row := RegistryRow{Distribution: d.Name, Branch: d.Branch, Policy: d.Registry.Policy, Frozen: d.Frozen}
		if !s.storage.HasBranch(d.Branch) {
			if !d.Frozen {
				row.Problems = append(row.Problems, "the storage has no branch "+d.Branch)
			}
			rows = append(rows, row)
			continue
		}
		read, err := s.scan(ctx, d)
		if err != nil {
			return nil, err
		}
		var unknown *RegistryVersionError
		row.Dockerfile, err = s.branchRegistry(ctx, d, read)
		switch {
		case errors.As(err, &unknown):
			row.Problems = append(row.Problems, unknown.Error())
		case err != nil:
			return nil, err
		case !d.Frozen && wrongRegistry(d, row.Dockerfile) != "":
			row.Problems = append(row.Problems, wrongRegistry(d, row.Dockerfile))
		}
		if row.Module, err = s.moduleVersion(read); err != nil {
			return nil, err
		}
		if row.Module != "" && row.Dockerfile != "" && row.Module != row.Dockerfile {
			row.Problems = append(row.Problems, "go.mod requires "+row.Module)
		}
		if row.Published, err = s.publishedRegistry(ctx, d); err != nil {
			return nil, err
		}
		if row.Published != "" && row.Dockerfile != "" && row.Published != row.Dockerfile {
			row.Problems = append(row.Problems, "the published image has "+row.Published)
		}
		rows = append(rows, row)
	}
	return drift(rows), nil
}

// branchRegistry is the version that the branch names; the user's own does not count.
func (s *Session) branchRegistry(ctx context.Context, d distribution.Distribution, read scanned) (string, error) {
	given := s.config.Registry
	defer func() { s.config.Registry = given }()
	s.config.Registry = ""
	return s.registryVersion(ctx, d, read)
}

// drift finds branches of stable releases that disagree: one command bumps them all.
func drift(rows []RegistryRow) []RegistryRow {
	newest := ""
	for _, row := range rows {
		if v, ok := stableRelease(row.Dockerfile); ok && !row.Frozen && row.Policy == "stable" {
			if best, known := stableRelease(newest); !known || v.GreaterThan(best) {
				newest = row.Dockerfile
			}
		}
	}
	for i, row := range rows {
		if v, ok := stableRelease(row.Dockerfile); ok && !row.Frozen && row.Policy == "stable" && row.Dockerfile != newest {
			if best, _ := stableRelease(newest); !v.Equal(best) {
				rows[i].Problems = append(row.Problems, "others have "+newest)
			}
		}
	}
	return rows
}

// publishedRegistry is the version that the distribution's image was made with, "" where there is none or none was asked for.
func (s *Session) publishedRegistry(ctx context.Context, d distribution.Distribution) (string, error) {
	if !s.config.Published {
		return "", nil
	}
	found, err := s.publishedImage(ctx, d.Name)
	if err != nil || found == nil || !found.ours {
		return "", err
	}
	return found.inputs.Registry, nil
}

// stableRelease reads v1.2.3: a release, and no prerelease.
func stableRelease(version string) (*semver.Version, bool) {
	v, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return v, err == nil && v.Prerelease() == ""
}

// wrongRegistry says why a distribution may not have a registry version; "" where it may.
func wrongRegistry(d distribution.Distribution, version string) string {
	if _, plain := semver.StrictNewVersion(version); plain == nil {
		return fmt.Sprintf("%s is no tag of a release: is v%s meant?", version, version)
	}
	if _, stable := stableRelease(version); stable {
		return ""
	}
	if d.Registry.Policy == "stable" {
		return fmt.Sprintf("%s wants a stable release, and %s is none", d.Name, version)
	}
	_, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	if raw, isHex := hex.DecodeString(version); err != nil && (isHex != nil || len(raw) != 20) {
		return fmt.Sprintf("%s is neither a release (v1.15.0) nor a commit (40 hex digits)", version)
	}
	return ""
}

// RegistryPolicyError says that a distribution may not have a registry version.
type RegistryPolicyError struct{ Distribution, Why string }

func (e *RegistryPolicyError) Error() string { return e.Why }

// RegistryResult is what came of a new registry version.
type RegistryResult struct {
	Version string       `json:"version"`
	Storage string       `json:"storage"`
	DryRun  bool         `json:"dryRun"`
	Moves   []BranchMove `json:"moves"`
	// Same are distributions that have it already, Left those that are frozen.
	Same []string `json:"same,omitempty"`
	Left []string `json:"left,omitempty"`
	// Notes are what the bump means.
	Notes []string `json:"notes,omitempty"`
}

// signatures is the first registry that demands a signature beside each package, unless it is told not to.
var signatures = semver.MustParse("1.38.0")

// UpdateRegistry gives every branch that is not frozen a registry version, all at once.
// Errors: *RegistryPolicyError; *promote.RequestError for what is no version, or none that the image repository has;
// *RegistryVersionError for a branch's Dockerfile; those of Promote.
func (s *Session) UpdateRegistry(ctx context.Context, version string) (RegistryResult, error) {
	result := RegistryResult{Version: version, DryRun: s.config.DryRun}
	if _, err := distribution.ParseRegistryVersion(version); err != nil {
		return result, &promote.RequestError{What: err.Error(), WayOut: "take a tag of the registry's image, such as v1.31.1"}
	}
	for _, d := range s.table.Distributions {
		if why := wrongRegistry(d, version); why != "" && !d.Frozen {
			return result, &RegistryPolicyError{d.Name, why}
		}
	}
	if err := s.offered(ctx, version); err != nil {
		return result, err
	}
	changed, err := s.transact(ctx, "", func(promote.Storage) (planned, error) {
		result.Same, result.Left, result.Notes = nil, nil, nil
		steps, err := s.registrySteps(ctx, &result)
		return planned{steps: func() []promote.Step { return steps }}, err
	})
	result.Storage, result.Moves = changed.Storage, changed.Moves
	return result, err
}

// offered asks the image repository for a version. Where it can't be reached, a person is told.
func (s *Session) offered(ctx context.Context, version string) error {
	repository, resolver := s.baseResolver()
	if repository == "preview" || strings.HasPrefix(repository, "oci:") {
		return nil
	}
	err := resolver.Check(ctx, base.Request{Repository: repository, Version: version})
	var unreachable *base.UnreachableError
	if errors.As(err, &unreachable) {
		s.report.Warn(fmt.Sprintf("%v: nobody has looked whether %s:%s is there", err, repository, version))
		return nil
	}
	var missing *base.MissingError
	if errors.As(err, &missing) {
		return &promote.RequestError{What: err.Error(), WayOut: "take a version that there is; PACKAGE_REGISTRY_IMAGE says where the registry's images are"}
	}
	return err
}

// registrySteps are the commits of a bump.
func (s *Session) registrySteps(ctx context.Context, result *RegistryResult) ([]promote.Step, error) {
	var steps []promote.Step
	for _, d := range s.table.Distributions {
		if d.Frozen {
			result.Left = append(result.Left, d.Name)
			continue
		}
		read, err := s.scan(ctx, d)
		if err != nil {
			return nil, err
		}
		before, err := s.branchRegistry(ctx, d, read)
		if err != nil {
			return nil, err
		}
		module, err := s.moduleVersion(read)
		if err != nil {
			return nil, err
		}
		_, release := stableRelease(result.Version)
		if before == result.Version && (module == "" || module == before || !release) {
			result.Same = append(result.Same, d.Name)
			continue
		}
		files, err := s.bumped(read, before, result)
		if err != nil {
			return nil, err
		}
		drop, err := s.bumpModule(ctx, read, result.Version, files)
		if err != nil {
			return nil, err
		}
		step := promote.Step{
			Distribution: d.Name, Branch: d.Branch, Files: files, Drop: drop,
			Title: fmt.Sprintf("Update the package registry to %s", result.Version),
			Body:  fmt.Sprintf("It was %s.\n", before),
		}
		if s.config.Reason != "" {
			step.Body += "\nReason: " + s.config.Reason + "\n"
		}
		if d.Add == "pull-request" {
			step.Topic = "registry/" + d.Name + "/" + result.Version
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// bumped is the branch's Dockerfile with another version.
func (s *Session) bumped(read scanned, before string, result *RegistryResult) (map[string][]byte, error) {
	where := branchPath(read.Name, dockerfileName)
	if read.dockerfile == "" {
		return nil, &RegistryVersionError{where, "the branch has no Dockerfile; its registry version is that of " + tableFile}
	}
	content, err := s.file(read, dockerfileName)
	if err != nil {
		return nil, err
	}
	edited, err := image.SetDefault(content, registryArg, result.Version)
	if err != nil {
		return nil, &RegistryVersionError{where, err.Error()}
	}
	old, okOld := stableRelease(before)
	now, okNow := stableRelease(result.Version)
	if okOld && okNow && old.LessThan(signatures) && !now.LessThan(signatures) {
		edited, err = image.AddEnvironment(edited, "Registries from 1.38 on refuse packages without signatures, unless they are told.",
			"EPR_REQUIRE_PACKAGE_SIGNATURES", "false")
		if err != nil {
			return nil, &RegistryVersionError{where, err.Error()}
		}
		result.Notes = append(result.Notes, fmt.Sprintf("%s crosses 1.38, from which on registries refuse packages without signatures: "+
			"EPR_REQUIRE_PACKAGE_SIGNATURES=false is set, since this storage's have none", read.Name))
	}
	return map[string][]byte{dockerfileName: edited}, nil
}
