package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line's.
type options struct {
	runs  int
	fresh bool
	json  bool
	// buildKit asks for the comparison with BuildKit.
	buildKit bool
	// addTo is the name of the package that a version is added of; empty: one of middling size.
	addTo string
}

func main() {
	options, code := parse(os.Args[1:])
	if code >= 0 {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, options, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parse reads the command line; code is the exit status of a run that ends here, else -1.
func parse(args []string) (o options, code int) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.runs, "n", 5, "`runs` of everything that is timed; their median counts")
	flags.BoolVar(&o.fresh, "fresh", true, "also build in a fresh clone with empty caches; needs the module proxy")
	flags.BoolVar(&o.buildKit, "buildkit", true, "also build and push with BuildKit; takes minutes, Linux, root, runc and the module proxy")
	flags.BoolVar(&o.json, "json", false, "write the figures as JSON to stdout; the table goes to stderr then")
	flags.StringVar(&o.addTo, "package", "", "the `name` of the package that a version is added of (default: one of middling size)")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return o, 0
	case err != nil:
		return o, 2
	case o.runs < 1 || flags.NArg() > 0:
		fmt.Fprintln(os.Stderr, "bench: -n takes a number from 1 on, and there are no arguments but flags")
		return o, 2
	}
	return o, -1
}

// run measures in a temporary folder and prints the report. What failed for a lack of network is in the report and in
// the error.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	source, err := realStorage(root)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "package-storage-bench-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	if err := os.Setenv("TMPDIR", tmp); err != nil { // a go command that is killed leaves its own folder behind
		return errors.Join(fmt.Errorf("use the temporary folder: %w", err), remove(tmp))
	}
	b := &bench{options: o, root: root, source: source, tmp: tmp, progress: progress}
	report, err := b.measure(ctx)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err := errors.Join(err, remove(tmp)); err != nil {
		return err
	}
	if err := report.print(o.json, out, progress); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return report.failed()
}

// remove removes the temporary folder. After an interruption what was killed may still be writing there for a moment.
func remove(dir string) error {
	var err error
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Errorf("remove the temporary folder: %w", err)
}

// moduleRoot is the folder of the go.mod that this command was started below.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here or further up: run it inside of the project")
		}
		dir = parent
	}
}
