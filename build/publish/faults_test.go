package publish_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// TestProgressOfWholeTries: a try whose body arrived whole, and which was refused then, counts for nothing either.
func TestProgressOfWholeTries(t *testing.T) {
	all := func(answer func(http.ResponseWriter, *http.Request, http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			io.Copy(io.Discard, r.Body)
			answer(w, r, next)
		}
	}
	for _, method := range []string{"PATCH", "PUT"} {
		s, b := serve(t), medium()
		s.on(method, "/blobs/", 2, all(refuse(http.StatusInternalServerError, "", "")))
		bubble(t, func(t *testing.T) { send(t, s.open(t, "a/b", publish.Options{}), b.Blob) })
		if got := b.progress(); got != b.Size {
			t.Errorf("%s: progress came to %d of %d bytes", method, got, b.Size)
		}
	}
}

// TestExpiredTokenCountsOnce: the body that was sent in vain is no progress.
func TestExpiredTokenCountsOnce(t *testing.T) {
	s, b := serve(t), medium()
	k := &tokens{uses: 2} // HEAD, POST
	s.on("PATCH", "", -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		content, _ := io.ReadAll(r.Body)
		if !k.take(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+s.host+`/token",service="images"`)
			refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")(w, r, next)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		next.ServeHTTP(w, r)
	})
	k.guard(s)
	send(t, s.open(t, "a/b", publish.Options{}), b.Blob)
	s.arrived(t, "a/b", b)
	if got := b.progress(); got != b.Size {
		t.Errorf("progress came to %d of %d bytes", got, b.Size)
	}
}

// TestUnreadableBlob: what is wrong here is not blamed on the image repository, nor helped by another try.
func TestUnreadableBlob(t *testing.T) {
	s, b := serve(t), small()
	opened := 0
	b.Open = func() (io.ReadCloser, error) {
		opened++
		return os.Open(filepath.Join(t.TempDir(), "gone"))
	}
	bubble(t, func(t *testing.T) {
		_, err := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
		var refused *publish.Error
		if !errors.Is(err, os.ErrNotExist) || errors.As(err, &refused) || opened != 1 {
			t.Errorf("opened %d times, %T %v", opened, err, err)
			if refused != nil {
				t.Errorf("reason %d", refused.Reason)
			}
		}
	})
}

// TestPlainHTTPOfAName: only private addresses and loopback are tried in plain HTTP by go-containerregistry. Whoever else
// speaks that only needs the same way out.
func TestPlainHTTPOfAName(t *testing.T) {
	for _, address := range []string{ownAddress(t), "127.0.0.2"} {
		at, _ := plainServer(t, address)
		r, err := publish.Open(at+"/a/b", publish.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Head(t.Context(), "latest")
		var refused *publish.Error
		if address == "127.0.0.2" {
			if err != nil {
				t.Errorf("loopback: %v", err)
			}
		} else if !errors.As(err, &refused) || refused.Reason != publish.Insecure {
			t.Errorf("reason %d, %v", refused.Reason, err)
		}
	}
}

// TestUntrustedCertificate: it speaks TLS, which its text must not deny.
func TestUntrustedCertificate(t *testing.T) {
	quiet := httptest.NewUnstartedServer(http.NotFoundHandler())
	quiet.Config.ErrorLog = log.New(io.Discard, "", 0)
	quiet.StartTLS()
	defer quiet.Close()
	for _, host := range []string{quiet.Listener.Addr().String(), "10.255.255.1:443"} {
		r, err := publish.Open(host+"/a/b", publish.Options{Patience: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Head(t.Context(), "latest")
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			var refused *publish.Error
			errors.As(err, &refused)
			t.Errorf("%s: %v (reason %d)\n\tunder it: %v", host, err, refused.Reason, refused.Err)
		}
	}
}

// TestConnectionFaultsInPlainWords has no Go in its text.
func TestConnectionFaultsInPlainWords(t *testing.T) {
	s, b := serve(t), large()
	s.on("PATCH", "", -1, reset(0))
	s.on("GET", "/manifests/", -1, reset(0))
	s.on("HEAD", "/manifests/stall", -1, s.stall)
	stalled := serve(t)
	stalled.on("PATCH", "", -1, stalled.stall)
	bubble(t, func(t *testing.T) {
		gone, _ := publish.Open("127.0.0.1:1/a/b", publish.Options{})
		_, unreachable := gone.Head(t.Context(), "latest")
		_, reset := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
		_, cut := s.open(t, "a/b", publish.Options{}).Get(t.Context(), "latest")
		_, stall := stalled.open(t, "a/b", publish.Options{Patience: 100 * time.Millisecond}).Send(t.Context(), b.Blob)
		for _, err := range []error{unreachable, reset, cut, stall} {
			for _, internal := range []string{"Get http", "Patch http", "dial tcp", "read tcp", "write tcp", "EOF", "use of closed"} {
				if strings.Contains(err.Error(), internal) {
					t.Errorf("%v", err)
					break
				}
			}
		}
	})
}

// TestCancelEndsAPause: also the pause between two tries.
func TestCancelEndsAPause(t *testing.T) {
	s := serve(t)
	s.on("HEAD", "", -1, refuse(500, "", ""))
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel) // in the last pause, of 2.7 seconds
		began := time.Now()
		_, err := s.open(t, "a/b", publish.Options{}).Head(ctx, "latest")
		canceled(t, err)
		if waited := time.Since(began); waited > 2*time.Second+100*time.Millisecond {
			t.Errorf("it ended %s after it was cancelled", waited-2*time.Second)
		}
	})
}

// TestDeadline ends as a cancellation does (mage -t).
func TestDeadline(t *testing.T) {
	s := serve(t)
	s.on("HEAD", "", -1, limit(429, "500"))
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.open(t, "a/b", publish.Options{}).Head(ctx, "latest")
		var refused *publish.Error
		if waited := time.Since(began); waited > 6*time.Second || errors.As(err, &refused) {
			t.Errorf("after %s: %T %v", waited, err, err)
		}
	})
}

// TestOpenRefusesMore: what would go to a host called "docker:".
func TestOpenRefusesMore(t *testing.T) {
	for _, location := range []string{"docker://registry.example.com/a", "ftp://registry.example.com/a",
		"HTTP://registry.example.com/a", "https://http://registry.example.com/a", "registry.example.com/a//b", "registry.example.com/a/",
		"registry.example.com/../a", "::1/a"} {
		if r, err := publish.Open(location, publish.Options{}); err == nil {
			t.Errorf("%-40s is %s on %s", location, r.Name(), r.Host())
		}
	}
}

// TestCancelWithACause: net/http gives the context's cause for its error, and errgroup's is the error of another goroutine:
// after one blob has failed, each of the others is tried again on a context that has ended.
func TestCancelWithACause(t *testing.T) {
	s, b := serve(t), small()
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		began := time.Now()
		cancel(&publish.MissingBlobError{Digest: b.Digest})
		_, err := s.open(t, "a/b", publish.Options{}).Send(ctx, b.Blob)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("after %s: %T %v", waited, err, err)
		}
	})
}
