//go:build mage

// Package storage pipeline: builds the images of a package storage's distributions. The README has the way around.
package main

import (
	// mage:import
	_ "github.com/seed-604f7181/package-storage/build/targets"
	// mage:import promote
	_ "github.com/seed-604f7181/package-storage/build/targets/promotion"
	// mage:import bench
	_ "github.com/seed-604f7181/package-storage/dev/targets"
)
