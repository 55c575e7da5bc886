//go:build !unix

package main

import "syscall"

// ownGroup is not needed where there are no groups.
func ownGroup() *syscall.SysProcAttr { return nil }
