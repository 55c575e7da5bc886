package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// replay is a run.
type replay struct {
	root, tmp    string
	distribution string
	compression  layer.Compression
	storage      *storage
	images       *imageRepositories
	historian    *historian
	lanes        []*lane
	lanesMade    int
	progress     io.Writer
}

// lane is a plan with all that is its own.
type lane struct {
	plan
	dir    string // of its cache and its output
	image  string // its path on the server
	before pushed
	failed error
}

// run replays steps, of which the first is the start. A plan that fails takes no further part; when all have, that is the
// end.
func (r *replay) run(ctx context.Context, steps []step) (record, error) {
	found := record{Distribution: r.distribution, Compression: string(r.compression)}
	for _, l := range r.lanes {
		found.Plans = append(found.Plans, l.name)
	}
	err := r.steps(ctx, steps, &found)
	for _, l := range r.lanes {
		err = errors.Join(err, l.failed)
	}
	if _, there := found.last(single); there || len(found.Updates) < len(steps)-1 {
		return found, err
	}
	// Packed by the historian, and not built: a storage may be too large for the pipeline to have it in one layer.
	one, failed := r.historian.single()
	if failed != nil {
		return found, errors.Join(err, fmt.Errorf("pack all versions into one layer: %w", failed))
	}
	for _, any := range found.Updates[len(found.Updates)-1].Costs {
		found.Single = &cost{
			Packed: any.Packed - any.packages.Size + one.Size, Base: any.Base, Unpacked: any.Unpacked - any.packages.Unpacked + one.Unpacked,
			Layers: any.Layers - any.PackageLayers + 1, PackageLayers: 1,
		}
	}
	return found, err
}

// lane has a cache and an image repository that no other has.
func (r *replay) lane(p plan) *lane {
	r.lanesMade++
	name := fmt.Sprint("plan-", r.lanesMade)
	return &lane{plan: p, dir: filepath.Join(r.tmp, name), image: name + "/distribution"}
}

func (r *replay) steps(ctx context.Context, steps []step, found *record) error {
	for i, s := range steps {
		u, err := r.update(ctx, s)
		if err != nil {
			return fmt.Errorf("at %s: %w", s.id.Short(), err)
		}
		fmt.Fprintf(r.progress, "%d/%d %s\n", i, len(steps)-1, u.line(found.Plans))
		if i == 0 {
			found.Start = u
		} else {
			found.Updates = append(found.Updates, u)
		}
	}
	return nil
}

// update goes on to a step and builds it with each plan. The error is one that no plan could go on after.
func (r *replay) update(ctx context.Context, s step) (update, error) {
	if err := r.storage.move(ctx, s); err != nil {
		return update{}, err
	}
	n, err := r.historian.lookAt(s)
	if err != nil {
		return update{}, err
	}
	u := update{
		Commit: string(s.id), Time: s.time, Branches: map[string]string{}, Versions: n.versions, change: n.change,
		Own: n.own, Unique: n.unique, Costs: map[string]cost{},
	}
	for i, d := range r.storage.chain {
		u.Branches[d.Branch] = string(s.heads[i])
	}
	for _, l := range r.lanes {
		if l.failed != nil {
			continue
		}
		c, err := r.build(ctx, l)
		if ctx.Err() != nil {
			return update{}, ctx.Err()
		}
		if err != nil {
			l.failed = fmt.Errorf("plan %q at %s: %w", l.name, s.id.Short(), err)
			fmt.Fprintln(r.progress, l.failed)
			continue
		}
		u.Costs[l.name] = c
	}
	if len(u.Costs) == 0 {
		return update{}, errors.New("no plan is left")
	}
	return u, nil
}

// build builds and pushes with a plan, as the targets do, and looks at what came of it.
func (r *replay) build(ctx context.Context, l *lane) (cost, error) {
	r.images.take()
	start := time.Now()
	built, sent, err := r.buildAndPush(ctx, l)
	took := time.Since(start).Seconds()
	if err != nil {
		return cost{}, err
	}
	uploaded := r.images.take()
	after, err := r.images.read(ctx, l.image, sent.Digest)
	if err != nil {
		return cost{}, err
	}
	if len(built.Report.Images) != 1 {
		return cost{}, fmt.Errorf("%d platforms were built, not one", len(built.Report.Images))
	}
	said := built.Report.Images[0]
	c := cost{
		Seconds: took, PlanSeconds: built.Report.Seconds["plan"],
		Layers: len(after.layers), PackageLayers: len(built.Report.Layers),
		Packed: packed(after.layers), Base: said.Base, Unpacked: said.Unpacked, Pushed: uploaded,
		Chain: chainBytes(l.before.layers, after.layers), Digest: digestBytes(l.before.layers, after.layers),
		Documents: after.documents,
	}
	for _, one := range built.Report.Layers {
		c.packages.Size += one.Size
		c.packages.Unpacked += one.Unpacked
	}
	for _, one := range after.layers {
		c.Sizes = append(c.Sizes, one.size)
	}
	l.before = after
	return c, nil
}

// platform is the one that is built: packages are the same on all.
var platform = v1.Platform{OS: "linux", Architecture: "amd64"}

func (r *replay) buildAndPush(ctx context.Context, l *lane) (built pipeline.Result, sent pipeline.PushResult, err error) {
	session, err := pipeline.Open(ctx, pipeline.Config{
		Root: r.root, Storage: r.storage.dir, Base: "preview", Platforms: []v1.Platform{platform}, Compression: r.compression,
		Planner: l.planner, Cache: filepath.Join(l.dir, "cache"), Dist: filepath.Join(l.dir, "dist"),
		Image: r.images.address + "/" + l.image, Published: true,
	}, quiet{})
	if err != nil {
		return built, sent, err
	}
	defer func() {
		if closed := session.Close(); err == nil {
			err = closed
		}
	}()
	if built, err = session.Build(ctx, r.distribution); err != nil {
		return built, sent, err
	}
	sent, err = session.Push(ctx, r.distribution)
	return built, sent, err
}

// line is an update for the progress.
func (u update) line(plans []string) string {
	words := []string{u.Commit[:12], u.Time.Format(time.DateOnly)}
	for _, part := range []struct {
		sign  string
		paths []string
	}{{"+", u.Added}, {"~", u.Overwritten}, {"-", u.Removed}, {">", u.Moved}} {
		if len(part.paths) > 0 {
			words = append(words, fmt.Sprint(part.sign, len(part.paths)))
		}
	}
	for _, name := range plans {
		if c, there := u.Costs[name]; there {
			words = append(words, fmt.Sprintf("| %s %.2f s", name, c.Seconds))
		}
	}
	return strings.Join(words, " ")
}

// quiet hears nothing of what the pipeline says on its way: errors say what counts.
type quiet struct{}

func (quiet) Stage(string) pipeline.Stage { return quiet{} }
func (quiet) Warn(string)                 {}
func (quiet) Detail(string)               {}
func (quiet) Total(int64)                 {}
func (quiet) Add(int64)                   {}
func (quiet) Done(string)                 {}
func (quiet) Failed()                     {}
