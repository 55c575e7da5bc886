// Package proxy stands between a client and an image repository on this machine: it numbers and counts what passes,
// breaks one request at will (Fault), demands a password (Auth), and refuses what image repositories elsewhere refuse
// (Rule). Tests of the push and benchmarks use it; it is no part of the pipeline.
//
// What passes is otherwise unchanged, but for Location headers, which lead to the proxy again.
package proxy

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Config is what a proxy does. Only Upstream is needed.
type Config struct {
	// Upstream is the image repository, as host:port. It is spoken to in plain HTTP, without credentials.
	Upstream string
	// Auth is what clients must show. nil: nothing.
	Auth *Auth
	// Rules are asked in their order, for each request that may pass so far; the first that refuses wins.
	Rules []Rule
	// Arrived is called for each request before anything is done with it, concurrently; a delay belongs here.
	Arrived func(Request)
	// TagWritten is called when the image repository has accepted a tag and before the client learns it, concurrently.
	TagWritten func(Request)
}

// Exchange is a request, and what became of it.
type Exchange struct {
	Request
	// Fault is the one that was injected, if any.
	Fault Fault
	// Status is that of the answer; 0 where there was none.
	Status int
	// Up and Down are the bytes of the bodies that were passed on. Traffic has all bytes.
	Up, Down int64
}

// Proxy is a running one. Its methods may be called concurrently.
type Proxy struct {
	config   Config
	listener *countingListener
	server   *http.Server
	client   http.Transport
	tokens   tokens
	done     chan struct{}

	mu         sync.Mutex
	injections []*injection
	exchanges  []*Exchange
}

// Start starts a proxy on a free port of 127.0.0.1.
func Start(config Config) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	p := &Proxy{
		config:   config,
		listener: &countingListener{Listener: listener},
		client:   http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
		done:     make(chan struct{}),
	}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go p.server.Serve(p.listener)
	return p, nil
}

// Close ends it, with all connections.
func (p *Proxy) Close() error {
	close(p.done)
	err := p.server.Close()
	p.client.CloseIdleConnections()
	return err
}

// Addr is its host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Exchanges are the requests so far, in the order of their arrival.
func (p *Proxy) Exchanges() []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Exchange, len(p.exchanges))
	for i, x := range p.exchanges {
		all[i] = *x
	}
	return all
}

// Traffic is all that clients sent (up) and got (down), in bytes, with headers.
func (p *Proxy) Traffic() (up, down int64) { return p.listener.up.Load(), p.listener.down.Load() }

// ServeHTTP numbers a request, and passes it on unless it is to be broken or refused.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.arrive(r)
	if p.config.Arrived != nil {
		p.config.Arrived(x.Request)
	}
	if p.strike(x, w, r) {
		return
	}
	if x.Kind == Token {
		p.finish(x, w, p.issue(r))
		return
	}
	if refusal := p.challenge(x.Request, r); refusal != nil {
		p.refuse(x, w, r, refusal)
		return
	}
	if x.Kind == Manifest && r.Method == http.MethodPut {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.update(func() { x.Body = body })
	}
	for _, rule := range p.config.Rules {
		if refusal := rule(x.Request); refusal != nil {
			p.refuse(x, w, r, refusal)
			return
		}
	}
	p.pass(x, w, r)
}

// arrive enters a request into the book.
func (p *Proxy) arrive(r *http.Request) *Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := &Exchange{Request: parse(len(p.exchanges)+1, r)}
	for _, i := range p.injections {
		if i.due(x.Request) {
			x.Fault = i.fault
		}
	}
	p.exchanges = append(p.exchanges, x)
	return x
}

// pass asks the image repository. A client is cut off where that can't be asked.
func (p *Proxy) pass(x *Exchange, w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.Host, out.RequestURI = "http", p.config.Upstream, p.config.Upstream, ""
	out.Header.Del("Authorization")
	out.Header.Del("Connection")
	up := &counter{Reader: r.Body}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	} else {
		out.Body = io.NopCloser(up)
	}
	answer, err := p.client.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	p.update(func() { x.Up = up.n })
	if x.WritesTag() && answer.StatusCode < 300 && p.config.TagWritten != nil {
		p.config.TagWritten(x.Request)
	}
	p.lead(answer.Header)
	p.finish(x, w, answer)
}

// refuse takes what the client sends, and says no.
func (p *Proxy) refuse(x *Exchange, w http.ResponseWriter, r *http.Request, refusal *Refusal) {
	io.Copy(io.Discard, r.Body)
	p.finish(x, w, refusal.response(r.Method))
}

// lead makes a Location lead here again.
func (p *Proxy) lead(h http.Header) {
	location, err := url.Parse(h.Get("Location"))
	if err != nil || location.Host != p.config.Upstream {
		return
	}
	location.Host = p.Addr()
	h.Set("Location", location.String())
}

// finish answers the client, unless the request is to be broken now.
func (p *Proxy) finish(x *Exchange, w http.ResponseWriter, answer *http.Response) {
	if p.spoil(x, w, answer) {
		return
	}
	for name, values := range answer.Header {
		if !strings.EqualFold(name, "Connection") {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	n, err := io.Copy(w, answer.Body)
	p.update(func() { x.Status, x.Down = answer.StatusCode, n })
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (p *Proxy) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}
