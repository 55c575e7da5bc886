package publish_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// limit asks to wait.
func limit(status int, after string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
	}
}

// TestRetryAfterIsHeeded: by every request, since the limit is on all of them, and the user hears of it.
func TestRetryAfterIsHeeded(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s := serve(t)
		s.on("HEAD", "/manifests/one", 1, limit(status, "60"))
		bubble(t, func(t *testing.T) {
			var notices notices
			r := s.open(t, "a/b", publish.Options{Notice: notices.add})
			began := time.Now()
			first := make(chan error)
			go func() {
				_, err := r.Head(t.Context(), "one")
				first <- err
			}()
			time.Sleep(time.Second) // the limit has been told meanwhile
			if _, err := r.Head(t.Context(), "two"); err != nil {
				t.Error(err)
			}
			if waited := time.Since(began); waited < time.Minute {
				t.Errorf("%d: the next request waited %s", status, waited)
			}
			if err := <-first; err != nil {
				t.Error(err)
			}
			if waited := time.Since(began); waited > time.Minute+10*time.Second {
				t.Errorf("%d: it took %s", status, waited)
			}
			if got, want := notices.String(), s.host+" asks to wait 1m0s"; got != want {
				t.Errorf("%d: the user heard %q, want %q", status, got, want)
			}
		})
		if n := s.count("HEAD", "/manifests/one"); n != 2 {
			t.Errorf("%d: %d tries", status, n)
		}
	}
}

// TestRetryAfterOnTheClock: without a bubble, in which the pause might not be one.
func TestRetryAfterOnTheClock(t *testing.T) {
	t.Parallel()
	s, b := serve(t), small()
	var refused, came time.Time
	s.on("PATCH", "", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		refused = time.Now()
		limit(http.StatusTooManyRequests, "1")(w, r, next)
	})
	s.on("HEAD", "", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })
	s.on("HEAD", "", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		came = time.Now()
		next.ServeHTTP(w, r)
	})
	if !send(t, s.open(t, "a/b", publish.Options{}), b.Blob) {
		t.Error("it was not sent")
	}
	if pause := came.Sub(refused); pause < time.Second {
		t.Errorf("it was asked again after %s", pause)
	}
}

// TestRetryAfterADate: the other form that RFC 9110 has. A server's clock is not the bubble's.
func TestRetryAfterADate(t *testing.T) {
	s := serve(t)
	bubble(t, func(t *testing.T) {
		began := time.Now()
		s.on("HEAD", "/manifests/", 1, limit(http.StatusTooManyRequests, began.Add(90*time.Second).UTC().Format(http.TimeFormat)))
		if _, err := s.open(t, "a/b", publish.Options{}).Head(t.Context(), "latest"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < 89*time.Second || waited > 100*time.Second {
			t.Errorf("it waited %s", waited)
		}
	})
}

// TestRetryAfterNonsense: such a header is as good as none.
func TestRetryAfterNonsense(t *testing.T) {
	for _, after := range []string{"", "0", "-5", "soon", "86400", "Mon, 02 Jan 1984 15:04:05 GMT"} {
		s := serve(t)
		s.on("HEAD", "/manifests/", 1, limit(http.StatusTooManyRequests, after))
		bubble(t, func(t *testing.T) {
			var notices notices
			began := time.Now()
			if _, err := s.open(t, "a/b", publish.Options{Notice: notices.add}).Head(t.Context(), "latest"); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > 10*time.Second || notices.String() != "" {
				t.Errorf("Retry-After %q: it waited %s, and the user heard %q", after, waited, &notices)
			}
		})
	}
}

// TestRetryAfterIsLeft: nobody who has had enough waits on.
func TestRetryAfterIsLeft(t *testing.T) {
	s := serve(t)
	s.on("HEAD", "/manifests/", -1, limit(http.StatusTooManyRequests, "500"))
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		time.AfterFunc(100*time.Second, cancel)
		_, err := s.open(t, "a/b", publish.Options{}).Head(ctx, "latest")
		canceled(t, err)
		if waited := time.Since(began); waited != 100*time.Second {
			t.Errorf("it waited %s", waited)
		}
	})
}

