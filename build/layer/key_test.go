package layer_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

func keyed() []layer.Part {
	return []layer.Part{
		{Family: "apm", Path: "apm/1.0.0", Mode: object.ModeTree, ID: hash("1"), Size: 10, Delta: 10},
		{Family: "apm", Path: "apm/1.1.0", Mode: object.ModeTree, ID: hash("2"), Size: 10, Delta: 5},
		{Family: "zoo", Path: "zoo/1.0.0/run", Mode: object.ModeFile, ID: hash("3"), Size: 10, Delta: 10},
	}
}

func TestKeyChangesWithAllThatIsInTheLayer(t *testing.T) {
	key := layer.Zstd.Key("packages", keyed())
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(key) {
		t.Errorf("the key is %q", key)
	}
	seen := map[string]string{key: "the first"}
	for name, other := range map[string]string{
		"another prefix":      layer.Zstd.Key("package", keyed()),
		"another compression": layer.Gzip.Key("packages", keyed()),
		"a part less":         layer.Zstd.Key("packages", keyed()[:2]),
		"no part":             layer.Zstd.Key("packages", nil),
		"a path":              layer.Zstd.Key("packages", changed(func(p *layer.Part) { p.Path = "apm/1.2.0" })),
		"a mode":              layer.Zstd.Key("packages", changed(func(p *layer.Part) { p.Mode = object.ModeFile })),
		"an id":               layer.Zstd.Key("packages", changed(func(p *layer.Part) { p.ID = hash("4") })),
		"ids changed places":  layer.Zstd.Key("packages", changed(func(p *layer.Part) { p.ID = hash("1") })),
	} {
		if former, taken := seen[other]; taken {
			t.Errorf("%s: the key is that of %s", name, former)
		}
		seen[other] = name
	}
}

// changed changes the second part.
func changed(change func(*layer.Part)) []layer.Part {
	parts := keyed()
	change(&parts[1])
	return parts
}

func TestKeyDoesNotDependOnOrderOrMeasures(t *testing.T) {
	key := layer.Zstd.Key("packages", keyed())
	parts := keyed()
	for range 10 {
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		given := slices.Clone(parts)
		if got := layer.Zstd.Key("packages", parts); got != key {
			t.Errorf("the key of %v is another", paths(parts))
		}
		if !slices.Equal(parts, given) {
			t.Error("the parts were sorted in place")
		}
	}
	measured := changed(func(p *layer.Part) { p.Size, p.Delta, p.Packed, p.PackedDelta, p.Since, p.Order = 20, 20, 9, 8, 7, 6 })
	if layer.Zstd.Key("packages", measured) != key {
		t.Error("what a part measures changes the key")
	}
}

func TestCompression(t *testing.T) {
	for text, want := range map[string]layer.Compression{"": layer.Zstd, "zstd": layer.Zstd, "gzip": layer.Gzip} {
		if got, err := layer.ParseCompression(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"none", "ZSTD", "gz", " zstd"} {
		if got, err := layer.ParseCompression(text); err == nil || !strings.Contains(err.Error(), "gzip") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	// The names of the image spec, "Media Types".
	if got := layer.Zstd.MediaType(); got != types.MediaType("application/vnd.oci.image.layer.v1.tar+zstd") {
		t.Error(got)
	}
	if got := layer.Gzip.MediaType(); got != types.MediaType("application/vnd.oci.image.layer.v1.tar+gzip") {
		t.Error(got)
	}
}

// TestFormatNamesTheEncodersVersion: other code may pack the same files in other bytes, and must have another key. A
// test binary does not know the versions of its modules, so that another program is asked, built of a file as mage does.
func TestFormatNamesTheEncodersVersion(t *testing.T) {
	cmd := exec.Command("go", "run", "testdata/format/main.go")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	version := regexp.MustCompile(` github\.com/klauspost/compress@v\d+\.\d+\.\d+ level `)
	if len(lines) != 2 || !version.MatchString(lines[0]) || !version.MatchString(lines[1]) || lines[0] == lines[1] {
		t.Errorf("the formats are\n%s", out)
	}
	for i, c := range []layer.Compression{layer.Zstd, layer.Gzip} {
		if !strings.HasPrefix(c.String(), "tar/1+"+string(c)+" ") || !strings.HasPrefix(lines[i], "tar/1+"+string(c)+" ") {
			t.Errorf("%s is %q, built %q", string(c), c, lines[i])
		}
	}
}
