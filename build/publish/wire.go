package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"
)

// Traffic is what went over the wire. Bytes are those of bodies.
type Traffic struct {
	Requests, Mounted int64
	Up, Down          int64
}

// wire is below go-containerregistry's own retries and tokens: it sees every single request.
type wire struct {
	inner  http.RoundTripper
	plain  string // the host that may be spoken to without TLS; besides, only loopback may
	notice func(text string)

	mutex     sync.Mutex
	notBefore time.Time // the image repository asked to be left alone until then
	// distrusted blobs are not there, whatever the image repository says; nobody is all of them.
	distrusted map[string]bool
	nobody     bool

	requests, mounted, up, down atomic.Int64
}

func newWire(o Options, plainHost string) *wire {
	dialer := &net.Dialer{Timeout: min(30*time.Second, o.Patience), KeepAlive: 30 * time.Second}
	inner := http.DefaultTransport.(*http.Transport).Clone()
	inner.MaxIdleConnsPerHost = 2 * o.Jobs
	inner.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: conn, patience: o.Patience}, nil
	}
	return &wire{inner: inner, plain: plainHost, notice: o.Notice}
}

// patientConn gives up when nothing moves: a timeout of a whole request would end the upload of a large blob.
type patientConn struct {
	net.Conn
	patience time.Duration
}

func (c *patientConn) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.patience))
	return c.Conn.Read(p)
}

func (c *patientConn) Write(p []byte) (int, error) {
	c.SetDeadline(time.Now().Add(c.patience)) // whoever reads meanwhile waits for the answer to this
	return c.Conn.Write(p)
}

// RoundTrip implements http.RoundTripper.
func (t *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	request, err := t.prepare(request)
	if err != nil {
		return nil, err
	}
	if t.lies(request) {
		return &http.Response{
			StatusCode: http.StatusNotFound, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
			Request: request,
		}, nil
	}
	t.requests.Add(1)
	response, err := t.inner.RoundTrip(request)
	if err != nil {
		return nil, broken(request, err)
	}
	t.heed(response)
	if request.Method == http.MethodPost && response.StatusCode == http.StatusCreated && request.URL.Query().Get("mount") != "" {
		t.mounted.Add(1)
	}
	response.Body = &counted{response.Body, &t.down}
	if request.Method == http.MethodGet && strings.Contains(asked(request).URL.Path, "/blobs/") {
		return response, nil // large, and verified by its digest
	}
	return whole(response)
}

// asked is the request that redirects led from: object storage has paths of its own.
func asked(request *http.Request) *http.Request {
	for request.Response != nil && request.Response.Request != nil {
		request = request.Response.Request
	}
	return request
}

// brokenError is an exchange that did not come to an answer, for whatever reason: also one whose headers were cut off.
type brokenError struct{ err error }

// broken leaves alone what the caller ended: net/http gives the cause of that, which may be anything.
func broken(request *http.Request, err error) error {
	if ended := request.Context().Err(); ended != nil {
		return ended
	}
	return &brokenError{err}
}

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// distrust makes blobs look absent, until they have been sent; none means all.
func (t *wire) distrust(lost []v1.Hash) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.distrusted, t.nobody = map[string]bool{}, len(lost) == 0
	for _, digest := range lost {
		t.distrusted[digest.String()] = true
	}
}

// lies says whether the answer to a request would not be believed: whether a distrusted blob is there.
func (t *wire) lies(request *http.Request) bool {
	_, digest, isBlob := strings.Cut(request.URL.Path, "/blobs/")
	if request.Method != http.MethodHead || !isBlob {
		return false
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.nobody || t.distrusted[digest]
}

// prepare gives each try a body of its own: the one before may have read it, for instance up to the 401 of a token that
// had expired. What is not sent is closed.
func (t *wire) prepare(request *http.Request) (*http.Request, error) {
	body := request.Body
	err := t.mayGo(request)
	if err == nil && body != nil && request.GetBody != nil {
		body.Close()
		body, err = request.GetBody()
	}
	if err != nil {
		if body != nil {
			body.Close()
		}
		return nil, err
	}
	if body == nil || body == http.NoBody {
		return request, nil
	}
	again := request.Clone(request.Context())
	again.Body = &counted{body, &t.up}
	return again, nil
}

// mayGo waits until a request may be made, if ever.
func (t *wire) mayGo(request *http.Request) error {
	if request.URL.Scheme == "http" && request.URL.Host != t.plain && !loopback(request.URL.Hostname()) {
		return &PlainHTTPError{Host: request.URL.Host}
	}
	return t.wait(request.Context())
}

// largestAnswer is that of a manifest; the spec recommends to allow 4 MB.
const largestAnswer = 64 << 20

// whole reads an answer to its end, so that one that was cut off is tried again like any other fault.
func whole(response *http.Response) (*http.Response, error) {
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
	if len(content) > largestAnswer {
		return nil, errors.Errorf("the answer to %s %s is larger than %d MB", response.Request.Method, response.Request.URL.Path, largestAnswer>>20)
	}
	if err == nil && response.Request.Method != http.MethodHead && response.ContentLength > int64(len(content)) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, broken(response.Request, errors.Wrap(err, "read the answer"))
	}
	response.Body = io.NopCloser(bytes.NewReader(content))
	return response, nil
}

// longestWait is how long an image repository may ask to be left alone for.
const longestWait = 10 * time.Minute

// heed remembers what Retry-After says (RFC 9110 section 10.2.3): for all requests, since the limit is on all of them.
func (t *wire) heed(response *http.Response) {
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return
	}
	after := response.Header.Get("Retry-After")
	var pause time.Duration
	if seconds, err := strconv.Atoi(after); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if when, err := http.ParseTime(after); err == nil {
		pause = time.Until(when)
	}
	if pause <= 0 || pause > longestWait {
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	until := time.Now().Add(pause)
	if until.After(t.notBefore) {
		t.notBefore = until
		t.notice(fmt.Sprintf("%s asks to wait %s", response.Request.URL.Host, pause.Round(time.Second)))
	}
}

// wait waits until the image repository wants to hear of us again.
func (t *wire) wait(ctx context.Context) error {
	for {
		t.mutex.Lock()
		pause := time.Until(t.notBefore)
		t.mutex.Unlock()
		if pause <= 0 {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (t *wire) traffic() Traffic {
	return Traffic{Requests: t.requests.Load(), Mounted: t.mounted.Load(), Up: t.up.Load(), Down: t.down.Load()}
}

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}
