package image_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/image"
)

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

var contextFiles = image.ContextFiles{
	"package-registry.yml": {Content: []byte("registry"), Mode: 0o644},
	"packages.json":        {Content: []byte("json"), Mode: 0o644},
	"conf/run":             {Content: []byte("run"), Mode: 0o755},
	"conf/sub/deep":        {Content: []byte("deep"), Mode: 0o644},
}

// someBase is what the tests build upon.
func someBase() (v1.ConfigFile, image.Directories) {
	config := v1.ConfigFile{OS: "linux", Architecture: "amd64", Author: "somebody", Config: v1.Config{
		Env:          []string{"PATH=/bin", "FIRST=1", "SECOND=2"},
		Labels:       map[string]string{"kept": "base", "package-registry": "base"},
		Entrypoint:   []string{"/base"},
		Cmd:          []string{"base-arg"},
		WorkingDir:   "/srv",
		ExposedPorts: map[string]struct{}{"1/tcp": {}},
	}}
	return config, image.Directories{
		"srv":            {Mode: 0o755},
		"usr":            {Mode: 0o755},
		"usr/lib":        {Mode: 0o711, UID: 5, GID: 6},
		"lib":            {Link: "usr/lib"},
		"etc":            {Mode: 0o700, UID: 1, GID: 1},
		"etc/sub":        {Mode: 0o700, UID: 2, GID: 2},
		"etc/link.yml":   {Link: "real.yml"},
		"etc/folder":     {Link: "/etc/sub"},
		"etc/sub/lnk":    {Link: "../real.yml"},
		"dangling":       {Link: "nowhere/x"},
		"circle":         {Link: "circle2/x"},
		"circle2":        {Link: "../circle"},
		"out":            {Link: "../../../usr"},
		"odd":            {Mode: 0o1777},
		"usr/lib/config": {Mode: 0o755},
	}
}

func interpret(t testing.TB, text string, buildArgs map[string]string) (*image.Result, error) {
	t.Helper()
	d, err := image.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	config, dirs := someBase()
	return d.Apply(config, dirs, contextFiles, buildArgs)
}

// config interprets instructions that change the configuration only.
func config(t testing.TB, instructions string, buildArgs map[string]string) v1.Config {
	t.Helper()
	result, err := interpret(t, instructions+"\nCOPY packages /packages\n", buildArgs)
	if err != nil {
		t.Fatal(err)
	}
	return result.Config.Config
}

