package publish

import (
	"fmt"
	"net"
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
	var options []name.Option
	if explicit {
		options = append(options, name.Insecure)
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

// loopback says whether a host is this machine (RFC 6761 section 6.3 for localhost and the names below it).
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
