package targets

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/magefile/mage/mg"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// run carries out a use case: variables in, messages and exit code out. Ctrl-C and SIGTERM end it in good order.
func run(ctx context.Context, doing string, use func(context.Context, *pipeline.Session, *terminal) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := newTerminal(os.Stdout, os.Stderr, mg.Verbose())
	config, err := configuration()
	if err != nil {
		return explain(doing, err)
	}
	session, err := pipeline.Open(ctx, config, out)
	if err != nil {
		return explain(doing, err)
	}
	if location, sample := session.Storage(); sample {
		out.Warn("STORAGE is not set and this repository has no branch of a distribution: " + location +
			" in testdata/storage is used")
	}
	err = use(ctx, session, out)
	if closed := session.Close(); err == nil {
		err = closed
	}
	if ctx.Err() != nil && err != nil {
		return mg.Fatal(1, doing+": interrupted; nothing is left half done, run it again")
	}
	return explain(doing, err)
}
