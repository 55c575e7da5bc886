// Package codehost is a code host for tests and trials: it keeps to the contract of GitHub's REST API for pull requests
// (https://docs.github.com/rest/pulls/pulls, version 2022-11-28) on top of a real bare git repository, so that a merge
// is a merge. Pull requests are kept in memory; commits, branches and refs/pull/<number>/head in git. It asks for and
// gives only what is documented or cited: what it refuses, GitHub refuses, with the same status and form.
//
// There are limits and faults on demand (Config.Limit, Server.Inject), former names that redirect, forks, and tokens
// with and without rights. It deletes no branch. It needs git 2.38 or later, for merge-tree --write-tree.
//
// cmd is the same as a process.
package codehost
