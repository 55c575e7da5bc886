package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
)

// Rule is what some image repository refuses. It returns nil for what may pass, and is called concurrently.
type Rule func(Request) *Refusal

// Refusal is an error of the distribution spec.
type Refusal struct {
	// Status is HTTP's, such as 403.
	Status int
	// Code is the spec's, such as DENIED.
	Code    string
	Message string
	// Detail is anything; nil is left out.
	Detail any
	// Challenge is the header WWW-Authenticate; empty: none.
	Challenge string
}

func (r *Refusal) response(method string) *http.Response {
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Detail  any    `json:"detail,omitempty"`
	}
	body, err := json.Marshal(map[string][]one{"errors": {{r.Code, r.Message, r.Detail}}})
	if err != nil {
		body = []byte(err.Error())
	}
	answer := respond(r.Status, body)
	if method == http.MethodHead {
		answer.Body = http.NoBody
	}
	if r.Challenge != "" {
		answer.Header.Set("WWW-Authenticate", r.Challenge)
	}
	return answer
}

func respond(status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status,
		Status:     strconv.Itoa(status) + " " + http.StatusText(status),
		Header:     http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}},
		Body:       io.NopCloser(bytes.NewReader(body)),
	}
}

// NoPush lets clients read only, as a user without the right to push.
func NoPush() Rule {
	return func(r Request) *Refusal {
		if !r.Writes() {
			return nil
		}
		return &Refusal{Status: http.StatusForbidden, Code: "DENIED", Message: "requested access to the resource is denied"}
	}
}

// ReadOnly is an image repository under maintenance.
func ReadOnly() Rule {
	return func(r Request) *Refusal {
		if !r.Writes() {
			return nil
		}
		return &Refusal{Status: http.StatusMethodNotAllowed, Code: "UNSUPPORTED", Message: "The operation is unsupported."}
	}
}

// Full has no space for blobs; the status is 500 or 507, as one likes.
func Full(status int) Rule {
	return func(r Request) *Refusal {
		if r.Kind != Upload || r.Method == http.MethodPost {
			return nil
		}
		return &Refusal{Status: status, Code: "UNKNOWN", Message: "write /var/lib/registry: no space left on device"}
	}
}

// NoTagsList is an image repository that does not list its tags.
func NoTagsList() Rule {
	return func(r Request) *Refusal {
		if r.Kind != Tags {
			return nil
		}
		return &Refusal{Status: http.StatusNotFound, Code: "UNSUPPORTED", Message: "there is no such endpoint"}
	}
}

// ImmutableTags refuses to write a tag that exists, be it equal, in the image repository's own words. Only tags that
// match are immutable; nil: all are.
func ImmutableTags(upstream string, refusal Refusal, match func(tag string) bool) Rule {
	return func(r Request) *Refusal {
		if !r.WritesTag() || match != nil && !match(r.Reference) || !tagExists(upstream, r) {
			return nil
		}
		return &refusal
	}
}

func tagExists(upstream string, r Request) bool {
	q, err := http.NewRequest(http.MethodHead, "http://"+upstream+"/v2/"+r.Repository+"/manifests/"+r.Reference, nil)
	if err != nil {
		return false
	}
	q.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Vanished says of a blob that it is there, and of a manifest with it that it is not, until it has been uploaded once
// more: its storage was swept while the index of blobs was not. The refusal is the image repository's way to say so.
func Vanished(digest string, refusal Refusal) Rule {
	var back atomic.Bool
	return func(r Request) *Refusal {
		if r.Kind == Upload && r.Method != http.MethodPatch && r.Reference == digest {
			back.Store(true)
		}
		if r.Kind != Manifest || back.Load() || !bytes.Contains(r.Body, []byte(digest)) {
			return nil
		}
		return &refusal
	}
}

// CommitOnce takes the end of a blob's upload once; that it is there already is the answer "unknown" to whoever, having
// heard nothing, asks again. GHCR does so (jib#4301).
func CommitOnce() Rule {
	var seen sync.Map
	return func(r Request) *Refusal {
		if r.Kind != Upload || r.Method != http.MethodPut {
			return nil
		}
		if _, again := seen.LoadOrStore(r.Path, true); !again {
			return nil
		}
		return &Refusal{Status: http.StatusNotFound, Code: "BLOB_UNKNOWN", Message: "blob unknown to registry"}
	}
}
