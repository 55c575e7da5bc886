package serve_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed-604f7181/package-storage/build/preview/serve"
)

func TestIndexNamesTheService(t *testing.T) {
	var answer map[string]string
	askJSON(t, mustNew(t, tree()), "/", http.StatusOK, &answer)
	if answer["service.name"] != "package-registry" || answer["service.version"] != serve.Version {
		t.Errorf("answer %v", answer)
	}
}

func TestHealth(t *testing.T) {
	if resp, _ := ask(t, mustNew(t, tree()), http.MethodGet, "/health"); resp.StatusCode != http.StatusOK {
		t.Errorf("status %s", resp.Status)
	}
}

func TestSearch(t *testing.T) {
	r := mustNew(t, tree())
	for path, want := range map[string][]string{
		"/search":                         {"apm-8.0.0-rc1", "apm-8.0.0", "nginx-1.2.0", "nginx-1.10.0"},
		"/search?all=true":                {"apm-8.0.0-rc1", "apm-8.0.0", "nginx-1.2.0", "nginx-1.10.0"},
		"/search?all=false":               {"apm-8.0.0", "nginx-1.10.0"},
		"/search?package=nginx":           {"nginx-1.2.0", "nginx-1.10.0"},
		"/search?package=nginx&all=false": {"nginx-1.10.0"},
		"/search?package=other":           {},
		"/search?category=web":            {"apm-8.0.0-rc1", "apm-8.0.0", "nginx-1.2.0", "nginx-1.10.0"},
	} {
		if got := versions(t, r, path); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	var failure struct{ Error string }
	askJSON(t, r, "/search?all=perhaps", http.StatusBadRequest, &failure)
	if !strings.Contains(failure.Error, "perhaps") {
		t.Errorf("error %q", failure.Error)
	}
}

func TestSearchOfNothingIsAnEmptyList(t *testing.T) {
	if _, body := ask(t, mustNew(t, fstest.MapFS{}), http.MethodGet, "/search"); strings.TrimSpace(body) != "[]" {
		t.Errorf("body %q", body)
	}
}

func TestPackage(t *testing.T) {
	const want = `{
  "name": "nginx",
  "title": "Nginx",
  "version": "1.2.0",
  "release": "ga",
  "description": "Logs of <nginx> & more.",
  "type": "integration",
  "download": "/epr/nginx/nginx-1.2.0.zip",
  "path": "/package/nginx/1.2.0",
  "icons": [
    {
      "src": "/img/logo.svg",
      "path": "/package/nginx/1.2.0/img/logo.svg",
      "title": "Logo",
      "size": "32x32",
      "type": "image/svg+xml"
    }
  ],
  "conditions": {
    "kibana": {
      "version": "^7.9.0 || >=8.0.0"
    }
  },
  "owner": {
    "github": "elastic/integrations"
  },
  "categories": [
    "web",
    "security"
  ],
  "assets": [
    "/package/nginx/1.2.0/bin/run.sh",
    "/package/nginx/1.2.0/docs-of-old.txt",
    "/package/nginx/1.2.0/docs/README.md",
    "/package/nginx/1.2.0/img/logo.svg",
    "/package/nginx/1.2.0/manifest.yml"
  ]
}
`
	r := mustNew(t, tree())
	for _, path := range []string{"/package/nginx/1.2.0/", "/package/nginx/1.2.0"} {
		if _, body := ask(t, r, http.MethodGet, path); body != want {
			t.Errorf("%s: got\n%s", path, body)
		}
	}
	var found []json.RawMessage
	askJSON(t, r, "/search?package=nginx", http.StatusOK, &found)
	var item, details map[string]any
	if err := json.Unmarshal(found[0], &item); err != nil {
		t.Fatal(err)
	}
	askJSON(t, r, "/package/nginx/1.2.0", http.StatusOK, &details)
	if len(item)+1 != len(details) || item["download"] != details["download"] {
		t.Errorf("search says %v, the package %v", item, details)
	}
}

func TestNestedConditions(t *testing.T) {
	var details struct {
		Conditions struct{ Kibana struct{ Version string } }
	}
	askJSON(t, mustNew(t, tree()), "/package/apm/8.0.0/", http.StatusOK, &details)
	if details.Conditions.Kibana.Version != "^8.0.0" {
		t.Errorf("conditions %v", details.Conditions)
	}
}

func TestFile(t *testing.T) {
	r := mustNew(t, tree())
	for _, path := range []string{"/package/nginx/1.2.0/docs/README.md", "/package/nginx/1.2.0/docs%2FREADME.md"} {
		resp, body := ask(t, r, http.MethodGet, path)
		if resp.StatusCode != http.StatusOK || body != "# Nginx\n" {
			t.Errorf("%s: %s, %q", path, resp.Status, body)
		}
	}
	resp, body := ask(t, r, http.MethodHead, "/package/nginx/1.2.0/img/logo.svg")
	if resp.StatusCode != http.StatusOK || body != "" || resp.ContentLength != 6 {
		t.Errorf("HEAD: %s, length %d, %q", resp.Status, resp.ContentLength, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("Content-Type %q", got)
	}
}

// Files in an image are all of 1970: a client that has asked once would keep its copy for ever.
func TestFileIsNeverNotModified(t *testing.T) {
	files := tree()
	for _, f := range files {
		f.ModTime = f.ModTime.AddDate(2000, 0, 0)
	}
	r := mustNew(t, files)
	var sent http.Header
	handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Set("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")
		r.ServeHTTP(w, req)
		sent = w.Header()
	})
	resp, _ := ask(t, handler, http.MethodGet, "/package/nginx/1.2.0/manifest.yml")
	if resp.StatusCode != http.StatusOK || sent.Get("Last-Modified") != "" {
		t.Errorf("%s, Last-Modified %q", resp.Status, sent.Get("Last-Modified"))
	}
}

