package pipeline

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// tagExactly writes the tag of commit and inputs, which never changes.
func (p *pushing) tagExactly(ctx context.Context) error {
	name := p.built.tagNames()[0]
	if p.tags[0] == (v1.Hash{}) {
		return p.write(ctx, name, TagWritten)
	}
	p.tagged(name, TagThere, "")
	if p.tags[0] == p.index.Digest {
		return nil
	}
	return p.takePublished(ctx, p.tags[0])
}

// tagCommit writes the commit's tag, unless it stands for an earlier image of the commit: that one stays.
func (p *pushing) tagCommit(ctx context.Context) error {
	name := p.built.tagNames()[1]
	switch p.tags[1] {
	case v1.Hash{}:
		return p.write(ctx, name, TagWritten)
	case p.index.Digest:
		p.tagged(name, TagThere, "")
		return nil
	}
	first, err := readPublished(ctx, p.repository, name)
	if err != nil {
		return err
	}
	holds := p.tags[1].String()
	if first != nil && first.ours {
		holds = describe(first.inputs, first.index.Annotations[InputsAnnotation])
	}
	p.tagged(name, TagLeft, fmt.Sprintf("it holds the image first published for the commit (%s); this one is %s", holds, p.built.tagNames()[0]))
	return nil
}

// write writes a tag that is not there. An image repository whose tags are immutable refuses even what is there already
// (another push may have been faster): equal is no error.
func (p *pushing) write(ctx context.Context, name, state string) error {
	if p.session.config.DryRun {
		p.tagged(name, TagLater, "")
		return nil
	}
	if err := p.repository.Put(ctx, name, p.index); err != nil {
		if there, lookErr := p.repository.Head(ctx, name); lookErr != nil || there != p.index.Digest {
			return err
		}
		state = TagThere
	}
	p.tagged(name, state, "")
	return nil
}

func (p *pushing) tagged(name, state, note string) {
	p.result.Tags = append(p.result.Tags, PushedTag{name, state, note})
}

// grace is for how long a rival that has pushed at the same time is watched; who takes longer between check and write
// looks at all images himself.
const grace = 2 * time.Second

// moveTag moves the distribution's tag, never backwards. Image repositories have no compare-and-swap
// (distribution-spec#250), so that two pushes may both find an old image and write, the older one last. What helps is
// that each writes its exact tag first, and lists the tags before that and after moving:
//
//   - who finds a newer image among the exact tags that came meanwhile puts that one up instead of his own;
//   - who finds an older one watches for a while, and puts his own up again when it was overwritten;
//   - who was slow between his check and his write may have overwritten one that nobody watches any more: he says so.
func (p *pushing) moveTag(ctx context.Context) error {
	name := p.built.distribution.Tag
	if p.tags[2] == p.index.Digest {
		p.tagged(name, TagThere, "")
		return nil
	}
	m := p.move()
	const tries = 20
	for range tries {
		done, err := m.try(ctx)
		if done || err != nil {
			p.tagged(name, m.state, m.note)
			return err
		}
	}
	return &publish.Error{Doing: "move tag " + name, Repository: p.repository.Name(), Err: errors.New("other pushes move it all the time")}
}

// mayBePut finds out whether the image would be refused, before a tag is written that others take for a rival's. An older
// one is none: it gets its commit's tags, and is refused afterwards.
func (p *pushing) mayBePut(ctx context.Context) error {
	if p.published == nil {
		return nil
	}
	_, err := p.move().mayReplace(ctx, p.published)
	var refusal *BackwardsError
	if !errors.As(err, &refusal) {
		return err
	}
	order := refusal.order
	if order == unknown {
		order = compareTimes(p.published.inputs, p.built.report.Inputs)
	}
	if order == newer {
		return nil
	}
	return err
}

func (p *pushing) move() *move {
	return &move{
		pushing: p, tag: p.built.distribution.Tag, state: TagFailed,
		candidate: candidate{p.index, p.built.report.Inputs, p.built.report.InputsID},
	}
}

// move is the moving of a distribution's tag.
type move struct {
	*pushing
	tag string
	// candidate is what the tag is to stand for: ours, or a newer image that came meanwhile.
	candidate candidate
	written   bool
	// forced says that it would have been refused; slow, that so long passed between check and write that nobody watched.
	forced, slow bool
	// state and note are what becomes of it, for the summary.
	state, note string
}

