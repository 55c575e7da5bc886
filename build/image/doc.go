// Package image makes an image's description: it renders the Dockerfile template (Render), interprets the result with
// Docker's semantics (Parse, Dockerfile.From, Dockerfile.Apply) and composes config, manifests and index as bytes
// (Compose, ComposeIndex).
//
// It is pure: no network, no process, no disk. No container is run: an instruction that would need one is an error
// that names the line, the reason and the way out (InstructionError), never skipped. What
// BuildKit and buildah are known to do differently in an image's files is an error too, so that `docker build` or
// buildah on the same context give the same files and configuration.
//
// How packages become layers is known in package layer; where a base comes from, and where the image goes, in the
// pipeline and its adapters.
package image
