package image

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// ContextFiles are the small files of the build context by their path: relative, clean, with slashes. The context's
// folder of packages (PackagesFolder) is not among them.
type ContextFiles map[string]File

// File is a file of the context. Mode is 0644 or 0755.
type File struct {
	Content []byte
	Mode    int64
}

// PackagesFolder is the context's folder that holds the packages. Its content is made into layers elsewhere.
const PackagesFolder = "packages"

// Result is what a Dockerfile makes of one platform of a base.
type Result struct {
	// Config is the base's with the instructions applied; Created, RootFS and History are still the base's.
	Config v1.ConfigFile
	// Steps are one for each instruction after FROM, in their order. Exactly one has Packages.
	Steps []Step
}

// Step is what one instruction does to the image's files.
type Step struct {
	// CreatedBy is the instruction for the image's history, with variables expanded.
	CreatedBy string
	// Empty says that the instruction changes no file.
	Empty bool
	// Packages is where the packages go: absolute and clean, without links; "" for other steps.
	Packages string
	// Entries are the step's layer, sorted by path, so that parents come first. All parent folders are among them.
	Entries []Entry
}

// Entry is a file or a folder of a layer.
type Entry struct {
	// Path is relative and clean, without a slash at its end.
	Path string
	Dir  bool
	// Mode holds the permissions, and the bits 06000 and 01000 for setuid, setgid and sticky.
	Mode     int64
	UID, GID int
	Content  []byte
}

// Apply interprets the Dockerfile on one platform's base, as BuildKit does. base and dirs are not changed. buildArgs
// win over the defaults of ARG. An error is an *InstructionError, if it is an instruction's.
func (d *Dockerfile) Apply(
	base v1.ConfigFile, dirs Directories, files ContextFiles, buildArgs map[string]string,
) (*Result, error) {
	if err := checkBase(base); err != nil {
		return nil, err
	}
	if err := files.check(); err != nil {
		return nil, err
	}
	globals, err := d.globalArgs(buildArgs)
	if err != nil {
		return nil, err
	}
	s := &stage{
		file:      *base.DeepCopy(),
		globals:   globals,
		args:      map[string]string{},
		buildArgs: buildArgs,
		tree:      newTree(dirs),
		context:   files,
		lex:       shell.NewLex(d.escape),
	}
	if _, set := s.variables()["PATH"]; !set {
		// Builders add it to a base without one (moby/buildkit util/system/path.go).
		s.setEnv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	result := &Result{}
	for _, node := range d.stage {
		step, err := s.apply(node)
		if err != nil {
			return nil, locate(err, node)
		}
		result.Steps = append(result.Steps, step)
	}
	if s.packages == "" {
		return nil, fmt.Errorf("the Dockerfile copies no packages into the image; it needs: COPY %s <folder>", PackagesFolder)
	}
	result.Config = s.file
	return result, nil
}

func checkBase(base v1.ConfigFile) error {
	if base.OS != "" && base.OS != "linux" {
		return fmt.Errorf("the base is for %s, and only bases for linux can be built upon", base.OS)
	}
	if triggers := base.Config.OnBuild; len(triggers) > 0 {
		return fmt.Errorf("the base demands to do %q in each image made of it (ONBUILD), and builders would run that;"+
			" take a base without", triggers[0])
	}
	return nil
}

func (f ContextFiles) check() error {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if name != strings.TrimPrefix(path.Clean("/"+name), "/") || name == "" {
			return fmt.Errorf("context file %q: its name must be relative and clean", name)
		}
		if within(name, PackagesFolder) {
			return fmt.Errorf("context file %q: the folder %s is for packages only", name, PackagesFolder)
		}
	}
	return nil
}

// stage is the state between two instructions.
type stage struct {
	file      v1.ConfigFile
	globals   scope
	args      map[string]string // the ARGs that were declared since FROM and have a value
	buildArgs map[string]string
	tree      *tree
	context   ContextFiles
	lex       *shell.Lex
	hasCmd    bool   // whether CMD was in this Dockerfile
	packages  string // where packages were copied to, absolute
}

// apply carries out one instruction. It is parsed afresh each time: expanding changes the parsed command in place.
func (s *stage) apply(node *parser.Node) (Step, error) {
	parsed, err := instructions.ParseInstruction(node)
	if err != nil {
		return Step{}, err
	}
	_, isArg := parsed.(*instructions.ArgCommand) // its default may go unused, and with it what is wrong in it
	if command, ok := parsed.(instructions.SupportsSingleWordExpansion); ok && !isArg {
		if err := command.Expand(s.expand); err != nil {
			return Step{}, err
		}
	}
	switch c := parsed.(type) {
	case *instructions.CopyCommand:
		return s.copy(c)
	case *instructions.WorkdirCommand:
		return s.workdir(c.Path)
	}
	createdBy, err := s.configure(parsed)
	return Step{CreatedBy: createdBy, Empty: true}, err
}

func (s *stage) expand(word string) (string, error) { return expand(s.lex, word, s.variables()) }

// variables are the environment and the arguments. ENV wins over ARG.
func (s *stage) variables() scope {
	variables := scope(maps.Clone(s.args))
	for _, variable := range s.file.Config.Env {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	return variables
}

// workdir makes the folder where it does not exist: it belongs to the user then, as do parents made for it
// (moby/buildkit dockerfile2llb, dispatchWorkdir).
func (s *stage) workdir(name string) (Step, error) {
	config := &s.file.Config
	config.WorkingDir = absolute(config.WorkingDir, name)
	step := Step{CreatedBy: "WORKDIR " + config.WorkingDir}
	resolved, err := s.tree.dirs.follow(config.WorkingDir)
	if err != nil {
		return step, err
	}
	if s.tree.isFolder(resolved) {
		step.Empty = true
		return step, nil
	}
	owner, err := parseOwner(config.User)
	if err != nil {
		reason := fmt.Sprintf("the folder has to be made for the user %q, a name known inside of a container only", config.User)
		return step, refuse(reason, "put USER with numeric ids before it")
	}
	l := newLayer(s.tree, Directory{Mode: 0o755, UID: owner.uid, GID: owner.gid})
	if err := l.folder(resolved); err != nil {
		return step, err
	}
	step.Entries = l.list()
	return step, s.checkAside(step.Entries)
}

// checkAside refuses to put anything beside the packages: whether it meets a package's file is not known here.
func (s *stage) checkAside(entries []Entry) error {
	for _, e := range entries {
		if s.packages != "" && strings.HasPrefix("/"+e.Path, s.packages+"/") {
			return refuse("/"+e.Path+" would be among the packages in "+s.packages, "take another folder")
		}
	}
	return nil
}

// absolute is name as seen from the folder dir, clean and absolute.
func absolute(dir, name string) string {
	if strings.HasPrefix(name, "/") {
		return path.Clean(name)
	}
	return path.Join("/", dir, name)
}

// within says whether name is the folder or below it.
func within(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
