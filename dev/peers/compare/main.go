// Command compare shows in which files and settings two images differ.
//
//	go run ./dev/peers/compare dist/production containers-storage:localhost/production
//
// An image is an output folder of the build, or whatever skopeo can read: oci:<folder>:<tag>, containers-storage:<name>,
// docker-daemon:<name>, docker-archive:<file>, docker://<name>. skopeo must be installed. Times, history and the way in
// which files are put into layers do not count. The exit status is 0 where nothing differs, 1 where something does, and
// 2 where the images can't be read.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

func main() {
	arch := flag.String("arch", runtime.GOARCH, "the `architecture` to compare, of images for several")
	all := flag.Bool("all", false, "show all differences, not only the first 50")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: compare [-arch amd64] [-all] <image> <image>")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	images := make([]*image, 2)
	for i, name := range flag.Args() {
		var err error
		if images[i], err = read(name, *arch); err != nil {
			fmt.Fprintf(os.Stderr, "read %s: %v\n", name, err)
			os.Exit(2)
		}
	}
	limit := 50
	if *all {
		limit = -1
	}
	if !report(os.Stdout, images[0], images[1], limit) {
		os.Exit(1)
	}
}

// read has skopeo fetch an image, with its layers unpacked.
func read(name, arch string) (*image, error) {
	if info, err := os.Stat(filepath.Join(name, "image", "index.json")); err == nil && !info.IsDir() {
		name = "oci:" + filepath.Join(name, "image")
	}
	dir, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("skopeo", "copy", "--quiet", "--override-os=linux", "--override-arch="+arch, "--dest-decompress",
		name, "dir:"+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("skopeo copy: %w\n%s", err, out)
	}
	return readDir(dir)
}

// report prints what differs, and says whether nothing does. A negative limit is none.
func report(out io.Writer, a, b *image, limit int) bool {
	differences := 0
	compare := func(what string, a, b map[string]string) {
		names := maps.Clone(a)
		maps.Copy(names, b)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			left, right := orNone(a, name), orNone(b, name)
			if left == right {
				continue
			}
			if differences++; limit < 0 || differences <= limit {
				fmt.Fprintf(out, "%s %s\n  - %s\n  + %s\n", what, name, left, right)
			}
		}
	}
	compare("setting", a.settings, b.settings)
	compare("file", a.lines(), b.lines())
	if differences == 0 {
		fmt.Fprintf(out, "the same: %d files and folders, %d settings\n", len(a.files), len(a.settings))
		return true
	}
	fmt.Fprintf(out, "%d differences\n", differences)
	return false
}

func orNone(of map[string]string, name string) string {
	if value, there := of[name]; there {
		return value
	}
	return "not there"
}
