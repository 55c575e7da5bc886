package image_test

import (
	"fmt"
	"testing"

	"github.com/seed-604f7181/package-storage/build/image"
)

// listing is an entry a line: mode, owner, path, and content.
func listing(entries []image.Entry) []string {
	var lines []string
	for _, e := range entries {
		line := fmt.Sprintf("%04o %d:%d %s", e.Mode, e.UID, e.GID, e.Path)
		if e.Dir {
			line += "/"
		} else {
			line += " = " + string(e.Content)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestFiles: where files and folders come to lie. The expectations are what buildah 1.28 makes of the same, and what
// BuildKit 0.30 does by its source.
func TestFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // of the last instruction
	}{
		"a file's new name": {"COPY package-registry.yml /srv/config.yml", []string{
			"0755 0:0 srv/", "0644 0:0 srv/config.yml = registry"}},
		"a file into a folder, by slash": {"COPY package-registry.yml /new/folder/", []string{
			"0755 0:0 new/", "0755 0:0 new/folder/", "0644 0:0 new/folder/package-registry.yml = registry"}},
		"a file into a folder that is there": {"COPY package-registry.yml /usr/lib", []string{
			"0755 0:0 usr/", "0711 5:6 usr/lib/", "0644 0:0 usr/lib/package-registry.yml = registry"}},
		"a file under a new name in a new folder": {"COPY package-registry.yml /new/x", []string{
			"0755 0:0 new/", "0644 0:0 new/x = registry"}},
		"relative to WORKDIR": {"WORKDIR sub\nCOPY package-registry.yml .", []string{
			"0755 0:0 srv/", "0755 0:0 srv/sub/", "0644 0:0 srv/sub/package-registry.yml = registry"}},
		"relative to the base's": {"COPY package-registry.yml x", []string{
			"0755 0:0 srv/", "0644 0:0 srv/x = registry"}},
		"into the root": {"COPY package-registry.yml /", []string{"0644 0:0 package-registry.yml = registry"}},
		"several": {"COPY packages.json package-registry.yml /new/", []string{
			"0755 0:0 new/", "0644 0:0 new/package-registry.yml = registry", "0644 0:0 new/packages.json = json"}},
		"several, in JSON": {`COPY ["packages.json", "conf/run", "/new/"]`, []string{
			"0755 0:0 new/", "0644 0:0 new/packages.json = json", "0755 0:0 new/run = run"}},
		"a pattern": {"COPY pack*.yml /new", []string{"0644 0:0 new = registry"}},
		"a pattern in a folder": {"COPY conf/r* /new/", []string{
			"0755 0:0 new/", "0755 0:0 new/run = run"}},
		"a pattern of several": {"COPY packages.* package-*.yml /new/", []string{
			"0755 0:0 new/", "0644 0:0 new/package-registry.yml = registry", "0644 0:0 new/packages.json = json"}},
		"a folder's content": {"COPY conf /new", []string{
			"0755 0:0 new/", "0755 0:0 new/run = run", "0755 0:0 new/sub/", "0644 0:0 new/sub/deep = deep"}},
		"a folder's content over folders that are there": {"COPY conf/ /etc/", []string{
			"0700 1:1 etc/", "0755 0:0 etc/run = run", "0755 0:0 etc/sub/", "0644 0:0 etc/sub/deep = deep"}},
		"a variable": {"ENV D=new\nCOPY ${F:-conf/run} /$D/", []string{"0755 0:0 new/", "0755 0:0 new/run = run"}},

		"an owner": {"COPY --chown=7:8 conf /etc/new", []string{
			"0700 1:1 etc/", "0755 7:8 etc/new/", "0755 7:8 etc/new/run = run", "0755 7:8 etc/new/sub/", "0644 7:8 etc/new/sub/deep = deep"}},
		"an owner's group": {"COPY --chown=7 conf/run /x/y", []string{"0755 7:7 x/", "0755 7:7 x/y = run"}},
		"root":             {"COPY --chown=root:3 conf/run /x", []string{"0755 0:3 x = run"}},
		"a mode":           {"COPY --chmod=0640 conf/run /srv/", []string{"0755 0:0 srv/", "0640 0:0 srv/run = run"}},
		"a mode for folders": {"COPY --chmod=700 conf /srv/", []string{
			"0755 0:0 srv/", "0700 0:0 srv/run = run", "0700 0:0 srv/sub/", "0700 0:0 srv/sub/deep = deep"}},
		"a usual mode": {"COPY --chmod=755 package-registry.yml /new/x", []string{"0755 0:0 new/", "0755 0:0 new/x = registry"}},

		"through a link": {"COPY package-registry.yml /lib/new/x", []string{
			"0755 0:0 usr/", "0711 5:6 usr/lib/", "0755 0:0 usr/lib/new/", "0644 0:0 usr/lib/new/x = registry"}},
		"into a link to a folder": {"COPY package-registry.yml /etc/folder", []string{
			"0700 1:1 etc/", "0700 2:2 etc/sub/", "0644 0:0 etc/sub/package-registry.yml = registry"}},
		"a link stays in the root": {"COPY package-registry.yml /out/x", []string{
			"0755 0:0 usr/", "0644 0:0 usr/x = registry"}},
		"dots are taken out before links are followed": {"COPY conf/run /etc/sub/lnk/../x", []string{
			"0700 1:1 etc/", "0700 2:2 etc/sub/", "0755 0:0 etc/sub/x = run"}},

		"a new folder":            {"WORKDIR new/er", []string{"0755 0:0 srv/", "0755 0:0 srv/new/", "0755 0:0 srv/new/er/"}},
		"a user's new folder":     {"USER 7:8\nWORKDIR /etc/new/er", []string{"0700 1:1 etc/", "0755 7:8 etc/new/", "0755 7:8 etc/new/er/"}},
		"a user without a group":  {"USER 7\nWORKDIR /new", []string{"0755 7:7 new/"}},
		"a new folder by a link":  {"WORKDIR /dangling", []string{"0755 0:0 nowhere/", "0755 0:0 nowhere/x/"}},
		"a folder that is there":  {"WORKDIR /etc/folder", nil},
		"the root":                {"WORKDIR /", nil},
		"a folder made before":    {"WORKDIR /new\nWORKDIR /", nil},
		"a folder made by a copy": {"COPY conf/run /new/\nWORKDIR /new", nil},
		"into what a copy made": {"COPY --chown=7 conf/run /new/\nCOPY package-registry.yml /new", []string{
			"0755 7:7 new/", "0644 0:0 new/package-registry.yml = registry"}},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := interpret(t, "FROM b\nCOPY packages /packages\n"+c.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			last := result.Steps[len(result.Steps)-1]
			same(t, "entries", listing(last.Entries), c.want)
			if last.Empty != (len(c.want) == 0) {
				t.Errorf("empty: %v", last.Empty)
			}
		})
	}
}

