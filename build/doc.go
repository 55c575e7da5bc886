// Package build is the map of the house; it holds no code. The library below it turns the branches of a package storage
// into images.
//
// # Floors
//
// Imports point down only, never sideways; architecture_test.go sees to it.
//
//	4  targets       what a user types; variables, messages, exit codes
//	3  pipeline      the use cases: build, assemble (a docker build context), push, verify, clean; promote, remove, revert, policy,
//	                 registry, where, status
//	2  gitstore      a storage: branches and objects, through git
//	   base          what images are put on: image repository, OCI layout or preview
//	   preview       the embedded registry: serve (its handler), cmd/package-registry (its binary), its image
//	   publish       an image repository: blobs, manifests, tags
//	   cache         blobs, records and mirrors on the user's disk
//	   codehost      a code host: pull requests
//	1  promote       which packages go where: verdicts, steps, tombstones
//	   policy        what commits did, by the rules
//	   assemble      branches -> the tree of a distribution; what is wrong on a branch
//	   history       first-parent histories -> since when each package has been there
//	   layer         packages -> layers: plan, key, tar
//	   image         Dockerfile and base -> config, manifests, index
//	0  distribution  the table of distributions
//	   integration   a package: name, version, tree
//	   object        git's ids, modes and trees
//
// # The way of a build
//
// The branches of a distribution's chain are scanned to the depth of packages/<name>/<version> and laid over each other
// (assemble). Their first-parent histories, which are remembered by commit, tell since when each package has been there
// (history). What is known of a package's tree is remembered by its id; only trees never seen are read (pipeline's
// facts). A plan stacks packages in layers (layer.Stack, docs/layers.md), whatever branch they are from, so that a
// promotion moves none; a layer's key is a hash of what is in it and how it is
// written, so that the cache answers for it without a file being read. Layers that are missing are streamed from git
// through tar and compression into the cache, one on each core. Dockerfile.tmpl is rendered and interpreted (image) on
// the base's configuration, and the output folder appears in one step, its blobs links into the cache.
//
// # The way of a push
//
// What a build left in the output folder is pushed: blobs that the image repository lacks, manifests by digest, then the
// tags of exact inputs, commit and distribution (pipeline's push and tags). The index says in annotations what it was
// made of, so that the next push can tell whether its own image is newer, and what is known of the packages, so that a
// build on a machine without a cache, files or history plans the same layers, and finds them by their keys (published).
//
// # The way of a promotion
//
// Branches are brought up to date with where they are pushed to, and scanned with their histories (pipeline's stages). Package
// promote finds the packages that are meant, judges each, and says what each branch gains and loses: its steps. Their commits
// are made of git objects, without a checkout, and pushed at once, each branch only from where it was when it was read
// (gitstore's Change and Push); who was overtaken plans again (pipeline's transact). What goes by pull request is pushed as a
// topic branch; downstream it is removed later, when the very bytes have arrived upstream, which any run can see.
//
// # Words
//
// Storage, branch, distribution, upstream, tree, shadowed, base, layer, inputs: DESIGN's words. Besides:
//
//	family     all versions of one package
//	arrival    when a package came into a distribution; a promotion within it is none
//	part       what a plan deals with: a package's folder, or a piece of a huge one
//	facts      what follows from tree ids alone: that a package is sound, its parts and their sizes
//	stack      the layers of packages; what arrives lies on top, and is merged from there
//	draft      a distribution before its files are read: tree, base, rendered files, inputs
package build
