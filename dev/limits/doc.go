// Package limits tests that what the pipeline promises of layers holds for any storage, on generated ones that go to
// extremes: one huge package, very many tiny ones, very many versions, files that are all equal, files that are all
// different.
//
// By default the storages are small, and the tests take seconds. LIMITS=1 generates them in their full size (3 GB in one
// package, 50,000 packages, 5,000 versions), which takes minutes, and 10 GB of disk.
package limits
