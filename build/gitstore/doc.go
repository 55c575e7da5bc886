// Package gitstore reads a package storage: a git repository, through git itself.
//
// Objects come from long-lived `git cat-file` processes, pipelined and streamed; there is never a checkout, an index
// or a temporary tree. Replacement objects are ignored, so that content always matches its id. What the objects mean
// (packages, distributions) is known one floor down, in assemble.
//
// Nothing is written into a storage, but for the blobs that a partial clone lacks: Fetch brings many at once, and git by
// itself each one that is read.
package gitstore
