package generate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
)

// Options say which storage is made, and where.
type Options struct {
	// Dir is the folder of the bare repository. It must not exist, or be empty; its parent must exist. What a failure
	// leaves in it is removed.
	Dir string
	// Scale multiplies the number of families, versions and commits, but leaves updates as large as they are. 0 means 1.
	Scale float64
	// Seed is what all randomness begins with.
	Seed uint64
	// AllBranches asks for staging and snapshot too, with versions that production does not have yet. Only History
	// heeds it.
	AllBranches bool
}

// Branch is a branch that was made.
type Branch struct {
	Name     string
	Head     string // commit id, 40 hex digits
	Commits  int    // on the first-parent history, which is all there is
	Packages int    // at the head
	Files    int    // of all packages
	Bytes    int64  // of all packages' files, equal ones counted each time
}

// ErrNotEmpty says that there is something already where the storage should go.
var ErrNotEmpty = errors.New("the folder is not empty")

// Shape is a storage that can be made, in its usual size times Options.Scale. The first of the branches is production.
// The errors are ErrNotEmpty, the context's, and git's.
type Shape func(ctx context.Context, o Options) ([]Branch, error)

// Shapes are all storages there are, by name.
var Shapes = map[string]Shape{
	"history": History,
	"huge": func(ctx context.Context, o Options) ([]Branch, error) {
		return Huge(ctx, o, int64(o.scale()*3e9))
	},
	"tiny": func(ctx context.Context, o Options) ([]Branch, error) {
		return Tiny(ctx, o, o.times(50_000))
	},
	"versions": func(ctx context.Context, o Options) ([]Branch, error) {
		return Versions(ctx, o, o.times(5_000), 10)
	},
	"same": func(ctx context.Context, o Options) ([]Branch, error) {
		return Same(ctx, o, o.times(1_000), 100)
	},
	"unique": func(ctx context.Context, o Options) ([]Branch, error) {
		return Unique(ctx, o, o.times(300), 100)
	},
}

func (o Options) scale() float64 {
	if o.Scale == 0 {
		return 1
	}
	return o.Scale
}

// times is a number of things at this scale: one at least.
func (o Options) times(n int) int { return max(1, int(math.Round(float64(n)*o.scale()))) }

func (o Options) check() error {
	if !(o.scale() > 0) || math.IsInf(o.Scale, 1) { // so that NaN is refused too
		return fmt.Errorf("a scale of %v: it must be more than 0", o.Scale)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look at the storage's folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w", o.Dir, ErrNotEmpty)
	}
	return nil
}

// generate lets write fill a storage, and takes back all of it when that fails.
func generate(ctx context.Context, o Options, pack packing, write func(*importer)) ([]Branch, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	_, err := os.Stat(o.Dir)
	existed := err == nil
	branches, err := importAll(ctx, o.Dir, pack, write)
	if err != nil {
		return nil, errors.Join(err, remove(o.Dir, existed))
	}
	return branches, nil
}

func importAll(ctx context.Context, dir string, pack packing, write func(*importer)) ([]Branch, error) {
	im, err := newImporter(ctx, dir, pack)
	if err != nil {
		return nil, err
	}
	write(im)
	return im.close()
}

// remove removes what is in the storage's folder, and the folder itself if it is ours.
func remove(dir string, keep bool) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the unfinished storage: %w", err)
	}
	if !keep {
		return nil
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("remove the unfinished storage: %w", err)
	}
	return nil
}
