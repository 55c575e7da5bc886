// Package codehost is a code host, where a storage's branches are kept and proposals to change them are looked at: pull
// requests are listed, opened and rewritten through GitHub's REST API (https://docs.github.com/rest/pulls/pulls), of
// github.com or of an enterprise's own. It knows how to reach one (token, limits, faults, redirects) and nothing of
// packages: what a pull request proposes, and what it says, is decided in package pipeline. Branches are pushed with
// git, by package gitstore.
//
// Where there is no token, CompareURL leads a person to where the same pull request can be opened by hand.
//
// dev/codehost is a server with the same contract, for tests and trials.
package codehost
