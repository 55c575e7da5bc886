// Command imagerepo is an image repository server for tests and benchmarks: CNCF distribution, as it is. It is a module
// of its own, so that its many dependencies stay out of the library's.
//
//	go build -C dev/imagerepo -o <file> && <file> [-listen 127.0.0.1:0] [-dir <folder>]
//
// Its first line on stdout is the address that it listens on. SIGTERM and SIGINT end it, with status 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/sirupsen/logrus"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on; port 0: a free one")
	dir := flag.String("dir", "", "folder to keep images in; empty: in memory, which is slow for large blobs")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "imagerepo: %q: there are only flags\n", flag.Args())
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "imagerepo:", err)
		os.Exit(1)
	}
}

// serve returns when ctx is done and the requests under way have been answered, or with an error when that takes longer than
// three seconds.
func serve(ctx context.Context, listen, dir string) error {
	logrus.SetLevel(logrus.FatalLevel) // distribution logs each 404 as an error
	app := handlers.NewApp(context.WithoutCancel(ctx), settings(dir))
	defer app.Shutdown()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())

	server := &http.Server{Handler: app, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		ended <- server.Shutdown(patience)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// settings are distribution's defaults, but deletion is possible and nothing is purged behind a test's back.
func settings(dir string) *configuration.Configuration {
	c := &configuration.Configuration{Version: "0.1"}
	c.Storage = configuration.Storage{
		"inmemory":    {},
		"delete":      {"enabled": true},
		"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
	}
	if dir != "" {
		delete(c.Storage, "inmemory")
		c.Storage["filesystem"] = configuration.Parameters{"rootdirectory": dir}
	}
	c.HTTP.Secret = "every process the same, so that an upload outlives a restart"
	return c
}
