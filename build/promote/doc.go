// Package promote plans how packages move between distributions: which packages a request means, a verdict on each, and
// what each branch gains and loses. After the model of Debian's britney, each verdict has a stable code, says why, and what
// would change it.
//
// It is pure: what is on branches, what their histories tell and what is wrong with a package come in as values; a plan
// comes out, is shown, and is carried out by package pipeline.
package promote
