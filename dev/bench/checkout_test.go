package main

import "testing"

func TestDockerfileIsPutOnAnotherImageRepository(t *testing.T) {
	changed, tag, err := rebase("ARG PACKAGE_REGISTRY=v1.2.3\nFROM localhost/base:${PACKAGE_REGISTRY}\n\n"+
		"ARG PACKAGE_REGISTRY\nLABEL base=\"localhost/base:${PACKAGE_REGISTRY}\"\n", "127.0.0.1:5000/other")
	want := "ARG PACKAGE_REGISTRY=v1.2.3\nFROM 127.0.0.1:5000/other:${PACKAGE_REGISTRY}\n\n" +
		"ARG PACKAGE_REGISTRY\nLABEL base=\"127.0.0.1:5000/other:${PACKAGE_REGISTRY}\"\n"
	if err != nil || changed != want || tag != "v1.2.3" {
		t.Errorf("%v, tag %q\n%s", err, tag, changed)
	}
	for _, text := range []string{"FROM base:1\n", "FROM base:${PACKAGE_REGISTRY}\n", "ARG PACKAGE_REGISTRY=1\nFROM base\n"} {
		if _, _, err := rebase(text, "other"); err == nil {
			t.Errorf("%q was changed", text)
		}
	}
}
