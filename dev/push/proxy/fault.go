package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Fault is what can go wrong with a request.
type Fault int

// The faults. Each strikes one request; the next try of the same is another request.
const (
	None        Fault = iota
	ServerError       // 500, and the image repository has not been asked
	TooMany           // 429 with Retry-After: 1 (second), likewise
	ResetBefore       // the connection is reset, and the image repository has not been asked
	ResetAfter        // the image repository has done it, then the connection is reset
	Truncate          // it has done it; the answer ends halfway through its body or, without a body, its headers
	Stall             // the request is taken, and never answered
	Expire            // no token issued so far is good any longer; needs Auth with tokens
)

// Faults are all of them.
var Faults = []Fault{ServerError, TooMany, ResetBefore, ResetAfter, Truncate, Stall, Expire}

func (f Fault) String() string {
	return [...]string{"none", "500", "429", "reset before", "reset after", "truncated", "stall", "token expired"}[f]
}

// injection is a fault that waits for its request.
type injection struct {
	fault Fault
	left  int // matching requests up to and with the one to break
	match func(Request) bool
}

// Inject breaks the n-th request from now on, counted from 1, among those that match; nil: among all. Whichever client
// sends it, it is broken once.
func (p *Proxy) Inject(f Fault, n int, match func(Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injections = append(p.injections, &injection{f, n, match})
}

// due says whether a request is the one.
func (i *injection) due(r Request) bool {
	if i.match != nil && !i.match(r) {
		return false
	}
	i.left--
	return i.left == 0
}

// strike does what a fault does before anybody is asked. It says whether that was the end of the request.
func (p *Proxy) strike(x *Exchange, w http.ResponseWriter, r *http.Request) (ended bool) {
	switch x.Fault {
	case ServerError:
		p.refuse(x, w, r, &Refusal{Status: http.StatusInternalServerError, Code: "UNKNOWN", Message: "injected"})
	case TooMany:
		w.Header().Set("Retry-After", "1")
		p.refuse(x, w, r, &Refusal{Status: http.StatusTooManyRequests, Code: "TOOMANYREQUESTS", Message: "injected"})
	case ResetBefore:
		conn, _ := hijack(w)
		conn.reset()
	case Stall:
		p.stall(w)
	case Expire:
		p.tokens.expire()
		return false
	default:
		return false
	}
	return true
}

// stall swallows what the client sends, until that gives up.
func (p *Proxy) stall(w http.ResponseWriter) {
	conn, rest := hijack(w)
	defer conn.Close()
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, rest)
		close(gone)
	}()
	select {
	case <-gone:
	case <-p.done:
	}
}

// spoil keeps an answer of the image repository from the client. It says whether it did.
func (p *Proxy) spoil(x *Exchange, w http.ResponseWriter, answer *http.Response) bool {
	if x.Fault != ResetAfter && x.Fault != Truncate {
		return false
	}
	body, _ := io.ReadAll(answer.Body)
	conn, _ := hijack(w)
	if x.Fault == ResetAfter {
		conn.reset()
		return true
	}
	defer conn.Close()
	if len(body) > 0 {
		answer.Header.Set("Content-Length", strconv.Itoa(len(body))) // it may have been chunked
	}
	head := head(answer)
	if len(body) == 0 {
		head = head[:len(head)/2]
	}
	conn.Write(append(head, body[:len(body)/2]...))
	return true
}

// head is the status line and headers of an answer, as they go over the wire.
func head(answer *http.Response) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %s\r\n", answer.Status)
	answer.Header.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// hijack takes the connection from the server. The reader has what the client has sent beyond the headers.
func hijack(w http.ResponseWriter) (*countingConn, io.Reader) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn.(*countingConn), buffered
}
