package readme_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// shownRepository is the address of the image repository that the pages show; an imageRepository takes its place.
const shownRepository = "127.0.0.1:5000"

// The user of an imageRepository that wants one, and as the file that it knows him by.
const (
	user     = "ci"
	password = "not a secret"
	htpasswd = "ci:$2a$04$7.0Vs/XNpxsm5f8M9TrnKuPAPLo8Qmn7z/h8.dOBCWquLhCoWOsTa\n"
)

// required says that nothing may be left out because a tool is not installed.
func required() bool { return os.Getenv("REQUIRE_PEERS") == "1" }

// imageRepository starts an image repository, which may want a user, and returns its address.
func imageRepository(t *testing.T, login bool) string {
	t.Helper()
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if required() {
			t.Fatal("docker-registry is not installed, and REQUIRE_PEERS=1")
		}
		t.Skip("docker-registry is not installed")
	}
	for range 5 { // another process may take the port first
		if address := tryImageRepository(t, login); address != "" {
			return address
		}
	}
	t.Fatal("docker-registry does not start")
	return ""
}

func tryImageRepository(t *testing.T, login bool) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"+
		"storage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %s}\n", dir, address)
	if login {
		users := filepath.Join(dir, "htpasswd")
		write(t, users, htpasswd)
		config += "auth: {htpasswd: {realm: test, path: " + users + "}}\n"
	}
	file := filepath.Join(dir, "config.yml")
	write(t, file, config)
	cmd := exec.Command("docker-registry", "serve", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	for {
		select {
		case <-ended:
			return ""
		case <-time.After(50 * time.Millisecond):
		}
		// It listens within milliseconds, or ends: what answers later than that is no other process.
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			select {
			case <-ended:
				return ""
			case <-time.After(300 * time.Millisecond):
				return address
			}
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
