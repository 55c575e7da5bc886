// Command storage makes a package storage of any size, as a bare git repository, and prints what is in it.
//
//	go run ./dev/generate/storage -to DIR [-shape history] [-scale 1] [-seed 1] [-all-branches]
//
// The exit status is 1 when the storage could not be made, 2 when the command line was wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/seed-604f7181/package-storage/dev/generate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	o, shape, err := parse(args, problems)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	branches, err := shape(ctx, o)
	if err == nil {
		err = report(out, branches)
	}
	if err != nil {
		fmt.Fprintln(problems, "storage:", err)
		return 1
	}
	return 0
}

// parse reads the command line, and has said what is wrong when it returns an error.
func parse(args []string, problems io.Writer) (o generate.Options, shape generate.Shape, err error) {
	flags := flag.NewFlagSet("storage", flag.ContinueOnError)
	flags.SetOutput(problems)
	shapes := strings.Join(slices.Sorted(maps.Keys(generate.Shapes)), ", ")
	flags.StringVar(&o.Dir, "to", "", "the `folder` of the repository: new, or empty")
	flags.Float64Var(&o.Scale, "scale", 1, "how `many` times the usual size of the shape")
	flags.Uint64Var(&o.Seed, "seed", 1, "the `number` that all randomness begins with")
	flags.BoolVar(&o.AllBranches, "all-branches", false, "with the history, make staging and snapshot too")
	name := flags.String("shape", "history", "what it looks like: "+shapes)
	if err := flags.Parse(args); err != nil {
		return o, nil, err
	}
	shape, known := generate.Shapes[*name]
	wrong := ""
	switch {
	case o.Dir == "":
		wrong = "-to says where the storage goes"
	case flags.NArg() > 0:
		wrong = "there are no arguments but flags"
	case !known:
		wrong = fmt.Sprintf("-shape is one of %s", shapes)
	case !(o.Scale > 0) || o.Scale > 1e6: // so that NaN is refused too
		wrong = "-scale is a number above 0"
	}
	if wrong != "" {
		fmt.Fprintln(problems, "storage:", wrong)
		return o, nil, errors.New(wrong)
	}
	return o, shape, nil
}

func report(out io.Writer, branches []generate.Branch) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "branch\tcommits\tpackages\tfiles\tbytes\thead\t")
	for _, b := range branches {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\t\n", b.Name, b.Commits, b.Packages, b.Files, b.Bytes, b.Head)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print what was made: %w", err)
	}
	return nil
}