// TestCopyReplacesLink: a link that the copied folder meets is replaced, not followed.
func TestCopyReplacesLink(t *testing.T) {
	d, err := image.Parse([]byte("FROM b\nCOPY conf /etc\nCOPY packages.json /etc/run\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	config, dirs := someBase()
	dirs["etc/run"] = image.Directory{Link: "../bin/run"}
	result, err := d.Apply(config, dirs, contextFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "second copy", listing(result.Steps[1].Entries), []string{"0700 1:1 etc/", "0644 0:0 etc/run = json"})
}

func TestPackagesFolder(t *testing.T) {
	for text, want := range map[string]string{
		"COPY packages /packages/package-storage":             "/packages/package-storage",
		"COPY packages /packages/package-storage/":            "/packages/package-storage",
		"COPY ./packages/ ./p":                                "/srv/p",
		"COPY /packages /srv/../x":                            "/x",
		`COPY ["packages", "/a b"]`:                           "/a b",
		"WORKDIR /packages\nCOPY packages .":                  "/packages",
		"COPY packages /packages\nWORKDIR /packages":          "/packages",
		"COPY package-registry.yml /p/\nCOPY packages /p/all": "/p/all",
	} {
		result, err := interpret(t, "FROM b\n"+text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		for _, step := range result.Steps {
			got += step.Packages
			if step.Packages != "" && (step.Empty || len(step.Entries) > 0) {
				t.Errorf("%s: the packages' step is %+v", text, step)
			}
		}
		if got != want {
			t.Errorf("%s: packages at %q, want %q", text, got, want)
		}
	}
}