// candidate is an image that a tag may stand for.
type candidate struct {
	publish.Manifest
	inputs   Inputs
	inputsID string
}

func (c candidate) String() string { return describe(c.inputs, c.inputsID) }

func (p *published) candidate() candidate {
	return candidate{p.Manifest, p.inputs, p.index.Annotations[InputsAnnotation]}
}

// try checks, writes and reads back, once.
func (m *move) try(ctx context.Context) (done bool, err error) {
	began := time.Now()
	current, err := m.current(ctx)
	if err != nil {
		return false, err
	}
	if current == nil || current.Digest != m.candidate.Digest {
		if may, err := m.mayReplace(ctx, current); !may || err != nil {
			m.state = TagLeft
			return true, err
		}
		if m.session.config.DryRun {
			m.state = TagLater
			if current != nil {
				m.note = m.from(current)
			}
			return true, nil
		}
		if err := m.put(ctx, current); err != nil {
			return false, err
		}
	}
	m.slow = m.slow || time.Since(began) > grace
	return m.settle(ctx)
}

// TagRefusedError says that the image repository does not let a tag move.
type TagRefusedError struct {
	Tag string
	Err error
}

func (e *TagRefusedError) Error() string { return e.Err.Error() }

// Unwrap is a *publish.Error.
func (e *TagRefusedError) Unwrap() error { return e.Err }

// put writes the tag. Hosts with immutable tags have no answer of their own in common: 400, 403, 409 and 412 are in use.
func (m *move) put(ctx context.Context, current *published) error {
	err := m.repository.Put(ctx, m.tag, m.candidate.Manifest)
	if err != nil {
		if up, lookErr := m.isUp(ctx); lookErr == nil && up {
			err = nil // the answer was lost, not the tag
		}
	}
	var refused *publish.Error
	if current != nil && errors.As(err, &refused) && slices.Contains([]int{400, 403, 409, 412}, refused.Status) {
		return &TagRefusedError{m.tag, err}
	}
	if err != nil || m.written {
		return err
	}
	m.state, m.written = TagWritten, true
	if current != nil {
		m.state, m.note = TagMoved, m.from(current)
	}
	return nil
}

// from says what was there before, and why it was given up if that was asked for.
func (m *move) from(before *published) string {
	name := before.Digest.String()
	if before.ours {
		name = before.candidate().String()
	}
	if m.forced {
		return "from " + name + "; forced: " + m.session.config.Reason
	}
	return "from " + name
}

// current is what the tag stands for now. What has been read of it before is not read again.
func (m *move) current(ctx context.Context) (*published, error) {
	digest, err := m.repository.Head(ctx, m.tag)
	if err != nil || digest == (v1.Hash{}) {
		return nil, err
	}
	if m.published == nil || m.published.Digest != digest {
		m.published, err = readPublished(ctx, m.repository, digest.String())
	}
	return m.published, err
}

// mayReplace says whether the candidate may take the place of what is there. That it may not is an error, unless what is
// there came after ours had been put up. The error is a *BackwardsError.
func (m *move) mayReplace(ctx context.Context, there *published) (bool, error) {
	if there == nil {
		return true, nil
	}
	refusal := &BackwardsError{
		Distribution: m.built.distribution.Name, Tag: m.tag, Ours: m.candidate.String(), Published: there.Digest.String(), Foreign: !there.ours,
	}
	if !there.ours {
		return m.refuse(refusal)
	}
	refusal.Published = there.candidate().String()
	order, err := m.session.compare(ctx, there.inputs, m.candidate.inputs)
	if order == unknown && m.written {
		order = compareTimes(there.inputs, m.candidate.inputs) // a rival's commit may have come after STORAGE was read
	}
	switch {
	case err != nil:
		return false, err
	case order == older, order == same && !m.written:
		return true, nil
	case m.written:
		m.note = "another push has put up " + refusal.Published + " meanwhile"
		return false, nil
	}
	refusal.order, refusal.Unknown = order, order == unknown
	return m.refuse(refusal)
}

// refuse is a refusal, unless FORCE is set.
func (m *move) refuse(refusal *BackwardsError) (bool, error) {
	if m.session.config.Force {
		m.forced = true
		return true, nil
	}
	return false, refusal
}

