// Command package-registry serves package trees: the preview registry, and what its image starts.
//
//	package-registry [-address host:port] [-packages folder] [-config file]
//	package-registry -healthcheck
//
// It serves the package_paths of its config, or else the folder of -packages. With -healthcheck it asks the server
// that listens at the same address for /health, and exits 0 or 1: an image from scratch has no curl.
// Exit status: 0 after SIGTERM or SIGINT, or healthy; 1 it failed; 2 the flags are wrong. Logs go to stderr.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-604f7181/package-storage/build/preview/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once the first signal has begun the shutdown, a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

func run(ctx context.Context, args []string, stderr io.Writer) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	options, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if options.healthcheck {
		if err := checkHealth(ctx, options.address); err != nil {
			slog.Error("not healthy", "error", err)
			return 1
		}
		return 0
	}
	if err := serveUntil(ctx, options); err != nil {
		slog.Error("stopped", "error", err)
		return 1
	}
	return 0
}

// serveUntil returns nil when ctx was cancelled and all requests were answered.
func serveUntil(ctx context.Context, o options) error {
	paths, err := o.packagePaths()
	if err != nil {
		return err
	}
	registry, err := open(paths)
	if err != nil {
		return err
	}
	for _, folder := range registry.Skipped() {
		slog.Warn("left out: no package name, or no strict semantic version", "folder", folder)
	}
	listener, err := net.Listen("tcp", o.address)
	if err != nil {
		return err
	}
	slog.Info("serving", "address", listener.Addr().String(), "packages", registry.Len(), "paths", paths)

	server := &http.Server{
		Handler:           registry,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      5 * time.Minute, // for a zip of some 100 MB on a slow line
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("shutting down")
	// Docker kills 10 seconds after the signal.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 8*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// open reads all folders; the first one that has a package's version serves it.
func open(paths []string) (*serve.Registry, error) {
	var registries []*serve.Registry
	for _, path := range paths {
		// A root, because what it opens is inside of it, wherever symlinks point. It stays open as long as we serve.
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, fmt.Errorf("opening the packages: %w", err)
		}
		registry, err := serve.New(root.FS())
		if err != nil {
			return nil, fmt.Errorf("reading the packages in %s: %w", path, err)
		}
		registries = append(registries, registry)
	}
	return serve.Merge(registries...), nil
}
