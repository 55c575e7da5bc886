// Package publish is an image repository: blobs, manifests and tags are read from it and written to it, through
// go-containerregistry. It knows how to reach one (credentials, plain HTTP, faults, rate limits) and nothing of
// distributions: which blobs an image needs, and which tag may move, is decided in package pipeline.
//
// Bases come in through package base.
package publish
