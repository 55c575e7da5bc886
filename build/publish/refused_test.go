package publish_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// refusal is a way in which an image repository says no, and what that means.
type refusal struct {
	name          string
	status        int
	code, message string
	reason        publish.Reason
	// final means that no other try is worth it.
	final bool
}

var refusals = []refusal{
	{"a wrong password", 401, "UNAUTHORIZED", "authentication required", publish.Unauthorized, true},
	{"a wrong password, in no words", 401, "", "", publish.Unauthorized, true},
	{"a wrong password, as a bad request", 400, "UNAUTHORIZED", "invalid username or password", publish.Unauthorized, true},
	{"no right", 403, "DENIED", "requested access to the resource is denied", publish.Forbidden, true},
	{"no right, in no words", 403, "", "", publish.Forbidden, true},
	{"no right, as a bad request", 400, "DENIED", "denied", publish.Forbidden, true},
	{"no writes", 405, "UNSUPPORTED", "The operation is unsupported.", publish.ReadOnly, true},
	{"no writes, in no words", 405, "", "", publish.ReadOnly, true},
	{"a full disk", 507, "", "", publish.Full, true},
	{"a full disk, as its own fault", 500, "UNKNOWN", "write /var/lib/registry/blobs: no space left on device", publish.Full, true},
	{"a quota, as a missing right", 403, "DENIED", "adding 1.2 MiB exceeds the project quota of 1 GiB", publish.Full, true},
	{"too many requests", 429, "TOOMANYREQUESTS", "pull rate limit", publish.Limited, false},
	{"too many requests, in no words", 429, "", "", publish.Limited, false},
	{"no such repository", 404, "NAME_UNKNOWN", "repository name not known to registry", publish.Unknown, true},
	{"a fault of its own", 500, "UNKNOWN", "unknown error", publish.Failed, false},
	{"a fault of what is before it", 502, "", "", publish.Failed, false},
	{"nonsense", 400, "SIZE_INVALID", "provided length did not match", publish.Failed, true},
}

// TestReasonsOfSend: whichever of the requests of an upload is refused.
func TestReasonsOfSend(t *testing.T) {
	for _, c := range refusals {
		for _, request := range []struct{ method, part string }{{"POST", "/blobs/uploads/"}, {"PATCH", ""}, {"PUT", "/blobs/"}} {
			t.Run(c.name+"/"+request.method, func(t *testing.T) {
				s, b := serve(t), small()
				s.on(request.method, request.part, -1, refuse(c.status, c.code, c.message))
				bubble(t, func(t *testing.T) {
					sent, err := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
					if err == nil {
						t.Fatalf("sent: %t", sent)
					}
					c.judge(t, err, "send blob "+b.Digest.String(), s)
				})
				c.judgeTries(t, s.count(request.method, request.part))
			})
		}
	}
}

// TestReasonsOfManifests: reading and writing them, by a tag that might be there.
func TestReasonsOfManifests(t *testing.T) {
	for _, c := range refusals {
		s := serve(t)
		r := s.open(t, "a/b", publish.Options{})
		for method, use := range map[string]func(t *testing.T) (string, error){
			"PUT": func(t *testing.T) (string, error) {
				return "write manifest latest", r.Put(t.Context(), "latest", imageOf(t))
			},
			"GET": func(t *testing.T) (string, error) {
				_, err := r.Get(t.Context(), "latest")
				return "read manifest latest", err
			},
		} {
			t.Run(c.name+"/"+method, func(t *testing.T) {
				s.on(method, "/manifests/", -1, refuse(c.status, c.code, c.message))
				bubble(t, func(t *testing.T) {
					r = s.open(t, "a/b", publish.Options{})
					doing, err := use(t)
					if method == "GET" && c.status == http.StatusNotFound {
						if err != nil {
							t.Errorf("what is not there is no error: %v", err)
						}
						return
					}
					c.judge(t, err, doing, s)
				})
				c.judgeTries(t, s.count(method, "/manifests/"))
			})
		}
	}
}

