package targets_test

import (
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// canMount says whether smalldisk works: it needs to be root, and not every container's root may mount.
var canMount = sync.OnceValue(func() bool {
	folder, err := os.MkdirTemp("", "mount-*")
	if err != nil {
		return false
	}
	defer os.Remove(folder)
	if unix.Mount("tmpfs", folder, "tmpfs", 0, "size=64k") != nil {
		return false
	}
	return unix.Unmount(folder, 0) == nil
})

// mountSmallDisk mounts a file system of a size ("1m") on a folder, until the script ends.
func mountSmallDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: smalldisk <folder> <size>")
	}
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o755))
	ts.Check(unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+args[1]))
	ts.Defer(func() { unix.Unmount(folder, 0) })
}
