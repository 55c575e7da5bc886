package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// writeIDs writes the list of the unique blobs, in tree order: what the floor reads.
func (b *bench) writeIDs(files []file) error {
	var ids strings.Builder
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if !seen[f.id] {
			seen[f.id] = true
			ids.WriteString(f.id + "\n")
		}
	}
	b.blobs, b.ids = len(seen), filepath.Join(b.tmp, "ids")
	if err := os.WriteFile(b.ids, []byte(ids.String()), 0o644); err != nil {
		return fmt.Errorf("list the blobs: %w", err)
	}
	return nil
}

// floor is the time in seconds in which standard tools read and pack the same blobs, without hashing, tar and links:
// git cat-file --batch --buffer <ids | zstd -3 -T2 -c >/dev/null
func (b *bench) floor(ctx context.Context) (float64, error) {
	ids, err := os.Open(b.ids)
	if err != nil {
		return 0, fmt.Errorf("measure the floor: %w", err)
	}
	defer ids.Close()
	out, in, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("measure the floor: %w", err)
	}
	cat := command(ctx, b.storage, "git", "--no-replace-objects", "cat-file", "--batch", "--buffer")
	var said bytes.Buffer
	cat.Stdin, cat.Stdout, cat.Stderr = ids, in, &said
	zstd := command(ctx, b.tmp, "zstd", "-q", "-3", "-T2", "-c")
	zstd.Stdin = out // its own output goes to the null device: exec's default

	start := time.Now()
	err = zstd.Start()
	if err == nil {
		defer zstd.Wait() // where cat fails
		err = cat.Start()
	}
	in.Close()
	out.Close()
	if err != nil {
		return 0, fmt.Errorf("measure the floor: %w", err)
	}
	if err := cat.Wait(); err != nil {
		return 0, fmt.Errorf("measure the floor: %w", explain(cat, err, said.String()))
	}
	if err := zstd.Wait(); err != nil {
		return 0, fmt.Errorf("measure the floor: %w", explain(zstd, err, ""))
	}
	return time.Since(start).Seconds(), nil
}
