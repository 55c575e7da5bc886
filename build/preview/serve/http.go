package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers GET and HEAD of
//
//	/                                     name and version of the service
//	/health                               200, without a body
//	/search?package=<name>&all=<bool>     a list of packages, by name and then by version, oldest first
//	/package/<name>/<version>/            one package, with its files as "assets"; also without the last slash
//	/package/<name>/<version>/<file>      a file
//	/epr/<name>/<name>-<version>.zip      the package as a zip: the same bytes each time and everywhere
//
// Search lists all versions, unless all=false: then only the newest of each name, prereleases counted. The real
// registry lists only the newest unless all=true, and has more parameters; those are ignored.
//
// Errors are JSON, {"error": "…"}: 400 for a bad parameter, 404, 405 for other methods, 500 when a file can't be read.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "method "+req.Method+" is not allowed: GET and HEAD are")
		return
	}
	// The route is found in the decoded path, uncleaned: what is asked for must be in byPath and be a valid fs path,
	// so "..", empty elements and encoded slashes find nothing that their plain form would not.
	route := req.URL.Path
	switch {
	case route == "/":
		writeJSON(w, http.StatusOK, map[string]string{"service.name": "package-registry", "service.version": Version})
	case route == "/health":
		w.WriteHeader(http.StatusOK)
	case route == "/search":
		r.search(w, req)
	case strings.HasPrefix(route, "/package/"):
		r.servePackage(w, req, strings.TrimPrefix(route, "/package/"))
	case strings.HasPrefix(route, "/epr/"):
		r.serveZip(w, req, strings.TrimPrefix(route, "/epr/"))
	default:
		notFound(w, req)
	}
}

func (r *Registry) search(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	found := r.packages
	if value := query.Get("all"); value != "" {
		all, err := strconv.ParseBool(value)
		if err != nil {
			fail(w, http.StatusBadRequest, fmt.Sprintf("parameter all: %q is neither true nor false", value))
			return
		}
		if !all {
			found = newest(found)
		}
	}
	answer := []summary{} // an empty list is [], not null
	for _, p := range found {
		if name := query.Get("package"); name == "" || name == p.summary.Name {
			answer = append(answer, p.summary)
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// servePackage answers <name>/<version>, <name>/<version>/ and <name>/<version>/<file>.
func (r *Registry) servePackage(w http.ResponseWriter, req *http.Request, rest string) {
	name, rest, _ := strings.Cut(rest, "/")
	version, file, _ := strings.Cut(rest, "/")
	p := r.byPath[name+"/"+version]
	switch {
	case p == nil:
		notFound(w, req)
	case file == "":
		p.serveDetails(w, req)
	default:
		p.serveFile(w, req, file)
	}
}

func (p *pkg) serveDetails(w http.ResponseWriter, req *http.Request) {
	entries, err := p.list()
	if err != nil {
		unreadable(w, req, p, err)
		return
	}
	assets := []string{}
	for _, e := range entries {
		if !e.folder {
			assets = append(assets, p.summary.Path+"/"+e.path)
		}
	}
	writeJSON(w, http.StatusOK, struct {
		summary
		Assets []string `json:"assets"`
	}{p.summary, assets})
}

func (p *pkg) serveFile(w http.ResponseWriter, req *http.Request, file string) {
	if !fs.ValidPath(file) {
		notFound(w, req)
		return
	}
	f, err := p.files.Open(file)
	if errors.Is(err, fs.ErrPermission) {
		unreadable(w, req, p, err)
		return
	}
	if err != nil { // not there, below a file, or a symlink out of the root
		notFound(w, req)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		unreadable(w, req, p, err)
		return
	}
	content, seeks := f.(io.ReadSeeker)
	if !seeks || !info.Mode().IsRegular() {
		notFound(w, req)
		return
	}
	// No time is given on purpose: files in an image are all of one time, by which a client would keep a changed file.
	http.ServeContent(w, req, file, time.Time{}, content)
}

// serveZip answers <name>/<name>-<version>.zip.
func (r *Registry) serveZip(w http.ResponseWriter, req *http.Request, rest string) {
	name, file, _ := strings.Cut(rest, "/")
	version, isZip := strings.CutSuffix(strings.TrimPrefix(file, name+"-"), ".zip")
	p := r.byPath[name+"/"+version]
	if p == nil || !isZip || !strings.HasPrefix(file, name+"-") {
		notFound(w, req)
		return
	}
	entries, err := p.list()
	if err == nil {
		err = checkZipLimits(entries)
	}
	if err != nil {
		unreadable(w, req, p, err)
		return
	}
	folder := name + "-" + version + "/"
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Length", strconv.FormatInt(zipSize(folder, entries), 10))
	if req.Method == http.MethodHead {
		return
	}
	// The status may be sent already. That the zip is not whole, the client sees from its length: net/http closes a
	// connection on which less was written than announced.
	if err := writeZip(w, folder, p.files, entries); err != nil && req.Context().Err() == nil {
		slog.Error("a zip was broken off", "package", p.path(), "error", err)
	}
}

func notFound(w http.ResponseWriter, req *http.Request) {
	fail(w, http.StatusNotFound, "there is nothing at "+req.URL.Path)
}

func unreadable(w http.ResponseWriter, req *http.Request, p *pkg, err error) {
	slog.Error("a package can't be read", "package", p.path(), "path", req.URL.Path, "error", err)
	fail(w, http.StatusInternalServerError, p.path()+" can't be read")
}

func fail(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // constraints are full of < and >
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err) // a mistake in our types: they hold strings only
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}
