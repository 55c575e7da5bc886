package publish

import (
	"fmt"
	"net"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// LocationError says that something is not the name of an image repository.
type LocationError struct{ Location, Why string }

func (e *LocationError) Error() string {
	return fmt.Sprintf("%q is no image repository: %s", e.Location, e.Why)
}

// parse reads "<host>/<path>"; "http://" before it allows plain HTTP, which only loopback may have unasked.
func parse(location string) (repository name.Repository, plain bool, err error) {
	full, explicit := strings.CutPrefix(location, "http://")
	full = strings.TrimPrefix(full, "https://")
	host, _, found := strings.Cut(full, "/")
	if strings.Contains(full, "://") || path.Clean(full) != full || strings.Count(host, ":") > 1 && host[0] != '[' {
		return name.Repository{}, false, &LocationError{location, "write it as <host>/<path>"}
	}
	if _, rest, user := strings.Cut(full, "@"); user && strings.Contains(host, "@") {
		return name.Repository{}, false, &LocationError{rest, "a user and password do not belong there: log in (docker login)"}
	}
	// Without a host it would be Docker Hub's, to the surprise of most.
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return name.Repository{}, false, &LocationError{location, "a host must come first (docker.io for Docker Hub)"}
	}
	var options []name.Option
	if explicit {
		options = append(options, name.Insecure)
	}
	if loopback(hostname(host)) {
		options = append(options, name.Insecure) // it is asked for TLS first
	}
	repository, err = name.NewRepository(full, options...)
	if err != nil {
		return name.Repository{}, false, &LocationError{location, err.Error()}
	}
	return repository, explicit || loopback(hostname(repository.RegistryStr())), nil
}

// hostname is a host without its port.
func hostname(host string) string {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		return bare
	}
	return strings.Trim(host, "[]")
}

// loopback says whether a host is this machine. Names below localhost are asked of the name service, and may be anywhere.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
