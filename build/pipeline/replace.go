package pipeline

import "os"

// replaceInSteps is for where two folders can't be exchanged. Killed in between, it leaves nothing in the place, never
// a half.
func replaceInSteps(from, to string) error {
	old := from + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(to, old); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		os.Rename(old, to)
		return err
	}
	return os.RemoveAll(old)
}
