// Package push tests `mage push` against a real image repository server (dev/imagerepo: CNCF distribution) behind a proxy
// (package proxy) that breaks requests, refuses them, and watches what happens to tags. The pipeline is run as users run
// it: as a compiled magefile, a process each time.
//
//	go test -v ./dev/push                           each request is broken in one way
//	FAULTS=all go test -v -timeout 30m ./dev/push   each request is broken in all ways; takes minutes
//	ROUNDS=40 go test -v -run Concurrent ./dev/push eight pushes at once, 40 times
//
// The storage is the sample, with a history: each generation adds a version to each branch. A push of generation 2 is
// broken over an image repository that holds generation 1, a push of generation 1 over one that holds nothing. Whatever
// happens, no tag may ever stand for an image of which something is missing, no commit's tag may change, and no
// distribution's tag may go backwards.
//
// The files: main_test.go, history_test.go and release_test.go make what is pushed; server_test.go, watcher_test.go and
// errand_test.go are the way that it goes; the others are the tests.
package push
