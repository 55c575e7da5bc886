package cache_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-604f7181/package-storage/build/cache"
)

// TestErrorsNameTheFolder that a person knows, not a temporary file in it.
func TestErrorsNameTheFolder(t *testing.T) {
	temporary := &os.PathError{Op: "write", Path: "/c/tmp/123/blob-456", Err: syscall.ENOSPC}
	for _, c := range []struct {
		err  error
		want string
	}{
		{&cache.ForeignError{Dir: "/c"}, "/c"},
		{&cache.BusyError{Dir: "/c"}, "/c"},
		{&cache.GoneError{Digest: digest("x")}, digest("x").String()},
		{&cache.WriteError{Dir: "/c", Err: temporary}, "write into the cache /c: " + syscall.ENOSPC.Error()},
		{&cache.WriteError{Dir: "/c", Err: fmt.Errorf("odd")}, "write into the cache /c: odd"},
	} {
		if got := c.err.Error(); !strings.Contains(got, c.want) || strings.Contains(got, "blob-456") {
			t.Errorf("%q, want %q in it", got, c.want)
		}
	}
}
