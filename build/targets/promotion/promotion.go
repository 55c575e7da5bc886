// Package promotion is the namespace promote of mage targets, for `mage:import promote`. What it does is in package targets,
// whose target promote stands beside it.
package promotion

import (
	"context"

	"github.com/seed-604f7181/package-storage/build/targets"
)

// Finish removes downstream what has been promoted: after pull requests were merged, or promotions interrupted.
func Finish(ctx context.Context) error { return targets.FinishPromotions(ctx) }
