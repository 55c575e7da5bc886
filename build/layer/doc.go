// Package layer turns packages into image layers: which packages share one (Plan), what a layer's key is (Compression.Key),
// which files, folders and hard links it holds (List) and its bytes (Write).
//
// It is pure: contents come in through a Source, the compressed tar goes out through an io.Writer. A layer's bytes are
// a function of its key alone. Where layers are kept is known in package cache, how an image refers to them in image.
package layer