// TestReasonsOfHead: answers to HEAD have no words, only a status.
func TestReasonsOfHead(t *testing.T) {
	for status, reason := range map[int]publish.Reason{
		401: publish.Unauthorized, 403: publish.Forbidden, 405: publish.ReadOnly, 429: publish.Limited, 500: publish.Failed, 507: publish.Full,
	} {
		s := serve(t)
		s.on("HEAD", "/manifests/", -1, refuse(status, "", ""))
		bubble(t, func(t *testing.T) {
			_, err := s.open(t, "a/b", publish.Options{}).Head(t.Context(), "latest")
			refusal{status: status, reason: reason}.judge(t, err, "look up tag latest", s)
		})
	}
}

// judge fails the test unless an error says what it should, in words for people.
func (c refusal) judge(t *testing.T, err error, doing string, s *server) {
	t.Helper()
	var refused *publish.Error
	if !errors.As(err, &refused) {
		t.Fatalf("it is no *Error: %v", err)
	}
	if refused.Reason != c.reason || refused.Doing != doing || refused.Repository != s.host+"/a/b" {
		t.Errorf("reason %d, want %d; %+v", refused.Reason, c.reason, refused)
	}
	text := err.Error()
	if !strings.HasPrefix(text, doing+" ("+s.host+"/a/b): ") {
		t.Errorf("it does not say what was being done: %s", text)
	}
	want := fmt.Sprintf("it answers %d %s", c.status, http.StatusText(c.status))
	if c.code != "" {
		want = c.code + ": " + c.message
	}
	if !strings.HasSuffix(text, want) {
		t.Errorf("%q does not end in %q", text, want)
	}
	readable(t, text)
}

func (c refusal) judgeTries(t *testing.T, tries int) {
	t.Helper()
	if c.final && tries != 1 || !c.final && tries != 4 {
		t.Errorf("%d tries", tries)
	}
}

// readable fails the test where a message shows what is of no use to a person.
func readable(t *testing.T, text string) {
	t.Helper()
	for _, internal := range []string{"unexpected status code", "HEAD responses", "0x", "&{", "transport.", "publish.", "\n", "<nil>", "%!"} {
		if strings.Contains(text, internal) {
			t.Errorf("%q holds %q", text, internal)
		}
	}
}

// TestUnreachable: nobody listens there, or whoever does ends every connection.
func TestUnreachable(t *testing.T) {
	gone := serve(t)
	gone.on("HEAD", "", -1, reset(0))
	for _, host := range []string{"127.0.0.1:1", gone.host} {
		bubble(t, func(t *testing.T) {
			r, err := publish.Open(host+"/a/b", publish.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Head(t.Context(), "latest")
			var refused *publish.Error
			if !errors.As(err, &refused) || refused.Reason != publish.Unreachable {
				t.Errorf("%s: %v", host, err)
			}
		})
	}
	if n := gone.count("HEAD", ""); n != 4 {
		t.Errorf("%d tries", n)
	}
}

// TestNameThatThereIsNot: whatever the name service says of it.
func TestNameThatThereIsNot(t *testing.T) {
	r, err := publish.Open("no-such-host.invalid/a/b", publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Head(t.Context(), "latest")
	var refused *publish.Error
	if !errors.As(err, &refused) || refused.Reason != publish.Unreachable {
		t.Errorf("%v", err)
	}
}

// TestNoImageRepository: what answers is something else.
func TestNoImageRepository(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"a login page": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { io.WriteString(w, "<html>log in</html>") },
		"not found":    refuse(http.StatusNotFound, "", ""),
	} {
		s, b := serve(t), small()
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH"} {
			s.on(method, "", -1, answer)
		}
		bubble(t, func(t *testing.T) {
			var refused *publish.Error
			if _, err := s.open(t, "a/b", publish.Options{}).Blob(t.Context(), b.Digest); !errors.As(err, &refused) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
