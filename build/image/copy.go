package image

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// owner is a file's.
type owner struct{ uid, gid int }

// parseOwner reads <uid>[:<gid>]; "" is root. A uid alone stands for the group, too (moby/buildkit
// solver/llbsolver/ops/user_linux.go). Names other than root would have to be looked up in the base's /etc/passwd.
func parseOwner(s string) (owner, error) {
	if s == "" {
		return owner{}, nil
	}
	user, group, both := strings.Cut(s, ":")
	if !both {
		group = user
	}
	uid, err := parseID(user)
	if err != nil {
		return owner{}, err
	}
	gid, err := parseID(group)
	return owner{uid, gid}, err
}

func parseID(s string) (int, error) {
	if s == "root" {
		return 0, nil
	}
	id, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, refuse(fmt.Sprintf("the name %q is known inside of a container only", s), "write numeric ids: 1000:1000")
	}
	return int(id), nil
}

// parseMode reads --chmod; nil is none.
func parseMode(s string) (*int64, error) {
	if s == "" {
		return nil, nil
	}
	mode, err := strconv.ParseInt(s, 8, 32)
	if err != nil || mode < 0 || mode > 0o7777 {
		return nil, refuse(fmt.Sprintf("--chmod=%s is no mode", s), "write it in octal: --chmod=644")
	}
	return &mode, nil
}

// copying is a COPY of small files.
type copying struct {
	*layer
	context ContextFiles
	owner   owner
	mode    *int64 // --chmod, or nil
}

func (s *stage) copy(c *instructions.CopyCommand) (Step, error) {
	sources, err := s.context.match(c.SourcePaths)
	if err != nil {
		return Step{}, err
	}
	step := Step{CreatedBy: "COPY " + strings.Join(append(c.SourcePaths, c.DestPath), " ")}
	if len(sources) == 1 && sources[0].name == PackagesFolder {
		if c.Chown != "" || c.Chmod != "" {
			return Step{}, refuse("the packages' layers are the same bytes in every distribution, with one owner and git's modes",
				"leave --chown and --chmod out")
		}
		step.Packages, err = s.copyPackages(c.DestPath)
		return step, err
	}
	for _, flag := range []struct{ name, value string }{{"--chmod", c.Chmod}, {"--chown", c.Chown}} {
		if flag.value != "" {
			step.CreatedBy = "COPY " + flag.name + "=" + flag.value + step.CreatedBy[len("COPY"):]
		}
	}
	cp, err := s.copying(c)
	if err != nil {
		return Step{}, err
	}
	if err := cp.run(sources, c.DestPath, s.file.Config.WorkingDir); err != nil {
		return Step{}, err
	}
	step.Entries = cp.list()
	return step, s.checkAside(step.Entries)
}

func (s *stage) copying(c *instructions.CopyCommand) (*copying, error) {
	owner, err := parseOwner(c.Chown)
	if err != nil {
		return nil, err
	}
	mode, err := parseMode(c.Chmod)
	if err != nil {
		return nil, err
	}
	cp := &copying{context: s.context, owner: owner, mode: mode}
	cp.layer = newLayer(s.tree, Directory{Mode: 0o755, UID: owner.uid, GID: owner.gid})
	if mode != nil && *mode != 0o755 {
		cp.refuseNew = refuse("builders disagree whether --chmod is also for folders that have to be made",
			"copy into a folder that is there, by WORKDIR for example")
	}
	return cp, nil
}

// run copies to dest, which may be relative to dir.
func (cp *copying) run(sources []source, dest, dir string) error {
	asFolder := dest == "" || dest == "." || strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, "/.")
	if len(sources) > 1 && !asFolder {
		return refuse(fmt.Sprintf("%d sources need a folder as destination", len(sources)), "end it with a slash: "+dest+"/")
	}
	dest = absolute(dir, dest)
	for _, src := range sources {
		var err error
		if src.dir {
			err = cp.copyFolder(src.name, dest)
		} else {
			err = cp.copyFile(src.name, dest, asFolder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies into dest where that is, or is to be, a folder; else dest is the file's new name.
func (cp *copying) copyFile(name, dest string, asFolder bool) error {
	resolved, err := cp.tree.dirs.follow(dest)
	if err != nil {
		return err
	}
	if asFolder || cp.tree.isFolder(resolved) {
		if err := cp.folder(resolved); err != nil {
			return err
		}
		return cp.put(name, path.Join(resolved, path.Base(name)))
	}
	parent, err := cp.tree.dirs.follow(path.Dir(dest))
	if err != nil {
		return err
	}
	target := path.Join(parent, path.Base(dest))
	if link := cp.tree.dirs[target].Link; link != "" {
		return refuse(fmt.Sprintf("/%s is a link to %s in the base, and builders disagree whether the link is replaced,"+
			" or what it leads to", target, link), "name another destination")
	}
	if err := cp.folder(parent); err != nil {
		return err
	}
	return cp.put(name, target)
}

// copyFolder copies what the folder holds, not the folder itself. Folders in it bring their own owner and mode, also
// where the image has them already; dest keeps its own.
func (cp *copying) copyFolder(name, dest string) error {
	dest, err := cp.tree.dirs.follow(dest)
	if err != nil {
		return err
	}
	if err := cp.folder(dest); err != nil {
		return err
	}
	for _, below := range cp.context.below(name) {
		target := path.Join(dest, strings.TrimPrefix(below.name, name+"/"))
		if !below.dir {
			if err := cp.put(below.name, target); err != nil {
				return err
			}
			continue
		}
		if cp.tree.dirs[target].Link != "" || cp.tree.files[target] {
			return refuse(fmt.Sprintf("/%s is no folder, and a folder can't take its place", target), "name another destination")
		}
		cp.setFolder(target, Directory{Mode: cp.modeOr(0o755), UID: cp.owner.uid, GID: cp.owner.gid})
	}
	return nil
}

func (cp *copying) put(name, target string) error {
	file := cp.context[name]
	return cp.file(target, file.Content, cp.modeOr(file.Mode), cp.owner)
}

func (cp *copying) modeOr(mode int64) int64 {
	if cp.mode != nil {
		return *cp.mode
	}
	return mode
}

// copyPackages says where the packages go. Their layers hold the folders above them with mode 0755 and owner 0,
// whatever the base, so that the base's must not differ.
func (s *stage) copyPackages(dest string) (string, error) {
	dest = absolute(s.file.Config.WorkingDir, dest)
	const way = "copy the packages to a folder of their own"
	switch {
	case s.packages != "":
		return "", refuse("the packages are in "+s.packages+" already", "copy them once")
	case dest == "/":
		return "", refuse("the packages can't be the root folder", way)
	}
	for at := dest[1:]; at != "."; at = path.Dir(at) {
		known, exists := s.tree.dirs[at]
		switch {
		case known.Link != "":
			return "", refuse(fmt.Sprintf("/%s is a link to %s in the base, and the packages' layers are the same on any base",
				at, known.Link), way)
		case s.tree.files[at]:
			return "", refuse("/"+at+" is a file", way)
		case exists && known != Directory{Mode: 0o755}:
			return "", refuse(fmt.Sprintf("/%s has mode %#o and owner %d:%d, and the packages' layers would make it 0755 and 0:0",
				at, known.Mode, known.UID, known.GID), way)
		}
		s.tree.dirs[at] = Directory{Mode: 0o755}
	}
	for name := range s.tree.files {
		if within("/"+name, dest) {
			return "", refuse("something was copied to "+dest+" before, and packages may meet it", way)
		}
	}
	s.packages = dest
	return dest, nil
}
