package image_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/image"
)

// TestRefuses: what can't be honoured is an error at its line, with the reason and the way out.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		text   string
		line   int
		reason string
	}{
		{"FROM b\n\nRUN apk add curl", 3, "in a container"},
		{"FROM b\nrun \\\n  true", 2, "in a container"},
		{"FROM b\nADD x /y", 2, "ADD"},
		{"FROM b\nONBUILD COPY a b", 2, "nothing is built upon"},
		{"FROM b\nVOLUME /x", 2, "disagree"},
		{"FROM b\nFROM c", 2, "earlier stage"},
		{"FROM --platform=linux/amd64 b", 1, "platforms"},
		{"LABEL a=b\nFROM b", 1, "before FROM"},
		{"ARG V=1\nARG W=1", 2, "no FROM"},
		{"# only a comment", 1, "no instructions"},
		{"# syntax=example.org/frontend:1\nFROM b", 1, "syntax"},
		{"FROM b\nCOPY --from=other a b", 2, "--from"},
		{"FROM b\nCOPY --link package-registry.yml /b", 2, "--link"},
		{"FROM b\nCOPY --parents package-registry.yml /b", 2, "--parents"},
		{"FROM b\nCOPY --exclude=a package-registry.yml /b", 2, "--exclude"},
		{"FROM b\nCOPY --mount=a package-registry.yml /b", 2, "--mount"},
		{"FROM b\nCOPY <<EOF /b\nx\nEOF", 2, "heredoc"},
		{"FROM b\nCOPY package-registry.yml", 2, "two arguments"},
		{"FROM b\nNONSENSE x", 2, "unknown instruction"},
		{"FROM b\nLABEL a", 2, "two arguments"},
		{"FROM b\nLABEL a=${b", 2, "substitution"},
		{"FROM b\nHEALTHCHECK --start-interval=5s CMD x", 2, "--start-interval"},
		{"ARG TARGETARCH\nFROM b", 1, "platform"},
		{"FROM b:$TARGETARCH", 1, "platform"},
		{"ARG V\nFROM $V", 2, "empty"},
		{"FROM b\nLABEL a=b\nARG BUILDPLATFORM", 3, "platform"},
		{"FROM b\nLABEL a=$TARGETOS", 2, "platform"},
		{"FROM b\nARG FIRST=other", 2, "disagree"},
		{"FROM b\nENV V=1\nARG V=2", 3, "disagree"},
		{"FROM b\nEXPOSE http", 2, "no port"},
		{"FROM b\nEXPOSE 80:80", 2, "no port"},
		{"FROM b\nEXPOSE 70000", 2, "65535"},
		{"FROM b\nSTOPSIGNAL now", 2, "no signal"},
		{"FROM b\nUSER nobody\nWORKDIR /new", 3, "nobody"},
		{"FROM b\nWORKDIR /circle/x", 2, "circle"},

		{"FROM b\nCOPY nothing /x", 2, "has no"},
		{"FROM b\nCOPY no* /x", 2, "has no"},
		{"FROM b\nCOPY [ /x", 2, "no pattern"},
		{"FROM b\nCOPY ../package-registry.yml /x", 2, "out of the context"},
		{"FROM b\nCOPY --chown=nobody package-registry.yml /x", 2, "inside of a container"},
		{"FROM b\nCOPY --chown=1:staff package-registry.yml /x", 2, "inside of a container"},
		{"FROM b\nCOPY --chmod=u+x package-registry.yml /x", 2, "octal"},
		{"FROM b\nCOPY --chmod=77777 package-registry.yml /x", 2, "octal"},
		{"FROM b\nCOPY --chmod=600 package-registry.yml /new/x", 2, "disagree"},
		{"FROM b\nCOPY package-registry.yml packages.json /srv", 2, "a slash"},
		{"FROM b\nCOPY pack*.* /srv", 2, "a slash"},
		{"FROM b\nCOPY package-registry.yml /etc/link.yml", 2, "link"},
		{"FROM b\nCOPY package-registry.yml /circle", 2, "circle"},
		{"FROM b\nCOPY conf/sub/deep /usr/lib\nCOPY conf /usr/lib/deep", 3, "is a file"},
		{"FROM b\nCOPY package-registry.yml /x\nCOPY packages.json /x/y", 3, "is a file"},
		{"FROM b\nCOPY package-registry.yml /x\nCOPY packages.json /x/", 3, "is a file"},
		{"FROM b\nWORKDIR /srv/run\nCOPY conf/run /srv", 3, "is a folder"},
		{"FROM b\nWORKDIR /srv/run\nCOPY conf /srv", 3, "is a folder"},
		{"FROM b\nCOPY package-registry.yml /srv/sub\nCOPY conf /srv", 3, "is no folder"},

		{"FROM b\nCOPY . /srv/", 2, "together"},
		{"FROM b\nCOPY / /srv/", 2, "together"},
		{"FROM b\nCOPY pack* /srv/", 2, "together"},
		{"FROM b\nCOPY pack?ges /srv/", 2, "together"},
		{"FROM b\nCOPY packages package-registry.yml /srv/", 2, "together"},
		{"FROM b\nCOPY packages packages /srv/", 2, "together"},
		{"FROM b\nCOPY packages/apm /srv/", 2, "one by one"},
		{"FROM b\nCOPY --chown=1:1 packages /packages", 2, "same bytes"},
		{"FROM b\nCOPY --chmod=755 packages /packages", 2, "same bytes"},
		{"FROM b\nCOPY packages /packages\nCOPY packages /other", 3, "already"},
		{"FROM b\nCOPY packages /", 2, "root folder"},
		{"FROM b\nCOPY packages /lib/packages", 2, "link"},
		{"FROM b\nCOPY packages /etc/packages", 2, "0700"},
		{"FROM b\nCOPY packages /odd", 2, "01777"},
		{"FROM b\nUSER 7\nWORKDIR /packages\nCOPY packages .", 4, "7:7"},
		{"FROM b\nCOPY conf/run /packages\nCOPY packages /packages", 3, "is a file"},
		{"FROM b\nCOPY conf /packages/\nCOPY packages /packages", 3, "before"},
		{"FROM b\nCOPY packages /packages\nCOPY conf/run /packages/", 3, "among the packages"},
		{"FROM b\nCOPY packages /packages\nWORKDIR /packages/apm", 3, "among the packages"},
	} {
		t.Run(c.text, func(t *testing.T) {
			result, err := interpret(t, c.text, nil)
			if d, parseErr := image.Parse([]byte(c.text)); parseErr == nil {
				if _, fromErr := d.From(nil); fromErr != nil {
					err = fromErr
				}
			}
			located := (*image.InstructionError)(nil)
			if !errors.As(err, &located) {
				t.Fatalf("got %+v, %v; want an error at line %d", result, err, c.line)
			}
			if located.Line != c.line {
				t.Errorf("line %d, want %d: %v", located.Line, c.line, err)
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%q does not say %q", err, c.reason)
			}
		})
	}
}

func TestInstructionErrorIsOneLine(t *testing.T) {
	_, err := image.Parse([]byte("FROM b\nRUN apk add curl \\\n  && rm -rf /var/cache"))
	want := "Dockerfile line 2: RUN apk add curl   && rm -rf /var/cache: it would have to be run in a container, and the image is made" +
		" without one; do it in the base image, or copy its result from the context with COPY"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
