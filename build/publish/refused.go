package publish

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/pkg/errors"
)

// Reason is why an image repository did not do what it was asked.
type Reason int

// The reasons that call for different ways out.
const (
	// Failed is a fault of the image repository that trying again did not mend.
	Failed Reason = iota
	// Unreachable means that it did not answer.
	Unreachable
	// Unauthorized means that it wants credentials, or other ones.
	Unauthorized
	// Forbidden means that the credentials lack the right.
	Forbidden
	// ReadOnly means that it takes no writes.
	ReadOnly
	// Full means that it, or its quota, is full.
	Full
	// Limited means that it was asked too often.
	Limited
	// Unknown means that it has no such repository, and does not make one when it is pushed to.
	Unknown
	// TooLarge means that something on the way takes no body of that size.
	TooLarge
	// Damaged means that the bytes are not those that their digest says.
	Damaged
	// Untrusted means that its certificate is not known.
	Untrusted
	// Insecure means that it could be spoken to without TLS only.
	Insecure
)

// Error says what an image repository was asked for, and why it was not done.
type Error struct {
	// Doing is what was being done ("send blob sha256:…"), Repository to which repository.
	Doing, Repository string
	Reason            Reason
	// Status is the HTTP status; 0 where there was no answer.
	Status int
	Err    error
}

func (e *Error) Error() string { return e.Doing + " (" + e.Repository + "): " + plainly(e.Err) }

// Unwrap is go-containerregistry's error.
func (e *Error) Unwrap() error { return e.Err }

// PlainHTTPError says that a host would have to be spoken to without TLS.
type PlainHTTPError struct{ Host string }

func (e *PlainHTTPError) Error() string { return e.Host + " speaks plain HTTP only" }

// failure gives an error its reason. What ends with the context stays as it is.
func (r *Repository) failure(doing string, err error) error {
	var known *Error
	var local *localError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &known):
		return err
	case errors.As(err, &local):
		return local.err
	}
	failed := &Error{Doing: doing, Repository: r.Name(), Reason: reasonOf(err), Err: err}
	var answered *transport.Error
	if errors.As(err, &answered) {
		failed.Status = answered.StatusCode
	}
	return failed
}

func reasonOf(err error) Reason {
	var plain *PlainHTTPError
	var answered *transport.Error
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &untrusted):
		return Untrusted
	case errors.As(err, &plain), errors.As(err, &noTLS):
		return Insecure
	case errors.As(err, &answered):
		return answerReason(answered)
	case connectionFault(err):
		return Unreachable
	}
	return Failed
}

// answerReason goes by the codes of the distribution spec ("Error Codes") before the status: some image repositories say
// 400 to all that they refuse.
func answerReason(e *transport.Error) Reason {
	switch {
	case hasCode(e, transport.UnauthorizedErrorCode), e.StatusCode == http.StatusUnauthorized:
		return Unauthorized
	case full(e):
		return Full
	case e.StatusCode == http.StatusRequestEntityTooLarge:
		return TooLarge
	case hasCode(e, transport.DigestInvalidErrorCode):
		return Damaged
	case hasCode(e, transport.DeniedErrorCode), e.StatusCode == http.StatusForbidden:
		return Forbidden
	case hasCode(e, transport.UnsupportedErrorCode), e.StatusCode == http.StatusMethodNotAllowed:
		return ReadOnly
	case hasCode(e, transport.TooManyRequestsErrorCode), e.StatusCode == http.StatusTooManyRequests:
		return Limited
	case hasCode(e, transport.NameUnknownErrorCode):
		return Unknown
	}
	return Failed
}

func hasCode(e *transport.Error, codes ...transport.ErrorCode) bool {
	return slices.ContainsFunc(e.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
}

// full has no code of its own in the spec.
func full(e *transport.Error) bool {
	said := strings.ToLower(e.Error())
	return e.StatusCode == http.StatusInsufficientStorage ||
		strings.Contains(said, "no space left") || strings.Contains(said, "quota")
}

// connectionFault says whether there was no whole answer.
func connectionFault(err error) bool {
	var network net.Error
	var broken *brokenError
	return errors.As(err, &broken) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

// worthAnotherTry is go-containerregistry's retry predicate.
func worthAnotherTry(err error) bool {
	var local *localError
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &local) {
		return false
	}
	var plain *PlainHTTPError
	var answered *transport.Error
	var lookup *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError // plain HTTP is next, and should not wait
	switch {
	case errors.As(err, &plain), errors.As(err, &untrusted), errors.As(err, &noTLS), errors.As(err, &lookup) && lookup.IsNotFound:
		return false
	case errors.As(err, &answered):
		// A lost upload session (BLOB_UPLOAD_UNKNOWN) starts anew.
		return !full(answered) && (slices.Contains(passing, answered.StatusCode) ||
			hasCode(answered, transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode, transport.TooManyRequestsErrorCode))
	}
	return connectionFault(err)
}

// passing are statuses of faults that may be gone a moment later.
var passing = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// vanished says whether a manifest was refused since something that it refers to is not there.
func vanished(err error) bool {
	var answered *transport.Error
	return errors.As(err, &answered) && hasCode(answered, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode,
		transport.ManifestUnknownErrorCode)
}

// namedDigests are those in the details of an answer, whose form the spec leaves open.
func namedDigests(err error) []v1.Hash {
	var answered *transport.Error
	if !errors.As(err, &answered) {
		return nil
	}
	var named []v1.Hash
	for _, d := range answered.Errors {
		for _, text := range digestPattern.FindAllString(fmt.Sprint(d.Message, " ", d.Detail), -1) {
			if digest, err := v1.NewHash(text); err == nil {
				named = append(named, digest)
			}
		}
	}
	return named
}

var digestPattern = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// odd says whether there was an answer, and it was not understood.
func odd(err error) bool {
	var answered *transport.Error
	return err != nil && !errors.As(err, &answered) && !connectionFault(err) && !errors.Is(err, context.Canceled) && reasonOf(err) == Failed
}

// unknownName says whether there is no such repository (yet).
func unknownName(err error) bool {
	var answered *transport.Error
	return errors.As(err, &answered) && answered.StatusCode == http.StatusNotFound && hasCode(answered, transport.NameUnknownErrorCode)
}

// absent says whether there is nothing of that name.
func absent(err error) bool {
	var answered *transport.Error
	return errors.As(err, &answered) && answered.StatusCode == http.StatusNotFound
}

// plainly is an error without what Go's HTTP client puts before it.
func plainly(err error) string {
	var plain *PlainHTTPError
	var answered *transport.Error
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var operation *net.OpError
	switch {
	case errors.As(err, &untrusted):
		return untrusted.Error()
	case errors.As(err, &plain):
		return plain.Error()
	case errors.As(err, &noTLS):
		return "it speaks plain HTTP only"
	case errors.As(err, &answered) && len(answered.Errors) == 0:
		return fmt.Sprintf("it answers %d %s", answered.StatusCode, http.StatusText(answered.StatusCode))
	case errors.As(err, &answered):
		return answered.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "it does not answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was cut"
	case errors.As(err, &operation):
		return operation.Err.Error()
	}
	var exchange *url.Error
	if errors.As(err, &exchange) {
		place, _, _ := strings.Cut(exchange.URL, "?") // what follows may be a signature
		return fmt.Sprintf("%s %s: %v", exchange.Op, place, exchange.Err)
	}
	return err.Error()
}