// faults are gone after two tries.
var faults = map[string]func(http.ResponseWriter, *http.Request, http.Handler){
	"500":   refuse(http.StatusInternalServerError, "UNKNOWN", "unknown error"),
	"502":   refuse(http.StatusBadGateway, "", ""),
	"503":   refuse(http.StatusServiceUnavailable, "", ""),
	"504":   refuse(http.StatusGatewayTimeout, "", ""),
	"408":   refuse(http.StatusRequestTimeout, "", ""),
	"429":   refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down"),
	"reset": reset(1),
	// The upload is unknown to the one of several servers that was asked.
	"lost":     refuse(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
	"truncate": truncate,
}

// TestSendIsTriedAgain: whichever of its requests has a fault, the blob arrives.
func TestSendIsTriedAgain(t *testing.T) {
	for name, answer := range faults {
		for _, request := range []struct{ method, part string }{
			{"GET", "/v2/"}, {"HEAD", "/blobs/"}, {"POST", "/blobs/uploads/"}, {"PATCH", ""}, {"PUT", "/blobs/"},
		} {
			if name == "lost" && request.method != "PATCH" && request.method != "PUT" || name == "truncate" && request.method == "HEAD" {
				continue // there is none yet, or nothing to cut off
			}
			t.Run(name+"/"+request.method, func(t *testing.T) {
				s, b := serve(t), small()
				s.on(request.method, request.part, 2, answer)
				bubble(t, func(t *testing.T) {
					send(t, s.open(t, "a/b", publish.Options{}), b.Blob)
				})
				s.arrived(t, "a/b", b)
				if s.faulted == 0 {
					t.Error("there was no fault")
				}
			})
		}
	}
}

// TestManifestsAreTriedAgain: reading and writing.
func TestManifestsAreTriedAgain(t *testing.T) {
	for name, answer := range faults {
		if name == "lost" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s, m := serve(t), imageOf(t)
			for _, method := range []string{"PUT", "GET", "HEAD"} {
				if name != "truncate" || method != "HEAD" {
					s.on(method, "/manifests/", 2, answer)
				}
			}
			bubble(t, func(t *testing.T) {
				r := s.open(t, "a/b", publish.Options{})
				if err := r.Put(t.Context(), "latest", m); err != nil {
					t.Fatal(err)
				}
				if digest, err := r.Head(t.Context(), "latest"); err != nil || digest != m.Digest {
					t.Errorf("head: %s, %v", digest, err)
				}
				if got, err := r.Get(t.Context(), "latest"); err != nil || got.Digest != m.Digest {
					t.Errorf("get: %v, %v", got, err)
				}
			})
			if n := s.count("GET", "/manifests/"); n != 3 {
				t.Errorf("%d tries to read it", n)
			}
		})
	}
}

// TestTagsAreTriedAgain: a list that was cut off would be a shorter list.
func TestTagsAreTriedAgain(t *testing.T) {
	for name, answer := range faults {
		if name == "lost" {
			continue
		}
		s := serve(t)
		s.on("GET", "/tags/list", 2, answer)
		bubble(t, func(t *testing.T) {
			r := s.open(t, "a/b", publish.Options{})
			if err := r.Put(t.Context(), "latest", imageOf(t)); err != nil {
				t.Fatal(err)
			}
			if tags, known, err := r.Tags(t.Context()); err != nil || !known || len(tags) != 1 {
				t.Errorf("%s: %v (known: %t), %v", name, tags, known, err)
			}
		})
	}
}

// TestBlobsAreReadAgain: also where the answer began well.
func TestBlobsAreReadAgain(t *testing.T) {
	for name, answer := range faults {
		if name == "lost" {
			continue
		}
		s, b := serve(t), medium()
		s.blobs.put("a/b", b.Digest.String(), b.content)
		s.on("GET", "/blobs/", 2, answer)
		bubble(t, func(t *testing.T) {
			content, err := s.open(t, "a/b", publish.Options{}).Blob(t.Context(), b.Digest)
			if err != nil || int64(len(content)) != b.Size {
				t.Errorf("%s: %d of %d bytes, %v", name, len(content), b.Size, err)
			}
		})
	}
}

// TestStall: an image repository that says nothing is given up after Patience, and asked again.
func TestStall(t *testing.T) {
	for _, request := range []struct{ method, part string }{
		{"GET", "/v2/"}, {"HEAD", "/blobs/"}, {"POST", "/blobs/uploads/"}, {"PATCH", ""}, {"PUT", "/blobs/"},
	} {
		t.Run(request.method, func(t *testing.T) {
			s, b := serve(t), medium()
			s.on(request.method, request.part, 1, s.stall)
			bubble(t, func(t *testing.T) {
				send(t, s.open(t, "a/b", publish.Options{Patience: 200 * time.Millisecond}), b.Blob)
			})
			s.arrived(t, "a/b", b)
		})
	}
}

