package image_test

import (
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/image"
)

func TestDefaultsOfAnArgument(t *testing.T) {
	for name, c := range map[string]struct {
		dockerfile string
		want       []string
	}{
		"one":               {"ARG PACKAGE_REGISTRY=v1.15.0\nFROM x:${PACKAGE_REGISTRY}\n", []string{"v1.15.0"}},
		"declared again":    {"ARG PACKAGE_REGISTRY=v1.15.0\nFROM x\nARG PACKAGE_REGISTRY\n", []string{"v1.15.0"}},
		"two":               {"ARG PACKAGE_REGISTRY=v1\nFROM x\nARG PACKAGE_REGISTRY=v2\n", []string{"v1", "v2"}},
		"none":              {"ARG OTHER=1\nFROM x\n", nil},
		"in quotes":         {"arg PACKAGE_REGISTRY=\"v1.15.0\"\nFROM x\n", []string{"v1.15.0"}},
		"several stages":    {"ARG PACKAGE_REGISTRY=v1\nFROM a AS one\nFROM b\nCOPY --from=one /x /y\nRUN true\n", []string{"v1"}},
		"among others":      {"ARG A=1 PACKAGE_REGISTRY=v1\nFROM x\n", []string{"v1"}},
		"a similar name":    {"ARG PACKAGE_REGISTRY_IMAGE=x\nFROM x\n", nil},
		"commented out":     {"# ARG PACKAGE_REGISTRY=v1\nFROM x\n", nil},
		"with continuation": {"ARG \\\n  PACKAGE_REGISTRY=v1\nFROM x\n", []string{"v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := image.Defaults([]byte(c.dockerfile), "PACKAGE_REGISTRY")
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestDefaultsOfNoDockerfile(t *testing.T) {
	if got, err := image.Defaults(nil, "PACKAGE_REGISTRY"); err == nil && len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
