package pipeline

import (
	"os"

	"golang.org/x/sys/unix"
)

// replace puts the folder from into the place of to in one step, where the file system can (renameat2 with
// RENAME_EXCHANGE); what was there is gone afterwards.
func replace(from, to string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE); err == nil {
		return os.RemoveAll(from)
	}
	return replaceInSteps(from, to)
}
