package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestServes(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-dir", dir, "-repository", "a/b", "-token", "t", "-private", "-limit", "9"}, in, io.Discard)
		in.Close()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{"t": http.StatusOK, "": http.StatusNotFound} {
		request, err := http.NewRequestWithContext(ctx, "GET", strings.TrimSpace(address)+"/repos/a/b/pulls", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("User-Agent", "test")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want || response.Header.Get("X-RateLimit-Limit") != "9" {
			t.Errorf("token %q: %d, want %d, limit %s", token, response.StatusCode, want, response.Header.Get("X-RateLimit-Limit"))
		}
	}
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]int{"": 2, "-dir x y": 2, "-nonsense": 2, "-h": 0, "-dir /nowhere": 1} {
		var problems bytes.Buffer
		if got := run(t.Context(), strings.Fields(line), io.Discard, &problems); got != want || problems.Len() == 0 {
			t.Errorf("%q: status %d, want %d: %s", line, got, want, problems.String())
		}
	}
}
