package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestsAreNamedByWhatTheyAskFor(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v2/", "GET /v2"},
		{"HEAD", "/v2/a/b/manifests/production", "HEAD manifests"},
		{"HEAD", "/v2/a/b/blobs/sha256:00", "HEAD blobs"},
		{"POST", "/v2/a/b/blobs/uploads/", "POST blobs/uploads"},
		{"PATCH", "/v2/a/b/blobs/uploads/1b2c", "PATCH blobs/uploads"},
		{"GET", "/v2/a/tags/list", "GET tags"},
		{"GET", "/v2/a/referrers/sha256:00", "GET referrers"},
		{"GET", "/v2/blobs/manifests/blobs", "GET manifests"},
		{"GET", "/token", "GET /token"},
	} {
		if got := kindOf(c.method, c.path); got != c.want {
			t.Errorf("%s %s is %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func TestMeterCountsBodiesAndRequests(t *testing.T) {
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "four")
	}))
	defer server.Close()
	m, err := startMeter(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer m.stop()
	for range 2 {
		answer, err := http.Post("http://"+m.address+"/v2/a/blobs/uploads/", "", strings.NewReader("sixsix"))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	got := m.take()
	if got.up != 12 || got.down != 8 || got.onBlobs() != 2 || fmt.Sprint(got) != "2 × POST blobs/uploads" {
		t.Errorf("counted %d up, %d down, %v", got.up, got.down, got)
	}
	if host != m.address {
		t.Errorf("the server was told that it is %s: redirects would pass the meter by, which is %s", host, m.address)
	}
	if again := m.take(); again.up != 0 || again.down != 0 || again.onBlobs() != 0 || fmt.Sprint(again) != "no requests" {
		t.Errorf("counted twice: %+v", again)
	}
}
