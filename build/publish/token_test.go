package publish_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// tokens makes a server want bearer tokens (distribution spec, "Token Authentication"), each good for some requests only.
// user and password are what it hands them out for.
type tokens struct {
	mutex          sync.Mutex
	user, password string
	uses           int // of one token
	given, left    int
	scopes         []string
}

func (k *tokens) guard(s *server) {
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "PUT"} {
		s.on(method, "", -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path == "/token" {
				k.give(w, r)
				return
			}
			if !k.take(r) {
				io.CopyN(io.Discard, r.Body, 100_000) // it comes in the middle of a body
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="images",scope="repository:a/b:push,pull"`, s.host))
				refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")(w, r, next)
				http.NewResponseController(w).Flush()
				io.Copy(io.Discard, r.Body)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func (k *tokens) give(w http.ResponseWriter, r *http.Request) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if user, password, _ := r.BasicAuth(); user != k.user || password != k.password {
		refuse(http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")(w, r, nil)
		return
	}
	k.given++
	k.left = k.uses
	k.scopes = append(k.scopes, r.URL.Query()["scope"]...)
	fmt.Fprintf(w, `{"token":"token-%d"}`, k.given)
}

func (k *tokens) take(r *http.Request) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", k.given) || k.left == 0 {
		return false
	}
	k.left--
	return true
}

// TestExpiredToken: a token that expires before any of the requests of an upload is renewed, and the body arrives whole
// though a part of it has been sent in vain.
func TestExpiredToken(t *testing.T) {
	for uses := 1; uses <= 4; uses++ {
		s, b := serve(t), medium()
		k := &tokens{uses: uses}
		k.guard(s)
		bubble(t, func(t *testing.T) {
			r := s.open(t, "a/b", publish.Options{})
			send(t, r, b.Blob)
			if err := r.Put(t.Context(), "latest", imageOf(t, b)); err != nil {
				t.Error(err)
			}
		})
		s.arrived(t, "a/b", b)
		if k.given < 2 {
			t.Errorf("%d tokens were given for %d uses each", k.given, uses)
		}
	}
}

// TestCredentials: those of the Docker config file, for this host.
func TestCredentials(t *testing.T) {
	for password, reason := range map[string]publish.Reason{"secret": 0, "an old one": publish.Unauthorized} {
		s, b := serve(t), small()
		k := &tokens{user: "somebody", password: "secret", uses: 1000}
		k.guard(s)
		folder := t.TempDir()
		auth := base64.StdEncoding.EncodeToString([]byte("somebody:" + password))
		config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.host, auth)
		if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("DOCKER_CONFIG", folder)
		_, err := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
		if password == "secret" {
			if err != nil {
				t.Error(err)
			}
			s.arrived(t, "a/b", b)
			continue
		}
		var refused *publish.Error
		if !errors.As(err, &refused) || refused.Reason != reason || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), auth) {
			t.Errorf("with a wrong password: %v", err)
		}
		if n := s.count("GET", "/token"); n != 1 {
			t.Errorf("a wrong password was tried %d times: accounts are locked for less", n)
		}
	}
}