// TestStallForEver ends, and says so.
func TestStallForEver(t *testing.T) {
	s := serve(t)
	s.on("HEAD", "", -1, s.stall)
	bubble(t, func(t *testing.T) {
		_, err := s.open(t, "a/b", publish.Options{Patience: 50 * time.Millisecond}).Head(t.Context(), "latest")
		var refused *publish.Error
		if !errors.As(err, &refused) || refused.Reason != publish.Unreachable || !strings.HasSuffix(err.Error(), ": it does not answer") {
			t.Errorf("%v", err)
		}
	})
	if n := s.count("HEAD", ""); n != 4 {
		t.Errorf("%d tries", n)
	}
}

// TestSlowIsNoStall: Patience is for a connection that stands still, not for the whole of a large blob.
func TestSlowIsNoStall(t *testing.T) {
	t.Parallel()
	s, b := serve(t), newBlob(make([]byte, 8*slowly), types.OCILayer)
	whole := b.Open
	b.Open = func() (io.ReadCloser, error) {
		content, err := whole()
		return &slow{content, 250 * time.Millisecond}, err
	}
	send(t, s.open(t, "a/b", publish.Options{Patience: 1500 * time.Millisecond}), b.Blob)
	s.arrived(t, "a/b", b)
	if n := s.count("PATCH", ""); n != 1 {
		t.Errorf("%d tries", n)
	}
}

// slow is read with a pause before each slowly bytes.
type slow struct {
	io.ReadCloser
	pause time.Duration
}

const slowly = 32 << 10

func (s *slow) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p[:min(len(p), slowly)])
	if n > 0 {
		time.Sleep(s.pause)
	}
	return n, err
}

// TestCancelEndsAtOnce: in the middle of a body, of an answer, and of a wait; and it is nobody's fault.
func TestCancelEndsAtOnce(t *testing.T) {
	t.Run("while a blob is sent", func(t *testing.T) {
		s, b := serve(t), large()
		ctx, cancel := context.WithCancel(t.Context())
		s.on("PATCH", "", -1, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			io.CopyN(io.Discard, r.Body, 1000)
			cancel()
			io.Copy(io.Discard, r.Body)
		})
		sent, err := s.open(t, "a/b", publish.Options{}).Send(ctx, b.Blob)
		canceled(t, err)
		if got := b.progress(); got > 0 {
			t.Errorf("sent: %t, progress came to %d bytes", sent, got)
		}
		if n := s.count("PATCH", ""); n != 1 {
			t.Errorf("%d tries", n)
		}
	})
	for _, method := range []string{"HEAD", "GET", "PUT"} {
		t.Run("while a manifest is waited for, "+method, func(t *testing.T) {
			s := serve(t)
			ctx, cancel := context.WithCancel(t.Context())
			s.on(method, "/manifests/", -1, func(http.ResponseWriter, *http.Request, http.Handler) {
				cancel()
				<-s.ended
			})
			r := s.open(t, "a/b", publish.Options{})
			var err error
			switch method {
			case "HEAD":
				_, err = r.Head(ctx, "latest")
			case "GET":
				_, err = r.Get(ctx, "latest")
			case "PUT":
				err = r.Put(ctx, "latest", imageOf(t))
			}
			canceled(t, err)
		})
	}
	t.Run("before anything", func(t *testing.T) {
		s, b := serve(t), small()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := s.open(t, "a/b", publish.Options{})
		_, err := r.Send(ctx, b.Blob)
		canceled(t, err)
		_, err = r.Head(ctx, "latest")
		canceled(t, err)
		_, _, err = r.Tags(ctx)
		canceled(t, err)
		_, err = r.Blob(ctx, b.Digest)
		canceled(t, err)
		_, err = r.DiffID(ctx, b.Digest)
		canceled(t, err)
		if asked := s.asked(); len(asked) > 0 {
			t.Errorf("it was asked for %v", asked)
		}
	})
}

// canceled fails the test unless an error is that of the context.
func canceled(t *testing.T, err error) {
	t.Helper()
	var refused *publish.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &refused) {
		t.Errorf("the error is %#v", err)
	}
}

// notices are what a user hears.
type notices struct {
	mutex sync.Mutex
	all   []string
}

func (n *notices) add(text string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.all = append(n.all, text)
}

func (n *notices) String() string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return strings.Join(n.all, "\n")
}
