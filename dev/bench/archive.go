package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
)

// gzipLevel is what Docker and most others pack layers with.
const gzipLevel = 6

// archive is what packages are without any art: one tar of all files, and the same packed.
type archive struct{ tar, packed int64 } // bytes

// archive measures git archive production packages, as it is and through the standard library's gzip.
func (b *bench) archive(ctx context.Context) (archive, error) {
	var tar, packed counter
	zip, err := gzip.NewWriterLevel(&packed, gzipLevel)
	if err != nil {
		return archive{}, fmt.Errorf("pack the archive: %w", err)
	}
	cmd := command(ctx, b.storage, "git", "archive", "--format=tar", branch, "packages")
	cmd.Stdout = io.MultiWriter(&tar, zip)
	if _, err := timed(cmd); err != nil {
		return archive{}, fmt.Errorf("pack the archive: %w", err)
	}
	if err := zip.Close(); err != nil {
		return archive{}, fmt.Errorf("pack the archive: %w", err)
	}
	return archive{tar: int64(tar), packed: int64(packed)}, nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