func TestNotFound(t *testing.T) {
	r := mustNew(t, tree())
	for _, path := range []string{
		"/nothing", "/search/", "/health/x", "//", "/package", "/package/", "/package/nginx", "/package/nginx/",
		"/package/nginx/9.9.9/", "/package/nginx/9.9.9/manifest.yml", "/package/nginx/1.2.0/nothing",
		"/package/nginx/1.2.0/docs", "/package/nginx/1.2.0/docs/", "/package/nginx/1.2.0/manifest.yml/x",
		"/package/not-a-name/1.0.0/", "/package/apm/7.17-dev1/",
		"/epr/", "/epr/nginx", "/epr/nginx/", "/epr/nginx/nginx-9.9.9.zip", "/epr/nginx/nginx-1.2.0", "/epr/nginx/1.2.0.zip",
		"/epr/nginx/apm-8.0.0.zip", "/epr/nginx/nginx-1.2.0.zip/", "/epr/apm/7.0.0/apm-8.0.0.zip",
	} {
		var failure struct{ Error string }
		askJSON(t, r, path, http.StatusNotFound, &failure)
		if failure.Error == "" {
			t.Errorf("%s: no error in the body", path)
		}
	}
}

// A folder on disk can be opened and, unlike one in memory, looks like a file to http.ServeContent.
func TestFoldersAreNotServed(t *testing.T) {
	r := onDisk(t)
	for _, path := range []string{"/package/nginx/1.2.0/docs", "/package/nginx/1.2.0/docs/", "/package/nginx/1.2.0/manifest.yml/x"} {
		if resp, body := ask(t, r, http.MethodGet, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, %q", path, resp.Status, body)
		}
	}
}

func TestNothingOutsideOfPackagesIsServed(t *testing.T) {
	files := tree()
	files["secret"] = text("secret")
	files["packages"] = &fstest.MapFile{Mode: fs.ModeDir}
	r := mustNew(t, files)
	for _, path := range []string{
		"/package/../secret", "/package/nginx/../../secret", "/package/nginx/1.2.0/../../secret",
		"/package/nginx/1.2.0/..%2f..%2fsecret", "/package/nginx/1.2.0/%2e%2e/%2e%2e/secret",
		"/package/nginx/1.2.0/docs/..%2f..%2f..%2f..%2fsecret", `/package/nginx/1.2.0/..\..\secret`,
		"/package/nginx/1.2.0/%2fsecret", "/package/nginx/1.2.0//secret", "/package/nginx/1.2.0/./manifest.yml",
		"/package/nginx%2f1.2.0/../../secret", "/package/nginx/1.2.0/%00", "/package/..%2f/secret",
		"/epr/../nginx-1.2.0.zip", "/epr/nginx/nginx-..%2f1.2.0.zip", "/epr/nginx/nginx-1.2.0%2f...zip", "/epr/./nginx-1.2.0.zip",
	} {
		resp, body := ask(t, r, http.MethodGet, path)
		if resp.StatusCode != http.StatusNotFound || strings.Contains(body, `"secret"`) || body == "secret" {
			t.Errorf("%s: %s, %q", path, resp.Status, body)
		}
	}
}

func TestOnlyGetAndHead(t *testing.T) {
	r := mustNew(t, tree())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		for _, path := range []string{"/", "/search", "/package/nginx/1.2.0/manifest.yml", "/nothing"} {
			resp, body := ask(t, r, method, path)
			if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(body, method) {
				t.Errorf("%s %s: %s, Allow %q, %q", method, path, resp.Status, resp.Header.Get("Allow"), body)
			}
		}
	}
	resp, body := ask(t, r, http.MethodHead, "/search")
	if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 || body != "" {
		t.Errorf("HEAD /search: %s, length %d, %q", resp.Status, resp.ContentLength, body)
	}
}
