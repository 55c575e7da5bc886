package codehost

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Access is what a token may do.
type Access int

// A token may read, or also open, change and merge pull requests.
const (
	Read Access = iota + 1
	Write
)

// Config is one repository and who may use it. Only Repository and Dir are needed.
type Config struct {
	// Repository is "<owner>/<name>", Dir its bare git repository.
	Repository, Dir string
	// Former are names that it had; they redirect.
	Former []string
	// Redirect is the status of these; 0 is GitHub's: 301 for GET, 307 for the rest.
	Redirect int
	// Forks are bare git repositories by owner.
	Forks map[string]string
	// Tokens are all that are known. Nil lets everybody do everything, whatever token they bring.
	Tokens map[string]Access
	// Private hides the repository from who has no token.
	Private bool
	// Limit is the primary rate limit, of all requests together.
	Limit Limit
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Server is a code host. Safe for concurrent use; it deals with one request at a time.
type Server struct {
	config Config
	owner  string
	git    git
	routes *http.ServeMux

	mutex  sync.Mutex
	pulls  []*pull // number is the index and 1
	window window

	faultMutex sync.Mutex
	faults     []*injected
	requests   []string
}

// repositoryID is what /repositories/<id> stands for: redirects and pages lead there, as GitHub's do.
const repositoryID = 4711

// New serves a repository.
func New(c Config) (*Server, error) {
	owner, _, found := strings.Cut(c.Repository, "/")
	if !found {
		return nil, fmt.Errorf("repository %q: it is not <owner>/<name>", c.Repository)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c, owner: owner, git: git{c.Dir}, routes: http.NewServeMux()}
	for who, dir := range c.Forks {
		if err := (git{dir}).check(); err != nil {
			return nil, fmt.Errorf("fork of %s: %w", who, err)
		}
	}
	for _, at := range []string{"/repos/{owner}/{name}/pulls", "/repositories/{id}/pulls"} {
		s.routes.HandleFunc("GET "+at, s.list)
		s.routes.HandleFunc("POST "+at, s.create)
		s.routes.HandleFunc("GET "+at+"/{number}", s.get)
		s.routes.HandleFunc("PATCH "+at+"/{number}", s.update)
		s.routes.HandleFunc("PUT "+at+"/{number}/merge", s.merge)
	}
	s.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "Not Found") })
	return s, s.git.check()
}

// ServeHTTP implements http.Handler. The API is at / and, as an enterprise has it, at /api/v3/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := http.Handler(http.HandlerFunc(s.serve))
	if strings.HasPrefix(r.URL.Path, prefix+"/") {
		api = http.StripPrefix(prefix, api)
		r = r.WithContext(context.WithValue(r.Context(), prefixKey{}, prefix))
	}
	if fault := s.note(r); fault != nil {
		fault(w, r, api)
		return
	}
	api.ServeHTTP(w, r)
}

const prefix = "/api/v3"

type prefixKey struct{}

// address is the server's own, as the client knows it.
func address(r *http.Request) string { return "http://" + r.Host }

// apiAddress is where the API is that a request came to.
func apiAddress(r *http.Request) string {
	below, _ := r.Context().Value(prefixKey{}).(string)
	return address(r) + below
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w.Header().Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-GitHub-Api-Version-Selected", apiVersion)
	if !s.admits(w, r) {
		return
	}
	s.routes.ServeHTTP(w, r)
}

const apiVersion = "2022-11-28"

// admits says whether a request is dealt with at all, and has answered it where it is not.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	version := r.Header.Get("X-GitHub-Api-Version")
	access, known := s.access(r)
	switch {
	case r.UserAgent() == "" || strings.HasPrefix(r.UserAgent(), "Go-http-client/"): // who does not say what it is
		refuse(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	case version != "" && version != apiVersion:
		refuse(w, http.StatusBadRequest, "Invalid API version", version+" is not a supported version")
	case !acceptable(r.Header.Get("Accept")):
		refuse(w, http.StatusUnsupportedMediaType, "Unsupported 'Accept' header. Must accept 'application/json'.")
	case !known:
		refuse(w, http.StatusUnauthorized, "Bad credentials")
	case !s.config.Limit.spend(&s.window, w, s.config.Now()):
	case s.redirects(w, r):
	case !s.here(r) || s.config.Private && access == 0:
		refuse(w, http.StatusNotFound, "Not Found")
	case r.Method != http.MethodGet && access == 0:
		refuse(w, http.StatusUnauthorized, "Requires authentication")
	case r.Method != http.MethodGet && access < Write:
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
	default:
		return true
	}
	return false
}

func acceptable(accept string) bool {
	return accept == "" || strings.Contains(accept, "*/*") || strings.Contains(accept, "json")
}

// access is what the request's token allows: 0 without one. known is false for a token that is none.
func (s *Server) access(r *http.Request) (access Access, known bool) {
	if s.config.Tokens == nil {
		return Write, true
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return 0, true
	}
	_, token, _ := strings.Cut(header, " ")
	access, known = s.config.Tokens[token]
	return access, known
}

// here says whether a request is about the repository. Names of owners and repositories have no case.
func (s *Server) here(r *http.Request) bool {
	path := strings.ToLower(r.URL.Path)
	return strings.HasPrefix(path, fmt.Sprintf("/repositories/%d/", repositoryID)) ||
		strings.HasPrefix(path, "/repos/"+strings.ToLower(s.config.Repository)+"/")
}

// redirects answers a request to a former name.
func (s *Server) redirects(w http.ResponseWriter, r *http.Request) bool {
	for _, name := range s.config.Former {
		rest, found := strings.CutPrefix(r.URL.Path, "/repos/"+name+"/")
		if !found {
			continue
		}
		to := fmt.Sprintf("%s/repositories/%d/%s", apiAddress(r), repositoryID, rest)
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		status := s.config.Redirect
		if status == 0 {
			status = http.StatusTemporaryRedirect
			if r.Method == http.MethodGet {
				status = http.StatusMovedPermanently
			}
		}
		w.Header().Set("Location", to)
		answer(w, status, map[string]string{"message": "Moved Permanently", "url": to, "documentation_url": documentation})
		return true
	}
	return false
}
