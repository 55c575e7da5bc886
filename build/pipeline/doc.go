// Package pipeline holds the use cases, one a file: build, assemble, clean. Each takes a Config, computes what is to be
// done out of values (floors 0 and 1), and carries it out through the adapters (floor 2).
//
// What a user types, the names of variables, and how results look on a terminal is known one floor up, in targets.
package pipeline
