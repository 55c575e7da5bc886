//go:build unix

package push_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// watcher looks at the image repository itself whenever a tag was written, before the client learns of it.
type watcher struct {
	repository repository
	ages       map[string]int // an index's digest -> its generation

	mu      sync.Mutex
	tags    map[string]string // tag -> digest, as last written
	whole   map[string]bool   // digests of which nothing is missing
	checked int
	wrong   []string
	// steps are those of distributions' tags backwards.
	steps []string
}

// watch begins with what the image repository holds.
func watch(r repository, holds []*release, ages map[string]int) *watcher {
	w := &watcher{repository: r, ages: ages, tags: map[string]string{}, whole: map[string]bool{}}
	for _, one := range holds {
		for distribution, image := range one.images {
			w.tags[image.exactTag()], w.tags[image.commit], w.tags[distribution] = image.index, image.index, image.index
		}
	}
	return w
}

// wrote is the proxy's hook.
func (w *watcher) wrote(r proxy.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(r.Body))
	before, was := w.tags[r.Reference]
	w.tags[r.Reference] = digest
	w.checked++
	if missing := w.missing(digest, r.Body); missing != "" {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: tag %s stands for %s, of which %s is missing", r, r.Reference, digest, missing))
	}
	switch {
	case !was || before == digest:
	case !slices.Contains(upstreamFirst, r.Reference):
		w.wrong = append(w.wrong, fmt.Sprintf("%s: tag %s stood for %s and now stands for %s", r, r.Reference, before, digest))
	case w.ages[digest] < w.ages[before]:
		w.steps = append(w.steps, fmt.Sprintf("%s: from generation %d to %d", r, w.ages[before], w.ages[digest]))
	}
}

// missing names something that a manifest refers to and the image repository lacks; empty where it has all.
func (w *watcher) missing(digest string, manifest []byte) string {
	if w.whole[digest] {
		return ""
	}
	type descriptor struct{ Digest string }
	var refers struct {
		Manifests, Layers []descriptor
		Config            descriptor
	}
	if err := json.Unmarshal(manifest, &refers); err != nil {
		return "the sense: " + err.Error()
	}
	for _, d := range refers.Manifests {
		_, body, err := w.repository.ask(http.MethodGet, "/manifests/"+d.Digest)
		if body == nil || err != nil {
			return fmt.Sprint("manifest ", d.Digest, describe(err))
		}
		if missing := w.missing(d.Digest, body); missing != "" {
			return missing
		}
	}
	blobs := refers.Layers
	if len(refers.Manifests) == 0 {
		blobs = append(blobs, refers.Config)
	}
	for _, d := range blobs {
		if header, _, err := w.repository.ask(http.MethodHead, "/blobs/"+d.Digest); header == nil || err != nil {
			return fmt.Sprint("blob ", d.Digest, describe(err))
		}
	}
	w.whole[digest] = true
	return ""
}

func describe(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// seen is what was wrong until now, and how many tags were checked.
func (w *watcher) seen() (wrong, steps []string, checked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong), slices.Clone(w.steps), w.checked
}
