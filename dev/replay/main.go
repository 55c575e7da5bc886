package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// options are the command line's.
type options struct {
	distribution string
	storage      string // empty: as findStorage says
	out          string
	commits      int // 0: all
	plans        []plan
	compression  layer.Compression
	json         bool
	server       string // the compiled dev/imagerepo; empty: it is to be compiled
}

func main() {
	options, code := parse(os.Args[1:], os.Stderr)
	if code >= 0 {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, options, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// parse reads the command line; code is the exit status of a run that ends here, else -1.
func parse(args []string, said io.Writer) (o options, code int) {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(said)
	flags.Usage = func() {
		fmt.Fprintln(said, "replay [flags] <distribution>")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.storage, "storage", "", "the storage, a `bundle or repository` (default: $REAL_STORAGE)")
	flags.IntVar(&o.commits, "commits", 0, "how many updates to replay, the last ones; 0: all")
	names := flags.String("plans", "stack,"+single, "the `plans` to replay")
	compression := flags.String("compression", "", "zstd or gzip (default zstd)")
	flags.StringVar(&o.out, "out", "", "the `folder` for replay.json and the plots (default: dist/replay/<distribution>)")
	flags.BoolVar(&o.json, "json", false, "write replay.json to stdout, too; the tables go to stderr then")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, 0
	case err != nil:
		return o, 2
	}
	var err, other error
	o.plans, err = choosePlans(*names)
	o.compression, other = layer.ParseCompression(*compression)
	err = errors.Join(err, other)
	if o.commits < 0 || flags.NArg() != 1 {
		err = errors.Join(err, errors.New("-commits takes a number from 0 on, and there is one argument: the distribution"))
	}
	if err != nil {
		fmt.Fprintln(said, "replay:", err)
		return o, 2
	}
	o.distribution = flags.Arg(0)
	if o.out == "" {
		o.out = filepath.Join("dist", "replay", o.distribution)
	}
	return o, -1
}

// run replays in a temporary folder, writes the output and prints the tables.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	root, err := projectRoot()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "package-storage-replay-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	found, err := o.replay(ctx, root, tmp, progress)
	if ctx.Err() != nil {
		found, err = record{}, errors.New("interrupted")
	}
	err = errors.Join(err, remove(tmp))
	if len(found.Updates) == 0 {
		return err
	}
	return errors.Join(err, o.write(found, below(root, o.out), out, progress))
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

// write writes the output folder and prints the tables; with -json beside it.
func (o options) write(found record, dir string, out, beside io.Writer) error {
	content, err := json.MarshalIndent(found, "", " ")
	if err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the output folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "replay.json"), content, 0o644); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := writeFigures(dir, found.figures()); err != nil {
		return err
	}
	if o.json {
		if _, err := out.Write(append(content, '\n')); err != nil {
			return fmt.Errorf("print the record: %w", err)
		}
		out = beside
	}
	if err := found.writeTables(out); err != nil {
		return fmt.Errorf("print the tables: %w", err)
	}
	fmt.Fprintf(beside, "\nrecord and plots: %s\n", dir)
	return nil
}

// replay does the work; what there is comes back also with an error.
func (o options) replay(ctx context.Context, root, tmp string, progress io.Writer) (found record, err error) {
	source, err := findStorage(o.storage, root)
	if err != nil {
		return record{}, err
	}
	// What is killed in the middle leaves its own temporary files in ours. Loopback needs no credentials.
	for name, value := range map[string]string{"TMPDIR": tmp, "DOCKER_CONFIG": filepath.Join(tmp, "no-credentials")} {
		if err := os.Setenv(name, value); err != nil {
			return record{}, err
		}
	}
	table, err := pipeline.LoadTable(pipeline.Config{Root: root})
	if err != nil {
		return record{}, err
	}
	chain, err := table.Chain(o.distribution)
	if err != nil {
		return record{}, err
	}
	r := &replay{root: root, tmp: tmp, distribution: o.distribution, compression: o.compression, progress: progress}
	if r.storage, err = cloneStorage(ctx, source, tmp, chain); err != nil {
		return record{}, err
	}
	histories, err := r.storage.histories(ctx)
	if err != nil {
		return record{}, err
	}
	steps := steps(histories, o.commits)
	if len(steps) < 2 {
		return record{}, fmt.Errorf("branch %s has one commit only: there is no update to replay", chain[len(chain)-1].Branch)
	}
	if r.historian, err = newHistorian(ctx, r.storage, o.compression); err != nil {
		return record{}, err
	}
	defer r.historian.close()
	if o.server == "" {
		if o.server, err = compileServer(ctx, root, tmp); err != nil {
			return record{}, err
		}
	}
	if r.images, err = serveImages(o.server, filepath.Join(tmp, "images")); err != nil {
		return record{}, err
	}
	defer r.images.stop()
	for _, p := range o.plans {
		r.lanes = append(r.lanes, r.lane(p))
	}
	return r.run(ctx, steps)
}

// projectRoot is the folder of the project that this command was started in: the pipeline needs its table and template.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for !pipeline.Complete(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no distributions.yml here or further up: run it inside of the project")
		}
		dir = parent
	}
	return dir, nil
}

// below is a path that is relative to the project's folder, or absolute.
func below(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}
