package gitstore

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Reader reads objects through one git process that lives as long as the reader. It is for one goroutine: to read in
// parallel, take several. After an error it can only be closed.
type Reader struct {
	storage *Storage
	ended   func() error // why the context ended, if it did
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  bytes.Buffer
	broken  error
}

// Reader starts a git process. Close it.
func (s *Storage) Reader(ctx context.Context) (*Reader, error) {
	r := &Reader{storage: s, ended: ctx.Err}
	// batch-command, unlike batch, can be told to flush, which a long-lived process with --buffer needs (git 2.36).
	r.cmd = s.command(ctx, "--no-replace-objects", "cat-file", "--batch-command", "--buffer")
	r.cmd.Stderr = &r.stderr
	r.cmd.WaitDelay = time.Second
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, errors.Wrap(err, "start git cat-file")
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Wrap(err, "start git cat-file")
	}
	r.out = bufio.NewReaderSize(out, 256<<10)
	if err := r.cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, ErrNoGit
		}
		return nil, errors.Wrap(err, "start git cat-file")
	}
	return r, nil
}

// Close ends the git process.
func (r *Reader) Close() error {
	r.in.Close()
	if r.broken != nil {
		r.cmd.Process.Kill()
	}
	io.Copy(io.Discard, r.out)
	if err := r.cmd.Wait(); err != nil && r.broken == nil && r.ended() == nil {
		return r.failure(err)
	}
	return nil
}

// Blobs reads blobs in the order of ids and hands each to use, with its size in bytes. What use leaves unread is
// skipped. Errors: *object.LostError, those of use.
func (r *Reader) Blobs(ids []object.ID, use func(i int, size int64, content io.Reader) error) error {
	return r.each("contents", ids, func(i int, kind string, size int64) error {
		if kind != "blob" {
			return &object.LostError{ID: ids[i], Kind: kind, Want: "blob"}
		}
		// Git does not compare what it reads with its id, and all that is made of it is kept under ids.
		sum := object.Hash(ids[i], kind, size)
		left := &io.LimitedReader{R: r.out, N: size}
		content := io.TeeReader(left, sum)
		if err := use(i, size, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil || left.N > 0 {
			return r.failure(cmp.Or(err, io.ErrUnexpectedEOF))
		}
		if object.FromRaw(sum.Sum(nil)) != ids[i] {
			return &object.LostError{ID: ids[i], Damaged: true}
		}
		return r.skip(1) // git ends each object with a newline
	})
}

// Sizes are the sizes of blobs in bytes. Errors: *object.LostError.
func (r *Reader) Sizes(ids []object.ID) ([]int64, error) {
	sizes := make([]int64, len(ids))
	err := r.each("info", ids, func(i int, kind string, size int64) error {
		if kind != "blob" {
			return &object.LostError{ID: ids[i], Kind: kind, Want: "blob"}
		}
		sizes[i] = size
		return nil
	})
	return sizes, err
}

// Trees reads tree objects. Errors: *object.LostError.
func (r *Reader) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	trees := make([][]object.TreeEntry, len(ids))
	err := r.whole("tree", ids, func(i int, content []byte) (err error) {
		trees[i], err = parseTree(content, len(ids[i])/2)
		return errors.Wrapf(err, "read tree %s", ids[i])
	})
	return trees, err
}

// Blob reads one blob into memory.
func (r *Reader) Blob(id object.ID) (content []byte, err error) {
	err = r.whole("blob", []object.ID{id}, func(_ int, read []byte) error {
		content = bytes.Clone(read)
		return nil
	})
	return content, err
}

// Commit is what the pipeline needs of a commit object.
type Commit struct {
	Tree object.ID
	// Time is the committer's, in UTC.
	Time time.Time
	// Parents counts the commits that it follows: several, where branches were merged.
	Parents int
	// Message is what its author says; a lineage leaves both out.
	Message string
}

// Commit reads a commit object.
func (r *Reader) Commit(id object.ID) (commit Commit, err error) {
	err = r.whole("commit", []object.ID{id}, func(_ int, content []byte) error {
		commit, err = parseCommit(content)
		return errors.Wrapf(err, "read commit %s", id)
	})
	return commit, err
}

