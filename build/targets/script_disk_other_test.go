//go:build !linux

package targets_test

import "github.com/rogpeppe/go-internal/testscript"

func canMount() bool { return false }

func mountSmallDisk(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("smalldisk is for Linux")
}
