// Command cmd serves a bare git repository's pull requests like GitHub's REST API, for trials of what talks to one.
//
//	go run ./dev/codehost/cmd -dir <bare repository> [-repository o/n] [-listen 127.0.0.1:0] [-token T]…
//
// Its first line on stdout is the API's address. SIGTERM and SIGINT end it, with status 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-604f7181/package-storage/dev/codehost"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run gives the exit status: 1 when it can't serve, 2 when the command line was wrong.
func run(ctx context.Context, args []string, out, problems io.Writer) int {
	config, listen, err := parse(args, problems)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	if err := serve(ctx, config, listen, out); err != nil {
		fmt.Fprintln(problems, "codehost:", err)
		return 1
	}
	return 0
}

// parse reads the command line; flags has said what is wrong with it.
func parse(args []string, problems io.Writer) (c codehost.Config, listen string, err error) {
	flags := flag.NewFlagSet("codehost", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&c.Dir, "dir", "", "the bare git repository, a `folder`")
	flags.StringVar(&c.Repository, "repository", "o/n", "its `name`")
	flags.StringVar(&listen, "listen", "127.0.0.1:0", "`address` to listen on; port 0: a free one")
	flags.BoolVar(&c.Private, "private", false, "hide it from who has no token")
	flags.IntVar(&c.Limit.Requests, "limit", 0, "how `many` requests a window allows (0: 5,000)")
	flags.DurationVar(&c.Limit.Window, "window", time.Hour, "the `time` after which a limit begins anew")
	flags.Func("former", "a `name` that it had, which redirects; may be repeated", func(name string) error {
		c.Former = append(c.Former, name)
		return nil
	})
	token := func(access codehost.Access) func(string) error {
		return func(token string) error {
			if c.Tokens == nil {
				c.Tokens = map[string]codehost.Access{}
			}
			c.Tokens[token] = access
			return nil
		}
	}
	flags.Func("token", "a `token` that may write; without any, everybody may; may be repeated", token(codehost.Write))
	flags.Func("reader", "a `token` that may only read; may be repeated", token(codehost.Read))
	if err := flags.Parse(args); err != nil {
		return c, "", err
	}
	if flags.NArg() > 0 || c.Dir == "" {
		fmt.Fprintln(problems, "codehost: -dir is needed, and there are only flags")
		return c, "", errors.New("wrong command line")
	}
	return c, listen, nil
}

// serve returns when ctx is done and the requests under way have been answered, or after three seconds.
func serve(ctx context.Context, c codehost.Config, listen string, out io.Writer) error {
	handler, err := codehost.New(c)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		ended <- server.Shutdown(patience)
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
