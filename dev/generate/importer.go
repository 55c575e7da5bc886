package generate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// importer streams a storage into git fast-import. Its first error stays, and makes all that follows do nothing.
type importer struct {
	ctx    context.Context
	dir    string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    *bufio.Writer
	said   bytes.Buffer
	failed error
	// refused is the error if it is ours, not git's.
	refused error

	marks    int
	changes  []byte // of the next commit, in fast-import's words
	commits  int
	files    int      // of the package that is being written
	bytes    int64    // of them
	branches []Branch // the last one is being written
}

// blob is a file's content in git. Equal contents have several marks; git keeps them once.
type blob struct {
	mark int
	size int64 // bytes
}

// packing is how git packs what it is given.
type packing struct {
	compression int // zlib's level, 0 to 9
	// deltas is the length of chains of differences, at most. They pay for folders of thousands of versions; each file
	// is only compared to the one before it, which costs more time than it saves space.
	deltas int
}

var packed = packing{compression: 1}

// streamed is the size in bytes from which git does not keep a file in memory.
const streamed = 8 << 20

// newImporter makes the repository and starts git.
func newImporter(ctx context.Context, dir string, pack packing) (*importer, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the storage's folder: %w", err)
	}
	im := &importer{ctx: ctx, dir: dir}
	if _, err := im.git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--initial-branch=production", dir); err != nil {
		return nil, err
	}
	im.cmd = im.command("--git-dir="+dir, "-c", "core.bigFileThreshold="+strconv.Itoa(streamed),
		"-c", "pack.compression="+strconv.Itoa(pack.compression), "-c", "fastimport.unpackLimit=0",
		"fast-import", "--quiet", "--done", "--date-format=raw", "--depth="+strconv.Itoa(pack.deltas))
	im.cmd.Stderr = &im.said
	if im.stdin, err = im.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start git fast-import: %w", err)
	}
	if err := im.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git fast-import: %w", err)
	}
	im.out = bufio.NewWriterSize(im.stdin, 1<<20)
	return im, nil
}

// command is a git that heeds no settings but those it is given here: the ids must not depend on a user.
func (im *importer) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(im.ctx, "git", args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "GIT_") })
	cmd.Env = append(cmd.Env, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// git runs a git command to its end and returns what it printed.
func (im *importer) git(args ...string) (string, error) {
	cmd := im.command(args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", im.explain(err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func (im *importer) explain(err error, said string) error {
	if im.ctx.Err() != nil {
		return fmt.Errorf("generate a storage: %w", context.Cause(im.ctx))
	}
	if said = strings.TrimSpace(said); said != "" {
		return fmt.Errorf("git: %w: %s", err, said)
	}
	return fmt.Errorf("git: %w", err)
}

// ended says that there is no use in going on.
func (im *importer) ended() bool {
	if im.failed == nil {
		im.failed = im.ctx.Err()
	}
	return im.failed != nil
}

// refuse ends the import: the storage can't be made.
func (im *importer) refuse(err error) {
	if im.failed == nil {
		im.failed, im.refused = err, err
	}
}

func (im *importer) print(format string, args ...any) {
	if im.failed == nil {
		_, im.failed = fmt.Fprintf(im.out, format, args...)
	}
}

func (im *importer) write(content []byte) {
	if im.failed == nil {
		_, im.failed = im.out.Write(content)
	}
}

// blob adds a file's content.
func (im *importer) blob(content []byte) blob {
	b := im.begin(int64(len(content)))
	im.write(content)
	im.print("\n")
	return b
}

func (im *importer) begin(size int64) blob {
	im.marks++
	im.print("blob\nmark :%d\ndata %d\n", im.marks, size)
	return blob{im.marks, size}
}

// random adds content that no compression makes smaller. It is never in memory whole.
func (im *importer) random(seed uint64, size int64) blob {
	b := im.begin(size)
	if im.failed == nil {
		var key [32]byte
		for i := range key {
			key[i] = byte(mix(seed, uint64(i)))
		}
		_, im.failed = io.CopyN(im.out, rand.NewChaCha8(key), size)
	}
	im.print("\n")
	return b
}

// branch begins a branch, without a parent.
func (im *importer) branch(name string) { im.branches = append(im.branches, Branch{Name: name}) }

// begun begins the production branch of a storage that has one registry version all the time.
func (im *importer) begun() {
	im.branch("production")
	putRoot(im, registryVersion(0))
}

// put places a file on the branch, with the next commit.
func (im *importer) put(path string, executable bool, content blob) {
	mode := "M 100644 :"
	if executable {
		mode = "M 100755 :"
	}
	im.changes = append(im.changes, mode...)
	im.changes = strconv.AppendInt(im.changes, int64(content.mark), 10)
	im.changes = append(append(append(im.changes, ' '), path...), '\n')
}

// putInPackage places a file of the package that is being written: below the package's folder.
func (im *importer) putInPackage(path string, executable bool, content blob) {
	im.put(unplaced+"/"+path, executable, content)
	im.files++
	im.bytes += content.size
}

// unplaced is the folder in which a package is put together. git looks through a folder's names one by one, so thousands
// of packages are sought once each, rather than once for each of their files.
const unplaced = "unplaced"

// place moves the package that was put together to its folder.
func (im *importer) place(name, version string) {
	im.changes = append(im.changes, "R "+unplaced+" packages/"+name+"/"+version+"\n"...)
	b := &im.branches[len(im.branches)-1]
	b.Packages++
	b.Files += im.files
	b.Bytes += im.bytes
	im.files, im.bytes = 0, 0
}

// The first commit's time is in the months that were measured; there was one in three days.
var (
	firstCommit  = time.Date(2022, time.July, 4, 9, 0, 0, 0, time.UTC)
	commitsApart = 72 * time.Hour
)

// commit commits all that was put since the last one.
func (im *importer) commit(message string) {
	b := &im.branches[len(im.branches)-1]
	b.Commits++
	who := fmt.Sprintf("Generator <generator@example.com> %d +0000", firstCommit.Add(time.Duration(im.commits)*commitsApart).Unix())
	im.commits++
	im.print("commit refs/heads/%s\nauthor %s\ncommitter %s\ndata %d\n%s\n", b.Name, who, who, len(message), message)
	im.write(im.changes)
	im.print("\n")
	im.changes = im.changes[:0]
}

// close ends git. Branches appear in the repository only now.
func (im *importer) close() ([]Branch, error) {
	im.print("done\n")
	if im.failed == nil {
		im.failed = im.out.Flush()
	}
	err := errors.Join(im.stdin.Close(), im.cmd.Wait())
	if im.refused != nil {
		return nil, im.refused
	}
	if err != nil {
		return nil, im.explain(err, im.said.String())
	}
	if im.failed != nil {
		return nil, fmt.Errorf("write to git fast-import: %w", im.failed)
	}
	for i := range im.branches {
		if im.branches[i].Head, err = im.git("--git-dir="+im.dir, "rev-parse", "--verify", "refs/heads/"+im.branches[i].Name); err != nil {
			return nil, err
		}
	}
	return im.branches, nil
}