// exactTag is the form of the tag of commit and inputs.
var exactTag = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})-[0-9a-f]{12}$`)

// list remembers which tags there are. An image repository that does not list its tags must do without the protection
// against rivals.
func (p *pushing) list(ctx context.Context) error {
	tags, listed, err := p.repository.Tags(ctx)
	p.listed = listed
	p.seen = map[string]bool{}
	for _, tag := range tags {
		p.seen[tag] = true
	}
	return err
}

// settle looks for images of the same distribution that were pushed at the same time, and reads the tag back. done is
// false where the candidate is another one now, or has to be put up again.
func (m *move) settle(ctx context.Context) (done bool, err error) {
	if !m.listed || m.session.config.Force {
		return m.isUp(ctx)
	}
	best, contended, err := m.rivals(ctx)
	if err != nil {
		return false, err
	}
	if best.Digest != m.candidate.Digest {
		m.candidate, m.state = best, TagLeft
		m.note = "a newer image was pushed at the same time: " + best.String()
		return false, nil
	}
	if m.slow {
		return m.lookBack(ctx)
	}
	if !contended {
		return m.isUp(ctx)
	}
	for end := time.Now().Add(grace); time.Now().Before(end); {
		if up, err := m.isUp(ctx); !up || err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(grace / 20):
		}
	}
	return m.isUp(ctx)
}

// SlowError says that a tag was moved so slowly that another push's newer image may have been overwritten. It may also
// have been given up on purpose: a person must decide.
type SlowError struct{ Tag, Ours, Newer string }

func (e *SlowError) Error() string {
	return fmt.Sprintf("tag %s was moved to %s, but so slowly that it may have overwritten a newer image, %s", e.Tag, e.Ours, e.Newer)
}

// lookBack looks for newer images that were there before: one of them may have been put up between our check and write.
func (m *move) lookBack(ctx context.Context) (bool, error) {
	m.seen = map[string]bool{}
	best, _, err := m.rivals(ctx)
	if err == nil && best.Digest != m.candidate.Digest {
		err = &SlowError{m.tag, m.candidate.String(), best.String()}
	}
	if err != nil {
		return false, err
	}
	return m.isUp(ctx)
}

// rivals looks at the images that were pushed since the tags were first listed: best is the newest of them and the
// candidate, contended says that there are others which might overwrite it.
func (m *move) rivals(ctx context.Context) (best candidate, contended bool, err error) {
	best = m.candidate
	tags, _, err := m.repository.Tags(ctx)
	if err != nil {
		return best, false, err
	}
	for _, tag := range tags {
		if m.seen[tag] || !exactTag.MatchString(tag) || tag == m.built.tagNames()[0] {
			continue
		}
		rival, err := m.rival(ctx, tag, best)
		if err != nil {
			return best, false, err
		}
		if rival == nil {
			contended = true
			continue
		}
		best = *rival
	}
	return best, contended, nil
}

// rival is the image of an exact tag, if it is newer than the best so far. Commits that came after STORAGE was read are
// compared by their times: both images were let through, and one must stay.
func (m *move) rival(ctx context.Context, tag string, best candidate) (*candidate, error) {
	commit, _, _ := strings.Cut(tag, "-")
	relation, err := m.session.storage.Relation(ctx, object.ID(commit), m.built.report.Inputs.Commit)
	if err != nil || relation == gitstore.Ancestor || relation == gitstore.Diverged {
		return nil, err // older, or on another branch: nothing that has to be read
	}
	found, err := readPublished(ctx, m.repository, tag)
	if err != nil || found == nil || !found.ours || found.inputs.Distribution != m.built.distribution.Name {
		return nil, err
	}
	order, err := m.session.compare(ctx, found.inputs, best.inputs)
	if order == unknown {
		order = compareTimes(found.inputs, best.inputs)
	}
	if err != nil || order != newer {
		return nil, err
	}
	rival := found.candidate()
	return &rival, nil
}

// isUp reads the distribution's tag back.
func (m *move) isUp(ctx context.Context) (bool, error) {
	digest, err := m.repository.Head(ctx, m.tag)
	return digest == m.candidate.Digest, err
}
