package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// branch is what is measured.
const branch = "production"

// realStorage is where the real storage lies: a bundle or a repository.
func realStorage(root string) (string, error) {
	source := os.Getenv("REAL_STORAGE")
	if source == "" {
		source = filepath.Join(root, "..", "shared", "real-storage.bundle")
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return "", fmt.Errorf("find the real storage: %w", err)
	}
	if _, err := os.Stat(source); err != nil {
		return "", fmt.Errorf("there is no real storage to measure on: %w\n"+
			"set REAL_STORAGE to a package storage with a branch %s: a bundle (git bundle create), or a repository",
			err, branch)
	}
	return source, nil
}

// file is a file of the storage's packages.
type file struct {
	path string // from the branch's root on
	id   string
	size int64 // bytes
}

// cloneStorage makes the copy that all is measured on. The original is never written to.
func (b *bench) cloneStorage(ctx context.Context) error {
	b.storage = filepath.Join(b.tmp, "storage.git")
	_, err := output(command(ctx, b.tmp, "git", "clone", "-q", "--bare", b.source, b.storage))
	if err != nil {
		return fmt.Errorf("clone the real storage: %w", err)
	}
	return nil
}

// listFiles lists all files of packages, in tree order.
func (b *bench) listFiles(ctx context.Context) ([]file, error) {
	out, err := output(command(ctx, b.storage, "git", "--no-replace-objects", "ls-tree", "-r", "-l", "-z", branch, "--", "packages/"))
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s: %w", branch, err)
	}
	files, err := parseListing(string(out))
	if err == nil && len(files) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s: %w", branch, err)
	}
	return files, nil
}

// parseListing reads "<mode> <type> <id> <size>\t<path>\0…" (git-ls-tree(1), -l -z). Submodules are left out.
func parseListing(listing string) ([]file, error) {
	var files []file
	for line := range strings.SplitSeq(strings.TrimSuffix(listing, "\x00"), "\x00") {
		if line == "" {
			continue
		}
		facts, path, _ := strings.Cut(line, "\t")
		fields := strings.Fields(facts)
		if len(fields) != 4 {
			return nil, fmt.Errorf("git ls-tree wrote %q", line)
		}
		if fields[1] != "blob" {
			continue
		}
		size, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git ls-tree wrote %q: %w", line, err)
		}
		files = append(files, file{path: path, id: fields[2], size: size})
	}
	return files, nil
}
