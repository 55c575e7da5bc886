//go:build !linux

package pipeline

func replace(from, to string) error { return replaceInSteps(from, to) }
