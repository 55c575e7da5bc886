package codehost

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/pkg/errors"
)

// Reason is why a code host did not do what it was asked.
type Reason int

// The reasons that call for different ways out.
const (
	// Failed is an answer that nothing below explains, or that was not understood.
	Failed Reason = iota
	// Unreachable means that there was no whole answer.
	Unreachable
	// Unauthorized means that it wants a token, or another one.
	Unauthorized
	// Forbidden means that the token lacks the right.
	Forbidden
	// NotFound means that there is no such repository, or that the token may not know of it: GitHub makes no difference.
	NotFound
	// Invalid means that the request can't be: no such branch, nothing between head and base, too long a text.
	Invalid
	// Limited means that it was asked too often, and that waiting for it would take longer than the patience there was.
	Limited
	// Server is a fault of the code host that trying again did not mend.
	Server
)

// Error says what a code host was asked for, and why it was not done. There is no token in it.
type Error struct {
	// Doing is what was being done ("list the pull requests"), Repository to which repository ("<owner>/<name>").
	Doing, Repository string
	Reason            Reason
	// Status is the HTTP status; 0 where there was no answer.
	Status int
	// Message is the code host's own, with the details that it gives.
	Message string
	// RetryAt is when a Limited code host may be asked again; zero for the other reasons.
	RetryAt time.Time
	// Err is why it was Unreachable.
	Err error

	passing bool // it may be gone a moment later
}

func (e *Error) Error() string {
	text := e.Doing + " (" + e.Repository + "): " + e.Message
	if e.Status != 0 {
		text += fmt.Sprintf(" (%d)", e.Status)
	}
	return text
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// odd is an answer that was not understood.
func (h *Host) odd(doing string, status int, why string) *Error {
	return &Error{Doing: doing, Repository: h.options.Repository, Status: status, Message: why}
}

// unreachable is for an exchange that did not come to an answer.
func (h *Host) unreachable(doing string, err error) *Error {
	failed := &Error{Doing: doing, Repository: h.options.Repository, Reason: Unreachable, Err: err, passing: true}
	var untrusted *tls.CertificateVerificationError
	var lookup *net.DNSError
	var exchange *url.Error
	switch {
	case errors.As(err, &untrusted), errors.As(err, &lookup) && lookup.IsNotFound:
		failed.passing = false
	case errors.Is(err, context.DeadlineExceeded):
		failed.Err = errors.Errorf("it does not answer within %s", h.options.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		failed.Err = errors.New("the connection was cut")
	}
	if errors.As(failed.Err, &exchange) {
		failed.Err = exchange.Err
	}
	failed.Message = h.api.Host + ": " + failed.Err.Error()
	return failed
}

// refused reads an answer that is no success (https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api).
func (h *Host) refused(doing string, a answer) *Error {
	failed := h.odd(doing, a.status, h.message(a))
	switch {
	case a.limited(failed.Message):
		failed.Reason = Limited
	case a.status == http.StatusUnauthorized:
		failed.Reason = Unauthorized
	case a.status == http.StatusForbidden:
		failed.Reason = Forbidden
	case a.status == http.StatusNotFound:
		failed.Reason = NotFound
	case a.status == http.StatusUnprocessableEntity:
		failed.Reason = Invalid
	case a.status >= 500:
		failed.Reason, failed.passing = Server, a.status != http.StatusNotImplemented
	}
	return failed
}

// longestMessage is in bytes.
const longestMessage = 2000

// message is what an answer says in GitHub's form: a message, and errors that are texts or objects.
func (h *Host) message(a answer) string {
	var said struct {
		Message string            `json:"message"`
		Errors  []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(a.body, &said) != nil || said.Message == "" {
		return fmt.Sprintf("it answers %s", strings.ToLower(http.StatusText(a.status)))
	}
	var details []string
	for _, raw := range said.Errors {
		if detail := detail(raw); detail != "" {
			details = append(details, detail)
		}
	}
	text := said.Message
	if len(details) > 0 {
		text += ": " + strings.Join(details, "; ")
	}
	if h.options.Token != "" {
		text = strings.ReplaceAll(text, h.options.Token, "***") // whatever stands between may repeat what it was sent
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), longestMessage)], "")
}

func detail(raw json.RawMessage) string {
	var text string
	var object struct{ Field, Code, Message string }
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &object) != nil:
		return ""
	case object.Message != "":
		return object.Message
	case object.Code == "missing_field" || object.Code == "missing":
		return object.Field + " is missing"
	}
	return strings.TrimSpace(object.Field + " is " + object.Code)
}
