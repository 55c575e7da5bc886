package targets

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// Promote moves packages (apm-8.0.0,system-1.20.4; a name alone is its newest version) from downstream to a distribution.
func Promote(ctx context.Context, to, packages string) error {
	if err := surplus("promote", to, packages); err != nil {
		return explain("promote to "+to, err)
	}
	return change(ctx, "promote to "+to, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
		return s.Promote(ctx, to, words(packages))
	})
}

// FinishPromotions is the target promote:finish. It is a variable, since a function would be a target of that name, and a
// namespace promote can't stand beside the target promote in one package.
var FinishPromotions = func(ctx context.Context) error {
	return change(ctx, "finish promotions", func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
		return s.FinishPromotions(ctx)
	})
}

// Remove takes packages (apm-8.0.0,system-1.20.4) off a distribution's branch. REASON says why, and leaves a tombstone.
func Remove(ctx context.Context, distribution, packages string) error {
	if err := surplus("remove", distribution, packages); err != nil {
		return explain("remove from "+distribution, err)
	}
	return change(ctx, "remove from "+distribution, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
		return s.Remove(ctx, distribution, words(packages))
	})
}

// Revert undoes a promotion on both sides, given the distribution and the commit that brought the packages to its branch.
func Revert(ctx context.Context, distribution, commit string) error {
	return change(ctx, "revert on "+distribution, func(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
		return s.Revert(ctx, distribution, commit)
	})
}

// change carries out what changes branches, and shows the plan whether or not it was carried out.
func change(ctx context.Context, doing string, use func(context.Context, *pipeline.Session) (pipeline.ChangeResult, error)) error {
	return run(ctx, doing, func(ctx context.Context, s *pipeline.Session, out *terminal) error {
		asJSON, err := flag("JSON")
		if err != nil {
			return err
		}
		result, err := use(ctx, s)
		switch {
		case asJSON:
			if failed := out.json(result); err == nil {
				err = failed
			}
		case err == nil || len(result.Items) > 0:
			out.change(result, err == nil)
		}
		return err
	})
}

// surplus finds a second package behind a target's list: mage would only find out when the first has been dealt with. What
// follows may also be another target, which no package is called like.
func surplus(target, distribution, list string) error {
	for i, word := range os.Args {
		if !strings.EqualFold(word, target) || i+3 >= len(os.Args) || os.Args[i+1] != distribution || os.Args[i+2] != list {
			continue
		}
		if next := os.Args[i+3]; strings.ContainsAny(next, "-*?,") && !strings.HasPrefix(next, "-") {
			return &requestError{fmt.Sprintf("%q is one word too many: %s takes one list", next, target), "write " + list + "," + next}
		}
	}
	return nil
}

// words are separated by commas or spaces.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
