package layer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"
)

// formatVersion counts the changes of the tar's form. A new one builds every layer again, everywhere.
const formatVersion = 1

// window is what RFC 8878 recommends that every decoder supports, in bytes; hard links have already found what
// lies further apart.
const window = 8 << 20

// Compression is how layers are packed.
type Compression string

// The compressions there are. Gzip is for engines that can't read zstd: Docker before 23.0.
const (
	Zstd Compression = "zstd"
	Gzip Compression = "gzip"
)

// ParseCompression reads a compression's name; "" is Zstd.
func ParseCompression(s string) (Compression, error) {
	switch c := Compression(s); c {
	case "":
		return Zstd, nil
	case Zstd, Gzip:
		return c, nil
	}
	return "", fmt.Errorf("%q is no compression: there are zstd and gzip", s)
}

// MediaType is the layer's in a manifest.
func (c Compression) MediaType() types.MediaType {
	if c == Gzip {
		return types.OCILayer
	}
	return types.OCILayerZStd
}

// encoderVersion is the module's: it promises the same bytes only for the same version of its code.
var encoderVersion = sync.OnceValue(func() string {
	const module = "github.com/klauspost/compress"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				for dep.Replace != nil {
					dep = dep.Replace
				}
				return module + "@" + dep.Version
			}
		}
	}
	return module + "@unknown"
})

// String names all that determines a layer's bytes beside its contents: format, encoder, its version and level.
func (c Compression) String() string {
	level := "default,window=8MiB"
	if c == Gzip {
		level = fmt.Sprint(gzipLevel)
	}
	return fmt.Sprintf("tar/%d+%s %s level %s", formatVersion, string(c), encoderVersion(), level)
}

const gzipLevel = 6

// encoder packs one layer after the other; it is kept, since a window of 8 MB is costly to set up.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

func (c Compression) encoder() (encoder, error) {
	if c == Gzip {
		e, err := gzip.NewWriterLevel(nil, gzipLevel)
		return e, errors.Wrap(err, "set up gzip")
	}
	// One goroutine each: layers are packed in parallel, and concurrent blocks would change the bytes.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false))
	return e, errors.Wrap(err, "set up zstd")
}

// Key identifies a layer before it exists: a hash, in hex, of its format and of what is in it. prefix is the folder of
// the image that paths are below, relative.
func (c Compression) Key(prefix string, parts []Part) string {
	lines := make([]string, len(parts))
	for i, p := range parts {
		lines[i] = fmt.Sprintf("%06o %s %s/%s\n", uint32(p.Mode), p.ID, prefix, p.Path)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(c.String() + "\n" + strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}
