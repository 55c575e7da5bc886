// Command bench measures what the pipeline promises about time, size and memory, on the production branch of a real
// storage, and prints a table: figure, measured, target, verdict. `mage bench` runs it.
//
//	REAL_STORAGE=<bundle or repository> go run ./dev/bench [-n 5] [-package name] [-fresh=false] [-buildkit=false] [-json]
//
// The pipeline is run as users run it: as a compiled magefile, a process each time, with the variables of a user. What
// it says of itself (build.json) and what the operating system says of the process are both shown.
//
// Build and push are measured through an image repository server on loopback (dev/imagerepo), beside BuildKit's (dev/buildkit
// pins its version), with a proxy between that counts bytes and requests.
//
// Machines differ, and one machine differs from minute to minute. So figures are medians; the cold build is measured
// as a ratio to a floor, in pairs that follow each other at once; and no figure makes the command fail: the exit status
// is 1 only when something could not be run, 2 when the command line was wrong. Everything happens in a temporary
// folder, which is removed at the end.
//
// The files: main.go (flags, the temporary folder), measure.go (what is measured, in which order), figure.go and
// report.go (targets, verdicts, table; pure), and one file for each thing that is run; for build and push trial.go (the
// order) and pushfigures.go (targets; pure).
package main