// whole reads objects of one kind, each into memory; content is valid until use returns.
func (r *Reader) whole(want string, ids []object.ID, use func(i int, content []byte) error) error {
	var buffer []byte
	return r.each("contents", ids, func(i int, kind string, size int64) error {
		if kind != want {
			return &object.LostError{ID: ids[i], Kind: kind, Want: want}
		}
		if int64(cap(buffer)) < size+1 {
			buffer = make([]byte, size+1)
		}
		buffer = buffer[:size+1]
		if _, err := io.ReadFull(r.out, buffer); err != nil {
			return r.failure(err)
		}
		sum := object.Hash(ids[i], kind, size)
		sum.Write(buffer[:size])
		if object.FromRaw(sum.Sum(nil)) != ids[i] {
			return &object.LostError{ID: ids[i], Damaged: true}
		}
		return use(i, buffer[:size])
	})
}

// each asks for all ids at once and reads the answers as they come: requests are written beside the reading, or
// both processes would wait for each other as soon as the pipes are full.
func (r *Reader) each(request string, ids []object.ID, answer func(i int, kind string, size int64) error) error {
	if len(ids) == 0 {
		return nil
	}
	if r.broken != nil {
		return r.broken
	}
	asked := make(chan error, 1)
	go func() { asked <- r.ask(request, ids) }()
	for i, id := range ids {
		kind, size, err := r.header(id)
		if err == nil {
			err = answer(i, kind, size)
		}
		if err != nil {
			r.broken = err
			r.cmd.Process.Kill() // what is under way can't be taken back
			<-asked
			return err
		}
	}
	if err := <-asked; err != nil {
		r.broken = r.failure(err)
		return r.broken
	}
	return nil
}

func (r *Reader) ask(request string, ids []object.ID) error {
	w := bufio.NewWriterSize(r.in, 64<<10)
	for _, id := range ids {
		w.WriteString(request)
		w.WriteByte(' ')
		w.WriteString(string(id))
		w.WriteByte('\n')
	}
	w.WriteString("flush\n")
	return w.Flush()
}

// header reads "<id> <kind> <size>" or "<id> missing".
func (r *Reader) header(id object.ID) (kind string, size int64, err error) {
	line, err := r.out.ReadString('\n')
	if err != nil {
		return "", 0, r.failure(err)
	}
	fields := strings.Fields(line)
	if len(fields) == 2 && fields[1] == "missing" {
		return "", 0, &object.LostError{ID: id}
	}
	if len(fields) != 3 || fields[0] != string(id) {
		return "", 0, errors.Errorf("git cat-file answered %q to the request for %s", strings.TrimSpace(line), id)
	}
	if size, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
		return "", 0, errors.Wrapf(err, "git cat-file answered %q", strings.TrimSpace(line))
	}
	return fields[1], size, nil
}

func (r *Reader) skip(n int64) error {
	if _, err := io.CopyN(io.Discard, r.out, n); err != nil {
		return r.failure(err)
	}
	return nil
}

// promised is how git says that a partial clone lacks an object and its remote does not help.
var promised = regexp.MustCompile(`could not fetch ([0-9a-f]{40,64}) from promisor remote`)

// failure says why the process ended, in git's words where it left any.
func (r *Reader) failure(err error) error {
	if ended := r.ended(); ended != nil {
		r.cmd.Process.Kill()
		return ended
	}
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		r.cmd.Process.Kill()
	}
	r.cmd.Wait() // only then is all of stderr there; a second Wait returns an error that nobody needs
	if said := strings.TrimSpace(r.stderr.String()); said != "" {
		if match := promised.FindStringSubmatch(said); match != nil {
			return &object.LostError{ID: object.ID(match[1])}
		}
		if strings.Contains(said, "unknown option") {
			return ErrOldGit
		}
		return &GitError{Command: "cat-file", Dir: r.storage.dir, Said: said}
	}
	return errors.Wrapf(err, "git cat-file in %s ended too early", r.storage.dir)
}
