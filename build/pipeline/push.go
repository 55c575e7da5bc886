package pipeline

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// PushResult is what pushing one distribution came to. Bytes are those of bodies.
type PushResult struct {
	Distribution, Repository, Digest string
	Commit                           string
	InputsID                         string
	Tags                             []PushedTag
	// Sent blobs went over the wire, Mounted ones came from another repository of the same host, There ones the image
	// repository had. In a dry run, Sent is the most that would be.
	Sent, Mounted, There int
	SentBytes            int64
	Requests, Up, Down   int64
	Seconds              float64
	DryRun               bool
}

// PushedTag is a tag and what was done about it.
type PushedTag struct {
	Name, State string
	// Note says why it is not as one might expect.
	Note string
}

// The states of tags.
const (
	TagWritten = "written"
	TagThere   = "there" // as it should be
	TagLeft    = "left"  // it names another image, which stays
	TagMoved   = "moved" // from another image
	TagLater   = "to be written"
	TagFailed  = "not written"
)

// pushing is the push of one image.
type pushing struct {
	session    *Session
	built      *built
	repository *publish.Repository
	// index is what tags are to stand for: the built image's, or that which was published of the same inputs before.
	index     publish.Manifest
	published *published // what the distribution's tag stands for; nil where there is none
	tags      [3]v1.Hash // what they stand for; zero where they are not there
	seen      map[string]bool
	wary      bool // a blob had vanished: none is mounted that can be sent
	listed    bool // the image repository says which tags it has
	result    PushResult
}

// Push pushes what was built of a distribution: blobs, manifests, and then the tags: the one of commit and inputs, the
// commit's, the distribution's (DESIGN: tags).
// Errors: those of Built, *BackwardsError, *publish.Error, *publish.MissingBlobError.
func (s *Session) Push(ctx context.Context, name string) (PushResult, error) {
	start := time.Now()
	d, err := s.table.Lookup(name)
	if err != nil {
		return PushResult{}, err
	}
	unlock, err := s.lockOutput(ctx)
	if err != nil {
		return PushResult{}, err
	}
	defer unlock()
	b, err := s.readBuilt(d)
	if err != nil {
		return PushResult{}, err
	}
	if b == nil {
		return PushResult{}, &NothingBuiltError{s.config.Dist}
	}
	if err := s.pushable(b); err != nil {
		return PushResult{}, err
	}
	repository, err := s.repository(d)
	if err != nil {
		return PushResult{}, err
	}
	p := &pushing{session: s, built: b, repository: repository, index: b.index, result: PushResult{
		Distribution: name, Repository: repository.Name(), Digest: b.report.Index, Commit: string(b.report.Inputs.Commit),
		InputsID: b.report.InputsID, DryRun: s.config.DryRun,
	}}
	before := repository.Traffic()
	err = p.push(ctx)
	after := repository.Traffic()
	p.result.Requests, p.result.Up, p.result.Down = after.Requests-before.Requests, after.Up-before.Up, after.Down-before.Down
	p.result.Seconds = time.Since(start).Seconds()
	return p.result, err
}

// tagNames are the exact tag, the commit's and the distribution's, in the order in which they are written.
func (b *built) tagNames() [3]string {
	commit := string(b.report.Inputs.Commit)
	return [3]string{commit + "-" + b.report.InputsID[:12], commit, b.distribution.Tag}
}

func (p *pushing) push(ctx context.Context) error {
	err := p.lookUpTags(ctx)
	if !p.session.config.DryRun && unseen(err) {
		return p.pushFirst(ctx)
	}
	if err != nil {
		return err
	}
	names := p.built.tagNames()
	if p.tags == [3]v1.Hash{p.index.Digest, p.index.Digest, p.index.Digest} {
		p.result.There = len(p.built.blobs())
		for _, name := range names {
			p.result.Tags = append(p.result.Tags, PushedTag{Name: name, State: TagThere})
		}
		return nil
	}
	// A large image takes a while to send: tags are looked up again before any is written.
	return inTurn(ctx, p.lookAround, p.mayBePut, p.pushImage, p.lookUpTags, p.tagExactly, p.tagCommit, p.moveTag)
}

