package image_test

import (
	"slices"
	"strings"
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

func TestSetDefault(t *testing.T) {
	for before, want := range map[string]string{
		"ARG PACKAGE_REGISTRY=v1.0.0\nFROM a:${PACKAGE_REGISTRY}\n":                                              "ARG PACKAGE_REGISTRY=v1.15.0\nFROM a:${PACKAGE_REGISTRY}\n",
		"# ARG PACKAGE_REGISTRY=old\n  arg PACKAGE_REGISTRY=\"v1\" # no comment\nFROM a\nARG PACKAGE_REGISTRY\n": "# ARG PACKAGE_REGISTRY=old\n  arg PACKAGE_REGISTRY=\"v1.15.0\" # no comment\nFROM a\nARG PACKAGE_REGISTRY\n",
		"ARG PACKAGE_REGISTRY='v1'\r\nFROM a\r\n":                                                                "ARG PACKAGE_REGISTRY='v1.15.0'\r\nFROM a\r\n",
		"ARG A=b PACKAGE_REGISTRY=v1 C=d\nFROM a\n":                                                              "ARG A=b PACKAGE_REGISTRY=v1.15.0 C=d\nFROM a\n",
		"ARG MY_PACKAGE_REGISTRY=x PACKAGE_REGISTRY=\nFROM a\n":                                                  "ARG MY_PACKAGE_REGISTRY=x PACKAGE_REGISTRY=v1.15.0\nFROM a\n",
		"ARG \\\n PACKAGE_REGISTRY=a\nFROM a\n":                                                                  "ARG \\\n PACKAGE_REGISTRY=v1.15.0\nFROM a\n",
		"ARG A=b\nFROM x\nLABEL PACKAGE_REGISTRY=z\nARG PACKAGE_REGISTRY=y\n":                                    "ARG A=b\nFROM x\nLABEL PACKAGE_REGISTRY=z\nARG PACKAGE_REGISTRY=v1.15.0\n",
	} {
		if got, err := image.SetDefault([]byte(before), "PACKAGE_REGISTRY", "v1.15.0"); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v, want %q", before, got, err, want)
		}
	}
	for _, wrong := range []string{"", "FROM a\n", "ARG PACKAGE_REGISTRY\nFROM a\n", "ARG PACKAGE_REGISTRY=a\nARG PACKAGE_REGISTRY=b\nFROM a\n"} {
		if got, err := image.SetDefault([]byte(wrong), "PACKAGE_REGISTRY", "v1.15.0"); err == nil {
			t.Errorf("%q: %q", wrong, got)
		}
	}
}

func TestAddEnvironment(t *testing.T) {
	got, err := image.AddEnvironment([]byte("FROM a\nENV A=b\n\n"), "since", "X", "false")
	if err != nil || string(got) != "FROM a\nENV A=b\n\n# since\nENV X=false\n" {
		t.Errorf("%q, %v", got, err)
	}
	if again, err := image.AddEnvironment(got, "since", "X", "false"); err != nil || string(again) != string(got) {
		t.Errorf("%q, %v", again, err)
	}
	if kept, err := image.AddEnvironment([]byte("FROM a\nENV A=b \\\n X=true\n"), "since", "X", "false"); err != nil || strings.Contains(string(kept), "since") {
		t.Errorf("%q, %v", kept, err)
	}
}
