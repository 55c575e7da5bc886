package targets

import (
	"context"
	"os"

	"github.com/magefile/mage/mg"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// Build makes images of distributions.
type Build mg.Namespace

// Snapshot builds the image of snapshot (snapshot, staging and production) in dist/snapshot.
func (Build) Snapshot(ctx context.Context) error { return buildImages(ctx, "snapshot") }

// Staging builds the image of staging (staging and production) in dist/staging.
func (Build) Staging(ctx context.Context) error { return buildImages(ctx, "staging") }

// Production builds the image of production in dist/production.
func (Build) Production(ctx context.Context) error { return buildImages(ctx, "production") }

// Experimental builds the image of the frozen experimental distribution in dist/experimental.
func (Build) Experimental(ctx context.Context) error { return buildImages(ctx, "experimental") }

// Distribution builds the image of any distribution of distributions.yml, by its name.
func (Build) Distribution(ctx context.Context, name string) error { return buildImages(ctx, name) }

// All builds the images of all distributions that are not frozen, upstream ones first.
func (Build) All(ctx context.Context) error { return buildImages(ctx) }

// Assemble writes a distribution as a plain docker build context, in dist/<name>.context.
func Assemble(ctx context.Context, name string) error {
	return run(ctx, "assemble "+name, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		result, err := s.WriteContext(ctx, name)
		if err != nil {
			return err
		}
		out.context(result)
		return nil
	})
}

// buildImages builds distributions in one session; without names, all that live.
func buildImages(ctx context.Context, names ...string) error {
	doing := "build all"
	if len(names) > 0 {
		doing = "build " + names[0]
	} else if os.Getenv("WITH") != "" {
		return explain(doing, &requestError{"WITH lays packages over one distribution's own branch", "build that distribution alone"})
	}
	return run(ctx, doing, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		if len(names) == 0 {
			names = s.Table().Live()
		}
		for _, name := range names {
			result, err := s.Build(ctx, name)
			if err != nil {
				return &doingError{"build " + name, err}
			}
			out.build(result)
		}
		return nil
	})
}
