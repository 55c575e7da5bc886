package generate

import (
	"fmt"
	"math"
)

// lastRegistry is the registry version of a branch's last commit, as major, then ten times minor and patch.
const lastRegistry = 160

// registryVersion is a version so many updates before the last one, v1.16.0. Not each of them was ever released.
func registryVersion(before int) string {
	n := max(0, lastRegistry-before)
	return fmt.Sprintf("v1.%d.%d", n/10, n%10)
}

// putDockerfile places the file in which a branch says its registry version.
func putDockerfile(im *importer, registry string) {
	im.put("Dockerfile", false, im.blob([]byte(`# The registry version of this branch.
ARG PACKAGE_REGISTRY=`+registry+`
FROM docker.elastic.co/package-registry/package-registry:${PACKAGE_REGISTRY}

COPY deployment/package-registry.yml /package-registry/config.yml
COPY packages /packages/package-storage
`)))
}

// putRoot places what is beside the packages.
func putRoot(im *importer, registry string) {
	putDockerfile(im, registry)
	im.put(".dockerignore", false, im.blob([]byte("build\n")))
	im.put("README.md", false, im.blob([]byte("# Package storage\n\nA generated one: for tests and measurements.\n")))
	im.put("LICENSE.txt", false, im.blob(licenseDocument().write(nil, subject{})))
	im.put("deployment/package-registry.yml", false, im.blob([]byte(`package_paths:
  - /packages/package-storage

cache_time.search: 1m
cache_time.categories: 10m
cache_time.catch_all: 10m
`)))
}

// mix makes an unforeseeable number of two (the finalizer of SplitMix64, twice).
func mix(a, b uint64) uint64 {
	z := a
	for range 2 {
		z += b + 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}

// spread is a factor of median 1 whose logarithm is normally distributed: so are the sizes of files. normal is a
// standard normal number; nothing is larger than ten times the median.
func spread(normal, sigma float64) float64 { return math.Min(10, math.Exp(normal*sigma)) }