// pushFirst pushes into a repository that can't be asked for its tags: some hosts refuse to read what is not there yet.
// Once it has the image it can be, or no tag is written.
func (p *pushing) pushFirst(ctx context.Context) error {
	p.tags = [3]v1.Hash{}
	return inTurn(ctx, p.pushImage, p.lookUpTags, p.lookAround, p.mayBePut, p.tagExactly, p.tagCommit, p.moveTag)
}

// unseen says whether the image repository refuses to be read.
func unseen(err error) bool {
	var refused *publish.Error
	return errors.As(err, &refused) && refused.Reason == publish.Forbidden
}

// inTurn takes steps one after the other, up to the first that fails.
func inTurn(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lookUpTags asks once for each tag, for all at once; the error is the first tag's that has one.
func (p *pushing) lookUpTags(ctx context.Context) error {
	var group sync.WaitGroup
	var errs [len(p.tags)]error
	for i, name := range p.built.tagNames() {
		group.Go(func() { p.tags[i], errs[i] = p.repository.Head(ctx, name) })
	}
	group.Wait()
	return firstError(errs[:]...)
}

// lookAround reads what the distribution's tag stands for, if it is to move, and lists the tags that are there before
// ours is (see moveTag).
func (p *pushing) lookAround(ctx context.Context) error {
	if p.tags[2] == p.index.Digest {
		return nil
	}
	if err := p.list(ctx); err != nil {
		return err
	}
	if !p.listed {
		p.session.report.Warn(p.repository.Name() + " does not list its tags: pushes of this distribution must not run at the same time")
	}
	if p.tags[2] == (v1.Hash{}) {
		return nil
	}
	var err error
	p.published, err = readPublished(ctx, p.repository, p.built.distribution.Tag)
	return err
}

// pushImage sends blobs and manifests, unless the exact tag says that they are there.
func (p *pushing) pushImage(ctx context.Context) error {
	if p.tags[0] != (v1.Hash{}) {
		p.result.There = len(p.built.blobs())
		return nil // ours, or see takePublished
	}
	there, err := p.blobsThere(ctx)
	if err != nil {
		return err
	}
	if p.session.config.DryRun {
		p.countLater(there)
		return nil
	}
	stage := p.session.report.Stage("push " + p.built.distribution.Name)
	if err := p.sendImage(ctx, there, stage); err != nil {
		stage.Failed()
		return err
	}
	stage.Done(fmt.Sprintf("%d blobs sent, %d mounted, %d there already", p.result.Sent, p.result.Mounted, p.result.There))
	return nil
}

// TakenTagError says that the tag which names exactly our inputs holds something that was not made of them.
type TakenTagError struct{ Tag, Digest string }

func (e *TakenTagError) Error() string {
	return fmt.Sprintf("tag %s holds %s, which does not say that it was made of the same inputs", e.Tag, e.Digest)
}

// takePublished goes on with the image that was published of the same inputs before, by another version of the pipeline.
func (p *pushing) takePublished(ctx context.Context, exact v1.Hash) error {
	found, err := readPublished(ctx, p.repository, exact.String())
	if err != nil {
		return err
	}
	if found == nil || !found.ours || found.index.Annotations[InputsAnnotation] != p.built.report.InputsID {
		return &TakenTagError{p.built.tagNames()[0], exact.String()}
	}
	p.session.report.Warn(fmt.Sprintf("the same inputs have been published before, as %s; that image stays, ours (%s) is not pushed", exact,
		p.index.Digest))
	p.index = found.Manifest
	p.result.Digest = exact.String()
	return nil
}

// blobsThere are blobs that the image repository is known to have: those of the image that is to be replaced. All others
// are asked for one by one.
func (p *pushing) blobsThere(ctx context.Context) (map[v1.Hash]bool, error) {
	there := map[v1.Hash]bool{}
	if p.published == nil {
		return there, nil
	}
	manifests, err := p.published.manifests(ctx)
	for _, m := range manifests {
		there[m.Config.Digest] = true
		for _, d := range m.Layers {
			there[d.Digest] = true
		}
	}
	return there, err
}

func (p *pushing) countLater(there map[v1.Hash]bool) {
	for _, d := range p.built.blobs() {
		if there[d.Digest] {
			p.result.There++
			continue
		}
		p.result.Sent++
		p.result.SentBytes += d.Size
	}
}

// sendImage sends blobs, then manifests. Where a manifest is refused since a blob has vanished meanwhile, all are looked
// for again.
func (p *pushing) sendImage(ctx context.Context, there map[v1.Hash]bool, stage Stage) error {
	const tries = 3
	for try := 1; ; try++ {
		if err := p.sendBlobs(ctx, there, stage); err != nil {
			return err
		}
		err := p.sendManifests(ctx)
		var vanished *publish.VanishedError
		if !errors.As(err, &vanished) || try == tries {
			return err
		}
		p.session.report.Warn("a blob has vanished from the image repository; it is sent again")
		if err := p.repository.Forget(vanished.Lost...); err != nil {
			return err
		}
		there, p.wary = nil, true
	}
}

func (p *pushing) sendBlobs(ctx context.Context, there map[v1.Hash]bool, stage Stage) error {
	var wanted []v1.Descriptor
	var total int64
	all := p.built.blobs()
	for _, d := range all {
		if !there[d.Digest] {
			wanted = append(wanted, d)
			total += d.Size
		}
	}
	stage.Total(total)
	from := p.origins()
	var sent, sentBytes atomic.Int64
	mounted := p.repository.Traffic().Mounted
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.repository.Jobs())
	for _, d := range wanted {
		group.Go(func() error {
			wasSent, err := p.repository.Send(ctx, publish.Blob{
				Descriptor: d, Open: func() (io.ReadCloser, error) { return p.built.open(d.Digest) }, From: from(d.Digest), Progress: stage.Add,
			})
			if err != nil {
				return err
			}
			if wasSent {
				sent.Add(1)
				sentBytes.Add(d.Size)
			} else {
				stage.Add(d.Size)
			}
			return p.remember(d)
		})
	}
	err := group.Wait()
	p.result.Sent, p.result.Mounted = int(sent.Load()), int(p.repository.Traffic().Mounted-mounted) // of this try
	p.result.SentBytes += sentBytes.Load()
	p.result.There = len(all) - p.result.Sent - p.result.Mounted
	return err
}

