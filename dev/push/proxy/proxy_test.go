package proxy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// repository answers every request with 1,000 bytes, and leads uploads elsewhere.
type repository struct {
	asked atomic.Int64
	*httptest.Server
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	u := &repository{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.asked.Add(1)
		io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "http://"+r.Host+"/v2/a/b/blobs/uploads/1?state=2")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		fmt.Fprint(w, strings.Repeat("x", 1000))
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *repository) host() string { return strings.TrimPrefix(u.URL, "http://") }

func start(t *testing.T, config proxy.Config) *proxy.Proxy {
	t.Helper()
	p, err := proxy.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// ask sends one request on a connection of its own, so that the client tries nothing twice.
func ask(p *proxy.Proxy, method, path, token string) (status int, header http.Header, body string, err error) {
	r, err := http.NewRequest(method, "http://"+p.Addr()+path, strings.NewReader("up"))
	if err != nil {
		return 0, nil, "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 500 * time.Millisecond}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(content), err
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault  proxy.Fault
		method string
		status int
		fails  func(error) bool
		asked  int64
	}{
		{proxy.None, "GET", 200, nil, 1},
		{proxy.ServerError, "GET", 500, nil, 0},
		{proxy.TooMany, "GET", 429, nil, 0},
		{proxy.ResetBefore, "PUT", 0, isReset, 0},
		{proxy.ResetAfter, "PUT", 0, isReset, 1},
		{proxy.Truncate, "GET", 200, isCut, 1},
		{proxy.Truncate, "HEAD", 0, isCut, 1},
		{proxy.Stall, "PUT", 0, isTimeout, 0},
	} {
		t.Run(fmt.Sprint(test.fault, " ", test.method), func(t *testing.T) {
			upstream := newRepository(t)
			p := start(t, proxy.Config{Upstream: upstream.host()})
			p.Inject(test.fault, 2, nil)
			for n := 1; n <= 3; n++ {
				status, header, _, err := ask(p, test.method, "/v2/a/b/manifests/tag", "")
				switch {
				case n != 2 && (status != 200 || err != nil):
					t.Errorf("request %d, which is to pass: %d %v", n, status, err)
				case n == 2 && (test.fails == nil) != (err == nil), n == 2 && test.fails != nil && !test.fails(err), n == 2 && status != test.status:
					t.Errorf("%d %v", status, err)
				case n == 2 && status == 429 && header.Get("Retry-After") != "1":
					t.Errorf("Retry-After is %q", header.Get("Retry-After"))
				}
			}
			if got := upstream.asked.Load(); got != 2+test.asked {
				t.Errorf("the image repository was asked %d times", got)
			}
			if got := p.Exchanges(); len(got) != 3 || got[1].Fault != test.fault || got[1].Number != 2 {
				t.Errorf("exchanges: %+v", got)
			}
		})
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

func isTimeout(err error) bool {
	var failed *url.Error
	return errors.As(err, &failed) && failed.Timeout()
}

func TestRequests(t *testing.T) {
	p := start(t, proxy.Config{Upstream: newRepository(t).host()})
	var want []string
	for _, request := range [][2]string{
		{"GET /v2/", "1 GET ping"},
		{"GET /token?scope=x", "2 GET token"},
		{"GET /v2/a/b/tags/list", "3 GET tags"},
		{"HEAD /v2/a/b/manifests/latest", "4 HEAD manifest latest"},
		{"PUT /v2/a/b/manifests/sha256:1", "5 PUT manifest sha256:1"},
		{"HEAD /v2/a/b/blobs/sha256:1", "6 HEAD blob sha256:1"},
		{"POST /v2/a/b/blobs/uploads/", "7 POST upload"},
		{"PATCH /v2/a/b/blobs/uploads/1?state=2", "8 PATCH upload"},
		{"PUT /v2/a/b/blobs/uploads/1?state=2&digest=sha256:1", "9 PUT upload sha256:1"},
		{"GET /v2/blobs/tags/manifests/tag", "10 GET manifest tag"},
		{"GET /elsewhere", "11 GET other"},
	} {
		method, path, _ := strings.Cut(request[0], " ")
		_, header, _, err := ask(p, method, path, "")
		if err != nil {
			t.Fatal(err)
		}
		if location := header.Get("Location"); method == "POST" && location != "http://"+p.Addr()+"/v2/a/b/blobs/uploads/1?state=2" {
			t.Errorf("Location: %s", location)
		}
		want = append(want, request[1])
	}
	var got []string
	for _, x := range p.Exchanges() {
		got = append(got, x.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if up, down := p.Traffic(); up < 22 || down < 7000 {
		t.Errorf("traffic: %d up, %d down", up, down)
	}
	if x := p.Exchanges()[4]; x.Up != 2 || x.Down != 1000 || x.Repository != "a/b" || string(x.Body) != "up" {
		t.Errorf("%+v", x)
	}
}

// TestTokens goes the way of a client whose token expires.
func TestTokens(t *testing.T) {
	upstream := newRepository(t)
	p := start(t, proxy.Config{Upstream: upstream.host(), Auth: &proxy.Auth{User: "me", Password: "secret"}})
	p.Inject(proxy.Expire, 5, nil)
	try := func(token string, want int) {
		t.Helper()
		status, header, _, err := ask(p, "GET", "/v2/a/b/tags/list", token)
		if err != nil || status != want {
			t.Fatalf("%d %v, want %d", status, err, want)
		}
		challenge := `Bearer realm="http://` + p.Addr() + `/token",service="proxy",scope="repository:a/b:pull,push"`
		if want == 401 && !strings.HasPrefix(header.Get("WWW-Authenticate"), challenge) {
			t.Errorf("challenge: %s", header.Get("WWW-Authenticate"))
		}
	}
	try("none", 401)
	if token := takeToken(t, p, "wrong"); token != "" {
		t.Errorf("a wrong password gets token %q", token)
	}
	token := takeToken(t, p, "secret")
	try(token, 200)
	try(token, 401)
	try(takeToken(t, p, "secret"), 200)
	try(token, 401)
	if got := upstream.asked.Load(); got != 2 {
		t.Errorf("the image repository was asked %d times", got)
	}
}

func takeToken(t *testing.T, p *proxy.Proxy, password string) string {
	t.Helper()
	r, err := http.NewRequest("GET", "http://me:"+password+"@"+p.Addr()+"/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct{ Token string }
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Token
}
