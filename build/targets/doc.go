// Package targets is what a user types: mage targets of a few lines each, and all that only they need. It turns
// variables into a pipeline.Config, errors into messages with hints and exit codes, and results into lines for people.
//
// A magefile of another storage has all of it with
//
//	// mage:import
//	_ "github.com/seed-604f7181/package-storage/build/targets"
package targets
