package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// imageRepositories is an image repository server on loopback, with a meter before it.
type imageRepositories struct {
	*meter
	server *daemon
	direct string // its address, past the meter
}

// serveImages starts dev/imagerepo on a folder.
func (b *bench) serveImages(ctx context.Context, dir string) (*imageRepositories, error) {
	program := filepath.Join(b.tmp, "imagerepo")
	if _, err := timed(command(ctx, b.root, "go", "build", "-C", "dev/imagerepo", "-o", program, ".")); err != nil {
		return nil, fmt.Errorf("build the image repository server: %w", err)
	}
	var direct string
	ready := func(said string) error {
		line, _, whole := strings.Cut(said, "\n")
		if !whole {
			return errors.New("it has not said its address")
		}
		direct = line
		return nil
	}
	server, err := startDaemon(ctx, ready, program, "-dir", dir)
	if err != nil {
		return nil, err
	}
	m, err := startMeter(direct)
	if err != nil {
		server.stop()
		return nil, err
	}
	return &imageRepositories{m, server, direct}, nil
}

func (r *imageRepositories) stop() {
	r.meter.stop()
	r.server.stop()
}