func TestArg(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		buildArgs  map[string]string
	}{
		// The published images of a storage had package-registry="" for years.
		"before FROM only":           {text: "ARG V=1\nFROM b\nLABEL l=$V", want: ""},
		"declared again":             {text: "ARG V=1\nFROM b\nARG V\nLABEL l=$V", want: "1"},
		"declared again, build arg":  {text: "ARG V=1\nFROM b\nARG V\nLABEL l=$V", buildArgs: map[string]string{"V": "2"}, want: "2"},
		"own default":                {text: "ARG V=1\nFROM b\nARG V=3\nLABEL l=$V", want: "3"},
		"own default, build arg":     {text: "FROM b\nARG V=3\nLABEL l=$V", buildArgs: map[string]string{"V": "2"}, want: "2"},
		"build arg, not declared":    {text: "FROM b\nLABEL l=x$V", buildArgs: map[string]string{"V": "2"}, want: "x"},
		"default with variables":     {text: "FROM b\nARG A=1 B=${A}2\nLABEL l=$B", want: "12"},
		"default before FROM":        {text: "ARG A=1\nARG B=${A}2\nFROM b\nARG B\nLABEL l=$B", want: "12"},
		"not before its declaration": {text: "FROM b\nLABEL l=x$V\nARG V=1", want: "x"},
		"ENV wins over ARG":          {text: "FROM b\nARG V=1\nENV V=2\nLABEL l=$V", want: "2"},
		"unset":                      {text: "FROM b\nARG V\nLABEL l=${V:-none}", want: "none"},
		"set to nothing":             {text: "FROM b\nARG V=\nLABEL l=${V-none}", want: ""},
		"single quotes":              {text: "FROM b\nARG V=1\nLABEL l='$V'", want: "$V"},
		"escaped":                    {text: "FROM b\nARG V=1\nLABEL l=\\$V", want: "$V"},
		"the base's environment":     {text: "FROM b\nLABEL l=$SECOND", want: "2"},
		"before the instruction":     {text: "FROM b\nENV V=1\nENV V=2 W=$V\nLABEL l=$W", want: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := config(t, c.text, c.buildArgs).Labels["l"]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	for text, want := range map[string]string{
		"ARG V=1\nFROM a/b:${V}":                             "a/b:1",
		"# syntax=docker.io/docker/dockerfile:1.7\nFROM a:1": "a:1",
		"ARG R=r V=1\nFROM $R:$V":                            "r:1",
		"FROM a@sha256:0123":                                 "a@sha256:0123",
		"FROM a:1 AS final":                                  "a:1",
		"ARG V\nFROM a:${V:-2}":                              "a:2",
		"# escape=`\nARG V=1\nFROM a:1":                      "a:1",
	} {
		d, err := image.Parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := d.From(nil); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	d, err := image.Parse([]byte("ARG V=1\nFROM a:${V}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.From(map[string]string{"V": "2"}); err != nil || got != "a:2" {
		t.Errorf("with a build arg: %q, %v", got, err)
	}
}

func TestEnvironmentAndLabels(t *testing.T) {
	got := config(t, "FROM b\nENV FIRST=one NEW=\"a b\"\nENV SECOND two three\nENV LAST=$NEW\nLABEL kept=changed x.y=\"z w\" "+
		"n=1\\\n  m=2", nil)
	same(t, "env", got.Env, []string{"PATH=/bin", "FIRST=one", "SECOND=two three", "NEW=a b", "LAST=a b"})
	same(t, "labels", got.Labels, map[string]string{
		"kept": "changed", "package-registry": "base", "x.y": "z w", "n": "1", "m": "2",
	})
}

func TestPathIsSetWhereTheBaseHasNone(t *testing.T) {
	d, err := image.Parse([]byte("FROM scratch\nENV A=1\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := d.Apply(v1.ConfigFile{}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "env", result.Config.Config.Env, []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1"})
}

func TestEntrypointAndCmd(t *testing.T) {
	for name, c := range map[string]struct {
		text            string
		entrypoint, cmd []string
	}{
		"neither":                 {"", []string{"/base"}, []string{"base-arg"}},
		"CMD":                     {`CMD ["a", "$X"]`, []string{"/base"}, []string{"a", "$X"}},
		"CMD in shell form":       {`CMD a  "b" $X`, []string{"/base"}, []string{"/bin/sh", "-c", `a  "b" $X`}},
		"ENTRYPOINT resets CMD":   {`ENTRYPOINT ["e"]`, []string{"e"}, nil},
		"ENTRYPOINT, then CMD":    {"ENTRYPOINT [\"e\"]\nCMD [\"c\"]", []string{"e"}, []string{"c"}},
		"CMD, then ENTRYPOINT":    {"CMD [\"c\"]\nENTRYPOINT e", []string{"/bin/sh", "-c", "e"}, []string{"c"}},
		"SHELL":                   {"SHELL [\"/bin/bash\", \"-ec\"]\nCMD c", []string{"/base"}, []string{"/bin/bash", "-ec", "c"}},
		"no JSON is a shell form": {`CMD ["a" b]`, []string{"/base"}, []string{"/bin/sh", "-c", `["a" b]`}},
		"emptied":                 {"ENTRYPOINT []\nCMD []", nil, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := config(t, "FROM b\n"+c.text, nil)
			same(t, "entrypoint", got.Entrypoint, c.entrypoint)
			same(t, "cmd", got.Cmd, c.cmd)
		})
	}
}

func TestOtherSettings(t *testing.T) {
	got := config(t, strings.Join([]string{
		"FROM b", "ARG P='8080 9000-9001/udp'", "EXPOSE $P 53/UDP", "USER ${U:-1000:7}", "STOPSIGNAL SIGINT",
		"HEALTHCHECK --interval=5s --timeout=1m --start-period=2s --retries=3 CMD curl -f http://localhost || exit 1",
	}, "\n"), nil)
	same(t, "ports", got.ExposedPorts, map[string]struct{}{"1/tcp": {}, "8080/tcp": {}, "9000/udp": {}, "9001/udp": {}, "53/udp": {}})
	same(t, "user", got.User, "1000:7")
	same(t, "signal", got.StopSignal, "SIGINT")
	same(t, "healthcheck", got.Healthcheck, &v1.HealthConfig{
		Test: []string{"CMD-SHELL", "curl -f http://localhost || exit 1"}, Interval: 5 * time.Second, Timeout: time.Minute,
		StartPeriod: 2 * time.Second, Retries: 3,
	})
	got = config(t, "FROM b\nHEALTHCHECK NONE", nil)
	same(t, "no healthcheck", got.Healthcheck, &v1.HealthConfig{Test: []string{"NONE"}})
	got = config(t, "FROM b\nHEALTHCHECK CMD [\"a\", \"b\"]", nil)
	same(t, "exec healthcheck", got.Healthcheck, &v1.HealthConfig{Test: []string{"CMD", "a", "b"}})
	result, err := interpret(t, "FROM b\nMAINTAINER some one\nCOPY packages /p", nil)
	if err != nil || result.Config.Author != "some one" {
		t.Errorf("author: %+v, %v", result, err)
	}
}

func TestSteps(t *testing.T) {
	result, err := interpret(t, strings.Join([]string{
		"ARG V=1", "FROM b", "ARG V W", "LABEL a=$V \\", "  b=\"x y\"", "# a comment", "env E=$V", "WORKDIR /srv/", "WORKDIR new",
		"COPY --chown=1:2 --chmod=755 package-registry.yml ./", "COPY packages ../packages/$V/", `ENTRYPOINT ["a"]`, "EXPOSE 80",
	}, "\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range result.Steps {
		text := step.CreatedBy
		if step.Empty {
			text += " (empty)"
		}
		if step.Packages != "" {
			text += " -> " + step.Packages
		}
		got = append(got, text)
	}
	same(t, "steps", got, []string{
		"ARG V=1 W (empty)",
		"LABEL a=1 b=x y (empty)",
		"ENV E=1 (empty)",
		"WORKDIR /srv (empty)",
		"WORKDIR /srv/new",
		"COPY --chown=1:2 --chmod=755 package-registry.yml ./",
		"COPY packages ../packages/1/ -> /srv/packages/1",
		`ENTRYPOINT ["a"] (empty)`,
		"EXPOSE 80/tcp (empty)",
	})
}

func TestBasesThatCannotBeBuiltUpon(t *testing.T) {
	d, err := image.Parse([]byte("FROM b\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	for want, base := range map[string]v1.ConfigFile{
		"windows": {OS: "windows"},
		"ONBUILD": {OS: "linux", Config: v1.Config{OnBuild: []string{"RUN true"}}},
	} {
		if _, err := d.Apply(base, nil, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
}

func TestContextFilesAreChecked(t *testing.T) {
	d, err := image.Parse([]byte("FROM b\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/a", "a/../b", "", "packages", "packages/apm/1.0.0/manifest.yml"} {
		if _, err := d.Apply(v1.ConfigFile{}, nil, image.ContextFiles{name: {}}, nil); err == nil {
			t.Errorf("a context file %q was accepted", name)
		}
	}
}

func TestApplyChangesNoArgument(t *testing.T) {
	d, err := image.Parse([]byte("ARG V=1\nFROM b\nARG V\nENV FIRST=$V\nLABEL kept=$V\nWORKDIR made\nCOPY conf $V/\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	config, dirs := someBase()
	first, err := d.Apply(config, dirs, contextFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			again, err := d.Apply(config, dirs, contextFiles, nil)
			if err != nil {
				t.Error(err)
			}
			same(t, "result again", again, first)
		})
	}
	running.Wait()
	wantConfig, wantDirs := someBase()
	same(t, "base", config, wantConfig)
	same(t, "directories", dirs, wantDirs)
	other, err := d.Apply(config, dirs, contextFiles, map[string]string{"V": "2"})
	if err != nil || other.Config.Config.Labels["kept"] != "2" {
		t.Errorf("with another build arg: %v, %v", other, err)
	}
}

func TestNoPackages(t *testing.T) {
	_, err := interpret(t, "FROM b\nCOPY package-registry.yml /x/", nil)
	if err == nil || !strings.Contains(err.Error(), "COPY packages") {
		t.Errorf("got %v", err)
	}
	if located := (*image.InstructionError)(nil); errors.As(err, &located) {
		t.Errorf("%v names a line, and no line is wrong", err)
	}
}
