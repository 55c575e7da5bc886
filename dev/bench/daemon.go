package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// daemon is a process that stays until it is stopped. A cancelled context does not end it: its clients end first.
type daemon struct {
	cmd   *exec.Cmd
	said  *transcript
	end   context.CancelFunc
	ended chan struct{}
}

// startDaemon returns when ready does, which is told what the process has printed so far. name and args are those of the
// process.
func startDaemon(ctx context.Context, ready func(said string) error, name string, args ...string) (*daemon, error) {
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	d := &daemon{cmd: command(own, "", name, args...), said: &transcript{}, end: end, ended: make(chan struct{})}
	d.cmd.WaitDelay = 20 * time.Second // it is killed then
	d.cmd.Stdout, d.cmd.Stderr = d.said, d.said
	if err := d.cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		d.cmd.Wait() // how it ended is of no interest: what its clients say is
		close(d.ended)
	}()
	if err := d.await(ctx, ready); err != nil {
		d.stop()
		return nil, fmt.Errorf("start: %w", explain(d.cmd, err, d.said.String()))
	}
	return d, nil
}

func (d *daemon) await(ctx context.Context, ready func(said string) error) error {
	patience := time.After(30 * time.Second)
	for {
		err := ready(d.said.String())
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ended:
			return fmt.Errorf("it has ended: %s", d.cmd.ProcessState)
		case <-patience:
			return fmt.Errorf("it is not ready after 30 s: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop asks it to end, and returns when it has.
func (d *daemon) stop() {
	d.end()
	<-d.ended
}

// transcript is what a process prints, to be read while it prints.
type transcript struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.text.String()
}
