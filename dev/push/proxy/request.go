package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Kind is what a request's path is about.
type Kind string

// The kinds, after the paths of the distribution spec; Token is the proxy's own.
const (
	Ping     Kind = "ping"
	Token    Kind = "token"
	Tags     Kind = "tags"
	Manifest Kind = "manifest"
	Blob     Kind = "blob"
	Upload   Kind = "upload"
	Other    Kind = "other"
)

// Request is what is known of one from its first line.
type Request struct {
	// Number is its place in the order of arrival; the first is 1.
	Number int
	Method string
	Path   string
	Kind   Kind
	// Repository is the name between /v2/ and what Kind says, such as package-registry/distribution.
	Repository string
	// Reference is a manifest's tag or digest, a blob's digest, or the digest that an upload ends with; else empty.
	Reference string
	// Body is a manifest's bytes, where one is written; nil for all others.
	Body []byte
}

// String is such as "12 PUT manifest production".
func (r Request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s %s", r.Number, r.Method, r.Kind, r.Reference))
}

// ByTag says that Reference is a tag.
func (r Request) ByTag() bool { return r.Kind == Manifest && !strings.Contains(r.Reference, ":") }

// Writes says that it would change the image repository.
func (r Request) Writes() bool {
	return r.Kind != Token && r.Method != http.MethodGet && r.Method != http.MethodHead
}

// WritesTag says that it puts a tag on a manifest.
func (r Request) WritesTag() bool { return r.Method == http.MethodPut && r.ByTag() }

func parse(number int, r *http.Request) Request {
	q := Request{Number: number, Method: r.Method, Path: r.URL.Path, Kind: Other}
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	switch {
	case r.URL.Path == tokenPath:
		q.Kind = Token
	case r.URL.Path == "/v2/" || r.URL.Path == "/v2":
		q.Kind = Ping
	case ok:
		q.locate(path, r.URL.Query())
	}
	return q
}

// locate finds the parts of a path below /v2/. A repository may be called like a kind: the last one counts.
func (r *Request) locate(path string, query url.Values) {
	for _, part := range []struct {
		infix string
		kind  Kind
	}{{"/blobs/uploads/", Upload}, {"/manifests/", Manifest}, {"/blobs/", Blob}, {"/tags/", Tags}} {
		i := strings.LastIndex(path, part.infix)
		if i < 0 {
			continue
		}
		r.Kind, r.Repository = part.kind, path[:i]
		switch part.kind {
		case Upload:
			r.Reference = query.Get("digest")
		case Manifest, Blob:
			r.Reference = path[i+len(part.infix):]
		}
		return
	}
}
