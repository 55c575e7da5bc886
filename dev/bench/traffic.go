package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// traffic is what went to and from an image repository.
type traffic struct {
	up, down int64 // bytes of the requests' bodies and of the answers'
	// requests are counted by their kind: "HEAD manifests", "PATCH blobs/uploads".
	requests map[string]int
}

// onBlobs is the number of requests that ask for blobs, or send them.
func (t traffic) onBlobs() int {
	n := 0
	for kind, count := range t.requests {
		if strings.Contains(kind, " blobs") {
			n += count
		}
	}
	return n
}

// String lists the requests by kind.
func (t traffic) String() string {
	if len(t.requests) == 0 {
		return "no requests"
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(t.requests)) {
		kinds = append(kinds, fmt.Sprintf("%d × %s", t.requests[kind], kind))
	}
	return strings.Join(kinds, ", ")
}

// kindOf names a request by what the distribution specification calls its path's last words
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#endpoints). A name may hold them as well.
func kindOf(method, path string) string {
	words := strings.Split(strings.Trim(path, "/"), "/")
	for i := len(words) - 1; i > 0; i-- {
		switch word := words[i]; {
		case word == "uploads" && words[i-1] == "blobs":
			return method + " blobs/uploads"
		case i == len(words)-1: // a digest, a tag
		case word == "manifests" || word == "blobs" || word == "referrers" || word == "tags":
			return method + " " + word
		}
	}
	return method + " /" + words[0]
}

// meter is a proxy on loopback that counts what passes through it.
type meter struct {
	address string // "127.0.0.1:<port>"
	server  *http.Server
	lock    sync.Mutex
	now     traffic
}

// startMeter passes all requests on to an HTTP server at an address.
func startMeter(target string) (*meter, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the counting proxy: %w", err)
	}
	m := &meter{address: listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.Out.Host = r.In.Host // so that redirects lead here again
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, WriteBufferSize: 1 << 16, ReadBufferSize: 1 << 16},
		ModifyResponse: func(answer *http.Response) error {
			answer.Body = &counted{answer.Body, func(n int) { m.now.down += int64(n) }, m}
			return nil
		},
		BufferPool: &buffers{},
		ErrorLog:   log.New(io.Discard, "", 0), // clients say it better
	}
	m.server = &http.Server{ErrorLog: proxy.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.count(func() {
			if m.now.requests == nil {
				m.now.requests = map[string]int{}
			}
			m.now.requests[kindOf(r.Method, r.URL.Path)]++
		})
		r.Body = &counted{r.Body, func(n int) { m.now.up += int64(n) }, m}
		proxy.ServeHTTP(w, r)
	})}
	go m.server.Serve(listener)
	return m, nil
}

func (m *meter) stop() { m.server.Close() }

// take is what was counted since it was taken last.
func (m *meter) take() traffic {
	m.lock.Lock()
	defer m.lock.Unlock()
	taken := m.now
	m.now = traffic{}
	return taken
}

func (m *meter) count(add func()) {
	m.lock.Lock()
	defer m.lock.Unlock()
	add()
}

// counted counts a body's bytes as they are read.
type counted struct {
	io.ReadCloser
	add func(int)
	m   *meter
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n > 0 {
		c.m.count(func() { c.add(n) })
	}
	return n, err
}

// buffers keeps memory from growing with the number of requests.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if kept, ok := b.pool.Get().(*[]byte); ok {
		return *kept
	}
	return make([]byte, 1<<16)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
