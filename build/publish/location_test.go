package publish_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/publish"
)

func TestOpenReadsTheLocation(t *testing.T) {
	for _, c := range []struct {
		location, name, host string
		loopback             bool
	}{
		{"registry.example.com/package-registry/distribution", "registry.example.com/package-registry/distribution", "registry.example.com", false},
		{"https://registry.example.com/a/b", "registry.example.com/a/b", "registry.example.com", false},
		{"http://registry.example.com:5000/a", "registry.example.com:5000/a", "registry.example.com:5000", false},
		{"docker.io/a/b", "index.docker.io/a/b", "index.docker.io", false},

		{"127.0.0.1:5000/a", "127.0.0.1:5000/a", "127.0.0.1:5000", true},
		{"127.8.9.10/a", "127.8.9.10/a", "127.8.9.10", true},
		{"localhost:5000/a", "localhost:5000/a", "localhost:5000", true},
		{"localhost/a/b", "localhost/a/b", "localhost", true},
		{"images.localhost:5000/a", "images.localhost:5000/a", "images.localhost:5000", false},
		{"[::1]:5000/a", "[::1]:5000/a", "[::1]:5000", true},
		{"[::1]/a", "[::1]/a", "[::1]", true},

		// What only looks like this machine, and what is only near it.
		{"127.0.0.1.example.com/a", "127.0.0.1.example.com/a", "127.0.0.1.example.com", false},
		{"localhost.example.com/a", "localhost.example.com/a", "localhost.example.com", false},
		{"notlocalhost:5000/a", "notlocalhost:5000/a", "notlocalhost:5000", false},
		{"10.1.2.3:5000/a", "10.1.2.3:5000/a", "10.1.2.3:5000", false},
		{"[::2]:5000/a", "[::2]:5000/a", "[::2]:5000", false},
	} {
		r, err := publish.Open(c.location, publish.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.location, err)
			continue
		}
		if r.Name() != c.name || r.Host() != c.host || r.Loopback() != c.loopback {
			t.Errorf("%s: name %s, host %s, loopback %t; want %s, %s, %t", c.location, r.Name(), r.Host(), r.Loopback(), c.name, c.host, c.loopback)
		}
	}
}

func TestOpenRefusesWhatIsNoRepository(t *testing.T) {
	for _, location := range []string{
		"", " ", "not a name", "http://", "registry.example.com/", "registry.example.com/UPPER", "registry.example.com/a?b",
		"registry.example.com/a:latest", "127.0.0.1:5000/a:latest", "registry.example.com/a@sha256:" + strings.Repeat("0", 64),
		"registry.example.com:5000", "registry.example.com", "package-registry/distribution", "http:///a",
	} {
		_, err := publish.Open(location, publish.Options{})
		var wrong *publish.LocationError
		if !errors.As(err, &wrong) || wrong.Location != location || wrong.Why == "" {
			t.Errorf("%q: %#v", location, err)
		}
	}
}

// TestOpenKeepsSecrets: what was typed by mistake is not for the log.
func TestOpenKeepsSecrets(t *testing.T) {
	_, err := publish.Open("somebody:secret@registry.example.com/a", publish.Options{})
	var wrong *publish.LocationError
	if !errors.As(err, &wrong) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// TestOpenAsksNothing: a build opens an image repository that it may not need.
func TestOpenAsksNothing(t *testing.T) {
	s := serve(t)
	s.open(t, "a/b", publish.Options{})
	if asked := s.asked(); len(asked) > 0 {
		t.Errorf("it was asked for %v", asked)
	}
}

// TestLoopbackNeedsNoTLS: whatever this machine is called by.
func TestLoopbackNeedsNoTLS(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		for _, scheme := range []string{"", "http://"} {
			at, _ := plainServer(t, host)
			if at == "" {
				continue // no such address here
			}
			r, err := publish.Open(scheme+at+"/a/b", publish.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if digest, err := r.Head(t.Context(), "latest"); err != nil || digest != (v1.Hash{}) {
				t.Errorf("%s%s: %v, %v", scheme, at, digest, err)
			}
		}
	}
}

// TestPlainHTTPCostsNoPause: that TLS fails at once is no fault that may be gone a moment later.
func TestPlainHTTPCostsNoPause(t *testing.T) {
	s := serve(t)
	bubble(t, func(t *testing.T) {
		began := time.Now()
		if _, err := s.open(t, "a/b", publish.Options{}).Head(t.Context(), "latest"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it took %s", waited)
		}
	})
}

// TestOthersNeedTLS: credentials must not be sent to them in the open, unless it is said that they may be.
func TestOthersNeedTLS(t *testing.T) {
	at, asked := plainServer(t, ownAddress(t))
	bubble(t, func(t *testing.T) {
		r, err := publish.Open(at+"/a/b", publish.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Head(t.Context(), "latest"); err == nil || asked.Load() > 0 {
			t.Errorf("it was asked %d times in plain HTTP; the error is %v", asked.Load(), err)
		}
		if r, err = publish.Open("http://"+at+"/a/b", publish.Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Head(t.Context(), "latest"); err != nil || asked.Load() == 0 {
			t.Errorf("with http:// it was asked %d times; the error is %v", asked.Load(), err)
		}
	})
}

// TestPrivateAddressesNeedTLS: go-containerregistry takes those of RFC 1918 for insecure by themselves, and would try
// plain HTTP unasked. Nothing has to listen there: the refusal comes before the connection.
func TestPrivateAddressesNeedTLS(t *testing.T) {
	for _, host := range []string{"10.255.255.254:1", "172.31.255.254:1", "192.168.255.254:1"} {
		bubble(t, func(t *testing.T) {
			r, err := publish.Open(host+"/a/b", publish.Options{Patience: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Head(t.Context(), "latest")
			var plain *publish.PlainHTTPError
			if !errors.As(err, &plain) || plain.Host != host {
				t.Errorf("%s: %v", host, err)
			}
		})
	}
}

// TestRedirectsNeedTLS: an image repository may keep its blobs elsewhere, but not there in the open.
func TestRedirectsNeedTLS(t *testing.T) {
	s, b := serve(t), small()
	s.blobs.put("a/b", b.Digest.String(), b.content)
	s.on("GET", "/blobs/", 1, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, "http://blobs.example.com/1", http.StatusTemporaryRedirect)
	})
	_, err := s.open(t, "a/b", publish.Options{}).Blob(t.Context(), b.Digest)
	var refused *publish.Error
	var plain *publish.PlainHTTPError
	if !errors.As(err, &refused) || refused.Reason != publish.Insecure || !errors.As(err, &plain) || plain.Host != "blobs.example.com" {
		t.Errorf("the error is %v", err)
	}
}

// plainServer answers 404 to everything at an address of this machine; at is empty where there is no such address.
func plainServer(t *testing.T, host string) (at string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	listener, err := net.Listen("tcp", net.JoinHostPort(strings.Trim(host, "[]"), "0"))
	if err != nil {
		return "", asked
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/v2/" {
			http.NotFound(w, r)
		}
	}))
	s.Listener.Close()
	s.Listener = listener
	s.Config.SetKeepAlivesEnabled(false)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host + ":" + port, asked
}

// ownAddress is one of this machine that others can reach as well.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}
