// Command replay replays the real history of a distribution's branch through the pipeline, for one or several plans of
// layers, and records what each update costs whom: who builds and pushes it, and who downloads it. `mage bench:replay
// <distribution>` runs it.
//
//	go run -C dev/replay . [-storage S] [-commits N] [-plans a,b,c] [-compression zstd|gzip] [-out DIR] [-json] <distribution>
//
// Each commit of the branch is an update: first parents only, the oldest first; the first of them is the image that the
// updates start from. The branches upstream are put where they were at the time. Each plan has a cache of its own, which
// stays warm over the history, and an image repository of its own, on a server on loopback (dev/imagerepo).
//
// What is counted of an update, in bytes packed:
//
//	pushed   all that went to the image repository
//	chain    what Docker downloads who has the image before: all layers from the first on that differs
//	digest   what podman downloads: the layers whose digest is new
//	own      one layer of only the versions that were added or overwritten: no plan of whole packages can be cheaper
//	unique   one layer of only those of their files that no version before had: no plan of files can
//
// All but pushed compare with the update just before. The image repository also has what was there earlier: a removal may
// bring back a layer, so that less is pushed than a client downloads.
//
// Index, manifest and config are counted separately, as documents. Own and unique follow from the history alone.
//
// Tables are printed to stdout; replay.json and the plots lie in the output folder, dist/replay/<distribution>. Relative
// paths are relative to the project's folder. The exit status is 1 when something could not be run, also when a plan failed,
// which the others do not wait for, 2 when the command line was wrong. Everything else happens in a temporary folder, which
// is removed at the end.
//
// The files: main.go (flags, the temporary folder), replay.go (what is done for each commit), one file for each thing that
// is run or measured; pure are history.go, versions.go, layers.go, statistics.go, report.go and figure.go. plans.go has
// the plans: a candidate is an entry there.
package main
