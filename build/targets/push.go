package targets

import (
	"context"
	"fmt"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// Push pushes all images in dist/ to the image repository (IMAGE), under the commits' and the distributions' tags.
func Push(ctx context.Context) error {
	return run(ctx, "push", func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		names, err := s.Built(ctx)
		if err != nil {
			return err
		}
		var pushed []pipeline.PushResult
		for _, name := range names {
			result, err := s.Push(ctx, name)
			if len(result.Tags) > 0 {
				out.push(result)
				pushed = append(pushed, result)
			}
			if err != nil {
				stepSummary(out, pushed, err)
				return &doingError{"push " + name, err}
			}
		}
		stepSummary(out, pushed, nil)
		return nil
	})
}

// Verify builds the published image of a distribution again, from git, and says whether every layer agrees.
func Verify(ctx context.Context, name string) error {
	return run(ctx, "verify "+name, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		result, err := s.Verify(ctx, name)
		if err != nil {
			return err
		}
		out.verify(result)
		if !result.Verified() {
			return fmt.Errorf("%s@%s is not what its commits give", result.Repository, result.Published)
		}
		return nil
	})
}
