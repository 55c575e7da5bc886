package base_test

import (
	"errors"
	"testing"

	"github.com/seed-604f7181/package-storage/build/base"
)

// TestErrorsNameTheBase, and why it is wrong.
func TestErrorsNameTheBase(t *testing.T) {
	oops := errors.New("oops")
	for want, err := range map[string]error{
		"base r:v1 has no image for linux/s390x; it offers linux/amd64, linux/arm64": &base.PlatformError{
			Name: "r:v1", Want: "linux/s390x", Offered: []string{"linux/amd64", "linux/arm64"}},
		"base r:v1 can't be reached: oops":       &base.UnreachableError{Name: "r:v1", Err: oops},
		"read base r:v1: oops":                   &base.ReadError{Name: "r:v1", Err: oops},
		"there is no base r:v1: nobody knows it": &base.MissingError{Name: "r:v1", Why: "nobody knows it"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
