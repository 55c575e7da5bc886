// Package assemble says which packages a distribution consists of: it reads what lies below packages/ on each branch,
// judges it, and lays the branches over each other, the most upstream copy of a version winning.
//
// It is pure: trees come in through object.TreeReader, nothing is written. How packages become layers is known in
// package layer.
package assemble
