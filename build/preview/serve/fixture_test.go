package serve_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/seed-604f7181/package-storage/build/preview/serve"
)

// tree holds what a registry finds in an assembled tree: versions that sort otherwise than their text, conditions
// written both ways, an executable file, and folders that are no packages.
func tree() fstest.MapFS {
	return fstest.MapFS{
		"nginx/1.2.0/manifest.yml": text(`
name: nginx
title: Nginx
version: 1.2.0
release: ga
description: Logs of <nginx> & more.
type: integration
categories: [web, security]
conditions:
  kibana.version: ^7.9.0 || >=8.0.0
owner:
  github: elastic/integrations
icons:
  - src: /img/logo.svg
    title: Logo
    size: 32x32
    type: image/svg+xml
`),
		"nginx/1.2.0/img/logo.svg":      text("<svg/>"),
		"nginx/1.2.0/docs/README.md":    text("# Nginx\n"),
		"nginx/1.2.0/docs-of-old.txt":   text("old\n"),
		"nginx/1.2.0/bin/run.sh":        {Data: []byte("#!/bin/sh\n"), Mode: 0o700},
		"nginx/1.10.0/manifest.yml":     text("{name: nginx, version: 1.10.0, title: Nginx, type: integration}"),
		"apm/8.0.0/manifest.yml":        text("{name: apm, version: 8.0.0, conditions: {kibana: {version: ^8.0.0}}}"),
		"apm/8.0.0-rc1/manifest.yml":    text("{name: apm, version: 8.0.0-rc1}"),
		"apm/7.17-dev1/manifest.yml":    text("{name: apm, version: 7.17-dev1}"),
		"not-a-name/1.0.0/manifest.yml": text("{name: not-a-name, version: 1.0.0}"),
		"README.md":                     text("no folder"),
		"nginx/NOTES":                   text("no folder"),
	}
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), Mode: 0o600} }

func mustNew(t *testing.T, files fs.FS) *serve.Registry {
	t.Helper()
	r, err := serve.New(files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ask sends a request over a real connection, with the path as it is written: nothing cleans it on the way.
func ask(t *testing.T, handler http.Handler, method, path string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	req, err := http.NewRequest(method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// askJSON wants the status, and JSON.
func askJSON(t *testing.T, handler http.Handler, path string, status int, into any) {
	t.Helper()
	resp, body := ask(t, handler, http.MethodGet, path)
	if resp.StatusCode != status {
		t.Fatalf("GET %s: %s, want %d\n%s", path, resp.Status, status, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("GET %s: Content-Type %q", path, got)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, body)
	}
}

// versions are the "<name>-<version>" that a search lists.
func versions(t *testing.T, handler http.Handler, path string) []string {
	t.Helper()
	var found []struct{ Name, Version string }
	askJSON(t, handler, path, http.StatusOK, &found)
	list := []string{}
	for _, f := range found {
		list = append(list, f.Name+"-"+f.Version)
	}
	return list
}

// onDisk serves the tree from a folder, as in production; its files have modes of their own.
func onDisk(t *testing.T) *serve.Registry {
	t.Helper()
	folder := t.TempDir()
	for name, f := range tree() {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o640|f.Mode.Perm()&0o110); err != nil {
			t.Fatal(err)
		}
	}
	return openRoot(t, folder)
}

func openRoot(t *testing.T, folder string) *serve.Registry {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	r, err := serve.New(root.FS())
	if err != nil {
		t.Fatal(err)
	}
	return r
}
