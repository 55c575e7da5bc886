// Package base brings in what distributions are put on: the image of a registry, from an image repository, from an OCI
// layout on disk, or the embedded preview. Whatever it comes from, it is kept by digest in a Store (the cache), so that
// the next build reads nothing of it, and works without a network.
//
// How an image is composed on a base is known in package image.
package base
