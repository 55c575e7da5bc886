package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// wire passes connections on to a server, and counts the bytes that go there.
type wire struct {
	address  string // "127.0.0.1:<port>"
	target   string
	listener net.Listener
	up       atomic.Int64
	stopped  context.Context
	cut      context.CancelFunc
}

// lay lays a wire to the server at an address.
func lay(target string) (*wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for pushes: %w", err)
	}
	w := &wire{address: listener.Addr().String(), target: target, listener: listener}
	w.stopped, w.cut = context.WithCancel(context.Background())
	go w.serve()
	return w, nil
}

// stop ends all connections: a server would wait for those that clients keep.
func (w *wire) stop() {
	w.listener.Close()
	w.cut()
}

// take is what has gone to the server since it was taken last, in bytes.
func (w *wire) take() int64 { return w.up.Swap(0) }

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.connect(client)
	}
}

// connect passes a connection on until either side ends it.
func (w *wire) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	ended, end := context.WithCancel(w.stopped)
	go func() {
		defer end()
		io.Copy(client, server)
	}()
	go func() {
		defer end()
		io.Copy(counting{server, &w.up}, client)
	}()
	<-ended.Done()
}

// counting counts before it passes on: the answer to a request may be there before the copying goes on.
type counting struct {
	to io.Writer
	n  *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.to.Write(p)
}
