package targets_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/otiai10/copy"
	"github.com/rogpeppe/go-internal/testscript"
)

// moduleRoot is the module's folder, as seen from this package's.
const moduleRoot = "../.."

// TestScripts runs testdata/script/*.txtar: the targets as a user types them. Each script starts in a project of its
// own (distributions.yml, Dockerfile.tmpl, go.mod, the sample storage), with a cache that has the embedded base but no
// layers, and with these commands beside testscript's own:
//
//	[!] mage [-v] <target>…       runs targets; script_mage_test.go lists what must hold after every run
//	status <n>                    the exit status of the last mage
//	storage [-sha256] <folder> <branch>[=<folder>]…
//	                              commits folders as branches of a git storage: bare if it is called *.git
//	entry <storage> <branch>:<folder> <kind> <name>
//	                              commits what no honest git client would: any name, in Go's escapes, of a file, folder,
//	                              submodule, or symlink=<target>
//	lose|garble <storage> <revision>
//	                              removes an object from a storage, or makes nonsense of it
//	revision <variable> <storage> <revision>
//	                              the variable gets the id that a revision has
//	codehost <variable> <storage> starts a code host for the pull requests of a bare storage, known there as acme/storage;
//	                              the variable gets the API's address. The token good may write, reader only read
//	pulls [<number>], merge merge|squash|rebase <number>, closepull <number>
//	                              prints all pull requests, or the text of one; merges one, or closes it without a merge
//	[!] lacks <storage> <revision>
//	                              whether a partial clone lacks an object
//	image files|manifest|config|sound <layout>
//	                              prints what the linux/amd64 image holds, or verifies every blob of the layout
//	mode <octal> <file>…, [!] linked <file> <file>
//	                              permissions, and whether two names are one file
//	damage <layout> <media type> <folder>
//	                              flips a byte of the highest layer of the media type, in a folder of blobs
//	fill <file> <megabytes>m      writes a file that no compression makes smaller
//	imagerepo <variable>          starts an image repository server; the variable gets its host and port
//	published tags <repository>, published index|manifest|config <repository>:<tag>
//	                              prints what an image repository has
//	[!] tagged inputs|commit|distribution <repository> <build>
//	                              whether the tag that a build gets stands for its image
//	foreign <repository>:<tag>, forge known|denied <repository>:<tag>
//	                              pushes an image that no pipeline made; puts another layer into a published image, which
//	                              its configuration knows of or not
//	[!] whole <layout>            whether the layout has all layers of its image
//	smalldisk <folder> <size>     mounts a file system of that size (root on Linux only: [disks])
//
// $MAGE and $GIT are the programs, $LONG and $LONGEST names of 300 and 255 bytes. A script ends at its first fault;
// with SCRIPTS_CONTINUE=1 it goes on and shows them all.
func TestScripts(t *testing.T) {
	mage := compileMagefile(t)
	warm := t.TempDir()
	primeCache(t, mage, warm)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join(moduleRoot, "testdata", "script"),
		RequireUniqueNames: true,
		ContinueOnError:    os.Getenv("SCRIPTS_CONTINUE") != "",
		Setup: func(env *testscript.Env) error {
			env.Values[lastRun{}] = &lastRun{program: mage}
			env.Values[codeHost{}] = &codeHost{}
			env.Setenv("MAGE", mage) // for exec, which can run several at once
			return setUpProject(env, warm)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mage": runMage, "status": checkStatus,
			"storage": makeStorage, "entry": addEntry, "lose": loseObject, "garble": garbleObject, "lacks": checkLacks,
			"image": showImage, "mode": checkMode, "linked": checkLinked, "damage": damageBlob, "smalldisk": mountSmallDisk,
			"fill": fillFile, "imagerepo": startImageRepository, "published": showPublished, "tagged": checkTagged,
			"revision": findRevision, "codehost": startCodeHost, "pulls": showPulls, "merge": mergePull, "closepull": closePull,
			"whole": checkWhole, "foreign": pushForeign, "forge": forgeImage,
		},
		Condition: func(condition string) (bool, error) {
			switch condition {
			case "root":
				return os.Getuid() == 0, nil
			case "disks":
				return canMount(), nil
			}
			return false, fmt.Errorf("there is no condition %q", condition)
		},
	})
}

