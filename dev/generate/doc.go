// Package generate makes package storages of any size: bare git repositories with packages/<name>/<version>/… on their
// branches, as the pipeline takes them. They are for tests and measurements of what a storage of today can't show: one
// ten times as large, and the extremes. It writes git only; what reads storages is build/gitstore, what measures the
// pipeline on them is dev/bench. dev/generate/storage is the command.
//
// A storage follows from its options alone: the same options give the same commit ids, on each machine. Everything is
// streamed to one git fast-import; memory grows with the number of files of the newest versions, not with their bytes,
// and by a line for each file of the commit that is being written.
//
// All packages are valid: a registry takes them. Text is text (YAML, JSON and Markdown, of a small vocabulary, so that
// it compresses as the real one does), pictures are random bytes.
//
// # Two ways
//
// History is like a real storage: families of which some are busy and some sleep, versions that differ from those
// before them in a few lines, files that families share. Its figures are in measured.go. Shapes has it by name, and beside
// it the storages that are extreme in one respect: Huge, Tiny, Versions, Same and Unique.
//
// # Files
//
// generate.go (what is common to all), history.go and shapes.go (the storages), family.go and change.go (a family, and
// how its next version comes about), measured.go (figures), document.go, pattern.go, package.go and text.go (what is
// in the files),
// root.go (what is beside the packages), importer.go (git).
package generate
