package gitstore_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
)

// overHTTP serves a repository with git's own http-backend; who is nobody may not push.
func overHTTP(t *testing.T, dir, who string) string {
	t.Helper()
	handler := &cgi.Handler{
		Path: filepath.Join(git(t, "", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + t.TempDir()},
	}
	if who != "" {
		handler.Env = append(handler.Env, "REMOTE_USER="+who)
	}
	server := httptest.NewServer(http.Handler(handler))
	t.Cleanup(server.Close)
	return server.URL + "/" + filepath.Base(dir)
}

// byDaemon serves a repository with git daemon.
func byDaemon(t *testing.T, dir string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	cmd := exec.Command("git", "daemon", "--reuseaddr", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1",
		fmt.Sprintf("--port=%d", port), "--base-path="+filepath.Dir(dir))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 100 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return fmt.Sprintf("git://127.0.0.1:%d/%s", port, filepath.Base(dir))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if os.Getenv("REQUIRE_PEERS") != "" {
		t.Fatal("git daemon does not start")
	}
	t.Skip("git daemon does not start here")
	return ""
}

func mirrorOf(t *testing.T, url, dir string) *gitstore.Storage {
	t.Helper()
	s, err := gitstore.Mirror(t.Context(), url, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPushToServers: over HTTP and git's own protocol, as in a folder: all move, or none, and it is said why.
func TestPushToServers(t *testing.T) {
	for name, serve := range map[string]func(dir string) string{
		"http-backend": func(dir string) string { return overHTTP(t, dir, "somebody") },
		"daemon":       func(dir string) string { return byDaemon(t, dir) },
	} {
		t.Run(name, func(t *testing.T) {
			upstream, _ := hooked(t, "update", `[ "$1" = refs/heads/staging ] && [ -e refused ] && { echo "staging is closed" >&2; exit 1; }; exit 0`)
			url := serve(upstream)
			at := filepath.Join(t.TempDir(), "mirror.git")
			s := mirrorOf(t, url, at)
			all := moves(t, s)
			write(t, filepath.Join(upstream, "refused"), "")
			before := heads(t, upstream)
			var refused *gitstore.RefusedError
			if err := s.Push(t.Context(), all); !errors.As(err, &refused) || refused.Said != "staging is closed" {
				t.Errorf("refused: %v", err)
			}
			if now := heads(t, upstream); now != before {
				t.Errorf("a branch has moved:\n%s", now)
			}
			git(t, upstream, "update-ref", "refs/heads/production", "production~1")
			var moved *gitstore.MovedError
			if err := s.Push(t.Context(), all); !errors.As(err, &moved) || strings.Join(moved.Branches, " ") != "production" {
				t.Errorf("moved meanwhile: %v", err)
			}
			git(t, upstream, "update-ref", "refs/heads/production", string(all[0].From))
			if err := exec.Command("rm", filepath.Join(upstream, "refused")).Run(); err != nil {
				t.Fatal(err)
			}
			if err := s.Push(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if got := resolve(t, upstream, m.Branch); got != m.To {
					t.Errorf("%s is at %s, want %s", m.Branch, got, m.To)
				}
			}
			if again := mirrorOf(t, url, at); again.Remote() != url {
				t.Errorf("it is called %s", again.Remote())
			}
		})
	}
}

// TestPushWithoutTheRight: the server refuses all of it, before it looks at any branch.
func TestPushWithoutTheRight(t *testing.T) {
	upstream := shelf(t, "sha1")
	s := mirrorOf(t, overHTTP(t, upstream, ""), filepath.Join(t.TempDir(), "mirror.git"))
	before := heads(t, upstream)
	var failed *gitstore.PushError
	if err := s.Push(t.Context(), moves(t, s)); !errors.As(err, &failed) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if now := heads(t, upstream); now != before {
		t.Errorf("a branch has moved:\n%s", now)
	}
}
