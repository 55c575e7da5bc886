// Package peers tests the pipeline's output against tools that have no line in common with it: git, skopeo, umoci,
// buildah, podman, containerd and Docker. The outputs are made as users make them, by the compiled magefile.
//
//	go test ./dev/peers/...
//
// A test whose tool is not installed skips itself; with REQUIRE_PEERS=1, as in CI, it fails. REAL_STORAGE names a bundle
// or repository with the branches production, staging and snapshot (default: real-storage.bundle in the folder shared
// beside the module's); without one the sample must do. KILLS says how often TestKill kills a build. A large storage
// unpacked is 60,000 files: TMPDIR on a RAM disk saves minutes.
//
// Command compare, in a folder of its own, shows in which files and settings two images differ.
package peers
