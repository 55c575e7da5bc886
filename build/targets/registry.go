package targets

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/magefile/mage/mg"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// Registry shows and changes the registry version of distributions.
type Registry mg.Namespace

// Show shows the registry version of each distribution, and where they drift.
func (Registry) Show(ctx context.Context) error {
	return run(ctx, "show the registry versions", func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		rows, err := s.ShowRegistry(ctx)
		switch {
		case err != nil:
			return err
		case asJSON:
			return out.json(rows)
		}
		out.registryVersions(rows)
		return nil
	})
}

// Update gives every branch a registry version (v1.15.0, or where the policy allows it a commit), all at once.
func (Registry) Update(ctx context.Context, version string) error {
	return run(ctx, "update the registry to "+version, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		result, err := s.UpdateRegistry(ctx, version)
		switch {
		case err != nil:
			return err
		case asJSON:
			return out.json(result)
		}
		out.registryUpdate(result)
		return nil
	})
}

func (t *terminal) registryVersions(rows []pipeline.RegistryRow) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "distribution\tpolicy\tDockerfile\tgo.mod\timage\t")
	for _, r := range rows {
		policy := r.Policy
		if r.Frozen {
			policy = "frozen"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Distribution, policy, orDash(r.Dockerfile), orDash(r.Module), orDash(r.Published), strings.Join(r.Problems, "; "))
	}
	w.Flush()
}

func (t *terminal) registryUpdate(r pipeline.RegistryResult) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.moves(r.Moves)
	if len(r.Same) > 0 {
		fmt.Fprintf(t.out, "%s already: %s\n", r.Version, strings.Join(r.Same, ", "))
	}
	if len(r.Left) > 0 {
		fmt.Fprintf(t.out, "frozen, left alone: %s\n", strings.Join(r.Left, ", "))
	}
	for _, note := range r.Notes {
		fmt.Fprintln(t.out, note)
	}
}
