package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// image is what a container sees of an image.
type image struct {
	settings map[string]string
	files    map[string]file // by path, without a slash in front
}

type file struct {
	kind     byte // tar's type flag
	mode     int64
	uid, gid int
	content  string // hash of a file, target of a symlink, numbers of a device
}

var kinds = map[byte]string{tar.TypeReg: "file", tar.TypeDir: "folder", tar.TypeSymlink: "symlink"}

func (f file) String() string {
	kind := kinds[f.kind]
	if kind == "" {
		kind = fmt.Sprintf("type %q", f.kind)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %04o %d:%d %s", kind, f.mode, f.uid, f.gid, f.content))
}

func (i *image) lines() map[string]string {
	lines := make(map[string]string, len(i.files))
	for name, f := range i.files {
		lines[name] = f.String()
	}
	return lines
}

// readDir reads an image in skopeo's dir: format, with unpacked layers.
func readDir(dir string) (*image, error) {
	var manifest struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := decode(filepath.Join(dir, "manifest.json"), &manifest); err != nil {
		return nil, err
	}
	i := &image{settings: map[string]string{}, files: map[string]file{}}
	if err := i.readSettings(blob(dir, manifest.Config.Digest)); err != nil {
		return nil, err
	}
	for _, l := range manifest.Layers {
		f, err := os.Open(blob(dir, l.Digest))
		if err != nil {
			return nil, err
		}
		err = i.apply(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.Digest, err)
		}
	}
	return i, nil
}

func blob(dir, digest string) string {
	return filepath.Join(dir, strings.TrimPrefix(digest, "sha256:"))
}

func decode(path string, value any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, value)
}

// compared are the settings that a container is started with (image-spec config.md, and Docker's additions to it).
var compared = []string{"User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "Healthcheck",
	"StopSignal", "Shell", "OnBuild"}

func (i *image) readSettings(path string) error {
	var config struct {
		OS, Architecture, Variant string
		Config                    map[string]any
	}
	if err := decode(path, &config); err != nil {
		return err
	}
	i.settings["platform"] = strings.TrimSuffix(config.OS+"/"+config.Architecture+"/"+config.Variant, "/")
	for _, name := range compared {
		value := config.Config[name]
		switch name {
		case "Labels":
			labels, _ := value.(map[string]any)
			for label, text := range labels {
				if label != "io.buildah.version" { // buildah's own signature
					i.settings["label "+label] = fmt.Sprint(text)
				}
			}
			continue
		case "Env":
			if env, ok := value.([]any); ok { // the order says nothing: a name is there once
				slices.SortFunc(env, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		}
		// Tools write nothing, null or something empty as they like.
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if s := string(text); s != "null" && s != `""` && s != "[]" && s != "{}" {
			i.settings[name] = s
		}
	}
	return nil
}

// apply lays a layer over what is there (image-spec layer.md).
func (i *image) apply(layer io.Reader) error {
	for archive := tar.NewReader(layer); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := clean(h.Name)
		folder, base := path.Split(name)
		switch {
		case name == "":
			// Builders do not agree on whether there is an entry for the root.
		case base == ".wh..wh..opq":
			return errors.New(name + ": opaque whiteouts can't be read")
		case strings.HasPrefix(base, ".wh."):
			i.remove(folder + strings.TrimPrefix(base, ".wh."))
		default:
			if err := i.add(name, h, archive); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
}

func (i *image) add(name string, h *tar.Header, content io.Reader) error {
	f := file{kind: h.Typeflag, mode: h.Mode & 0o7777, uid: h.Uid, gid: h.Gid}
	switch h.Typeflag {
	case tar.TypeReg:
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return err
		}
		f.content = fmt.Sprintf("%d bytes %x", h.Size, sum.Sum(nil))
	case tar.TypeLink:
		target, there := i.files[clean(h.Linkname)]
		if !there {
			return errors.New("a link to " + h.Linkname + ", which is not there")
		}
		f = target
	case tar.TypeSymlink:
		f.content, f.mode = h.Linkname, 0 // a symlink's mode is nobody's business
	case tar.TypeChar, tar.TypeBlock:
		f.content = fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
	}
	if old, there := i.files[name]; there && old.kind == tar.TypeDir && f.kind != tar.TypeDir {
		i.remove(name)
	}
	i.files[name] = f
	return nil
}

func (i *image) remove(name string) {
	delete(i.files, name)
	for below := range i.files {
		if strings.HasPrefix(below, name+"/") {
			delete(i.files, below)
		}
	}
}

func clean(name string) string { return strings.Trim(path.Clean("/"+name), "/") }