// sendManifests writes those of platforms, then the index, each by its digest.
func (p *pushing) sendManifests(ctx context.Context) error {
	for _, m := range p.built.manifests {
		if err := p.repository.Put(ctx, m.Digest.String(), m.Manifest); err != nil {
			return err
		}
	}
	return p.repository.Put(ctx, p.index.Digest.String(), p.index)
}

// origins says of a blob which other repository of the same host may have it: that of an upstream distribution, the
// base's, or where this machine has sent it before.
func (p *pushing) origins() func(v1.Hash) string {
	ofBase := ""
	if name := p.built.report.Inputs.Base; name != base.PreviewName && name != base.LayoutName {
		ofBase = name
	}
	branches := map[string]string{}
	for _, up := range p.built.report.Inputs.Upstreams {
		if d, err := p.session.table.Lookup(up.Distribution); err == nil && p.session.config.Image == "" {
			branches[up.Branch] = p.session.table.Repository(d)
		}
	}
	known := map[string]string{}
	for _, l := range p.built.report.Layers {
		// Only a distribution that has all of its packages may have the layer.
		if n := len(l.Branches); n > 0 { // an older build does not name them
			known[l.Digest] = branches[l.Branches[n-1]]
		}
		if l.Repository != "" && l.Repository != p.repository.Name() {
			known[l.Digest] = l.Repository
		}
	}
	return func(digest v1.Hash) string {
		if p.wary && p.built.has(digest) {
			return ""
		}
		if origin, ofPackages := known[digest.String()]; ofPackages && origin != "" {
			return origin
		}
		var last sentTo
		if there, err := p.session.cache.Record(sentKind, p.sentKey(digest), &last); err == nil && there {
			return last.Repository
		}
		return ofBase
	}
}

// sentTo is the record of a repository that a blob was last seen in.
type sentTo struct{ Repository string }

const sentKind = "sent"

func (p *pushing) sentKey(digest v1.Hash) string {
	return sum([]byte(p.repository.Host() + " " + digest.String()))
}

func (p *pushing) remember(d v1.Descriptor) error {
	if d.MediaType.IsConfig() {
		return nil // too small to be worth it
	}
	return p.session.cache.PutRecord(sentKind, p.sentKey(d.Digest), sentTo{p.repository.Name()})
}