// compileMagefile compiles the module's magefile, once for all scripts. It does so in a folder of its own inside of the
// module: mage writes a Go file beside the magefile, and may be at work at the root at the same time.
func compileMagefile(t *testing.T) string {
	t.Helper()
	readSources(t)
	folder, err := os.MkdirTemp(filepath.Join(moduleRoot, "testdata"), ".magefile-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := copy.Copy(filepath.Join(moduleRoot, "magefile.go"), filepath.Join(folder, "magefile.go")); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "mage")
	compile := exec.Command("go", "tool", "mage", "-d", folder, "-compile", binary)
	if said, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go tool mage -compile: %v\n%s", err, said)
	}
	return binary
}

// readSources looks at all that the magefile is compiled of. The go command takes what a test has looked at for its
// input: without that it would show an earlier result of the scripts as "(cached)" though the code has changed.
func readSources(t *testing.T) {
	t.Helper()
	for _, folder := range []string{"build", filepath.Join("dev", "targets")} {
		err := filepath.WalkDir(filepath.Join(moduleRoot, folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// primeCache brings the embedded base into a cache, which takes seconds, by a dry run in the module's root.
func primeCache(t *testing.T, mage, cache string) {
	t.Helper()
	dryRun := exec.Command(mage, "build:production")
	dryRun.Dir = moduleRoot
	dryRun.Env = append(os.Environ(), "DRY_RUN=1", "CI=true", "PACKAGE_STORAGE_CACHE="+cache, "STORAGE=",
		"PACKAGE_REGISTRY_IMAGE=preview", "PACKAGE_REGISTRY=", "PLATFORMS=", "WITH=", "COMPRESSION=",
		"PACKAGE_STORAGE_CACHE_LIMIT=")
	if said, err := dryRun.CombinedOutput(); err != nil {
		t.Fatalf("mage build:production with DRY_RUN=1: %v\n%s", err, said)
	}
}

// setUpProject makes the script's folder a project, but for the files that the script brings itself.
func setUpProject(env *testscript.Env, warm string) error {
	root, err := filepath.Abs(moduleRoot)
	if err != nil {
		return err
	}
	for _, name := range []string{"distributions.yml", "Dockerfile.tmpl", "go.mod", "go.sum"} {
		if err := ownUnlessThere(filepath.Join(root, name), filepath.Join(env.WorkDir, name)); err != nil {
			return err
		}
	}
	// Whoever has vendored the modules has them for the project as well.
	if _, err := os.Stat(filepath.Join(root, "vendor")); err == nil {
		if err := os.Symlink(filepath.Join(root, "vendor"), filepath.Join(env.WorkDir, "vendor")); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(env.WorkDir, "testdata"), 0o755); err != nil {
		return err
	}
	sample := filepath.Join(env.WorkDir, "testdata", "storage")
	if err := os.Symlink(filepath.Join(root, "testdata", "storage"), sample); err != nil {
		return err
	}
	if err := copy.Copy(warm, filepath.Join(env.WorkDir, "cache")); err != nil {
		return err
	}
	return setUpEnvironment(env)
}

func ownUnlessThere(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	return copy.Copy(from, to)
}

// setUpEnvironment gives a script the variables that it may change, and takes away what differs between machines.
func setUpEnvironment(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("CI", "true")
	env.Setenv("PACKAGE_STORAGE_CACHE", filepath.Join(env.WorkDir, "cache"))
	env.Setenv("DIST", filepath.Join(env.WorkDir, "dist"))
	// The default is an image repository on the internet.
	env.Setenv("PACKAGE_REGISTRY_IMAGE", "preview")
	// A file system takes names of 255 bytes at most.
	env.Setenv("LONG", strings.Repeat("x", 300))
	env.Setenv("LONGEST", strings.Repeat("x", 255))
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		env.Setenv("GIT_"+who+"_NAME", "A Tester")
		env.Setenv("GIT_"+who+"_EMAIL", "tester@localhost")
		env.Setenv("GIT_"+who+"_DATE", "1700000000 +0000")
	}
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	// The go command compiles the embedded base where the cache lacks it; it looks for these below the home folder.
	variables, err := goVariables()
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars, variables...)
	env.Setenv("GOTELEMETRY", "off")
	git, err := exec.LookPath("git")
	env.Setenv("GIT", git) // for scripts that change PATH
	return err
}

// goVariables are where the go command keeps what it has.
var goVariables = sync.OnceValues(func() ([]string, error) {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"}
	said, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, err
	}
	values := strings.Split(string(said), "\n")
	for i := range names {
		names[i] += "=" + values[i]
	}
	return names, nil
})
