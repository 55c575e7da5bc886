package targets

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/magefile/mage/mg"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/cache"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// The exit codes (DESIGN: interfaces).
const (
	exitFailed  = 1
	exitRequest = 2
)

// doingError says what was being done, more exactly than the target's name does.
type doingError struct {
	doing string
	err   error
}

func (e *doingError) Error() string { return e.err.Error() }
func (e *doingError) Unwrap() error { return e.err }

// explain makes of an error what a person reads: what was being done, on what, why it is wrong, and the way out.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var exactly *doingError
	if errors.As(err, &exactly) {
		doing = exactly.doing
	}
	code, hint := advice(err)
	message := doing + ": " + err.Error()
	if hint != "" {
		message += "\n  way out: " + hint
	}
	return mg.Fatal(code, message)
}

// advice is the exit code and the way out for each kind of error. What lies outside (a full disk) comes first: it may
// be the cause of anything.
func advice(err error) (code int, hint string) {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return exitFailed, "the disk is full: free some space (mage clean empties the cache), or set PACKAGE_STORAGE_CACHE and DIST to another one"
	}
	if code, hint, known := requestAdvice(err); known {
		return code, hint
	}
	if code, hint, known := changeAdvice(err); known {
		return code, hint
	}
	if hint := storageAdvice(err); hint != "" {
		return exitFailed, hint
	}
	if hint := baseAdvice(err); hint != "" {
		return exitFailed, hint
	}
	if hint := pushAdvice(err); hint != "" {
		return exitFailed, hint
	}
	return exitFailed, projectAdvice(err)
}

// requestAdvice is for what the user asked for.
func requestAdvice(err error) (code int, hint string, known bool) {
	var project *pipeline.ProjectError
	var request *requestError
	var unknown *distribution.UnknownError
	var version *pipeline.RegistryVersionError
	var overlay *pipeline.OverlayError
	var unpushable *pipeline.UnpushableError
	var location *publish.LocationError
	var nothing *pipeline.NothingBuiltError
	switch {
	case errors.As(err, &project):
		return 0, "", false // it may hold an unknown distribution that nobody asked for
	case errors.As(err, &request):
		return exitRequest, request.hint, true
	case errors.As(err, &unknown):
		return exitRequest, "take one of those, or add it to distributions.yml", true
	case errors.As(err, &unpushable):
		return exitRequest, unpushable.WayOut, true
	case errors.As(err, &location):
		return exitRequest, "write IMAGE like registry.example.com/package-registry/distribution, with http:// before it where there is no TLS", true
	case errors.As(err, &nothing):
		return exitRequest, "build one first: mage build:all", true
	case errors.As(err, &overlay):
		return exitRequest, overlay.WayOut, true
	case errors.As(err, &version):
		if version.Where == "PACKAGE_REGISTRY" {
			return exitRequest, "take a tag of the registry's image, such as v1.31.1", true
		}
		return exitFailed, "let the branch's Dockerfile have one line ARG PACKAGE_REGISTRY=<version>, or set PACKAGE_REGISTRY", true
	}
	return 0, "", false
}

// storageAdvice is for what is wrong with the repository, or with git.
func storageAdvice(err error) string {
	var notStorage *gitstore.NotStorageError
	var untrusted *gitstore.UntrustedError
	var noBranch *gitstore.NoBranchError
	var fetch *gitstore.FetchError
	var noStorage *pipeline.NoStorageError
	var lost *object.LostError
	switch {
	case errors.Is(err, gitstore.ErrNoGit), errors.Is(err, gitstore.ErrOldGit):
		return "install git 2.36 or later"
	case errors.As(err, &notStorage), errors.As(err, &noStorage):
		return "set STORAGE to a clone of a package storage, or to its URL"
	case errors.As(err, &untrusted):
		return "git config --global --add safe.directory " + untrusted.Dir
	case errors.As(err, &noBranch):
		return branchAdvice(noBranch)
	case errors.As(err, &fetch):
		return "check the URL, the network and your rights; a clone of your own can be given as STORAGE as well"
	case errors.As(err, &lost):
		return "the clone is damaged or partial: git fsck says more, a fresh clone helps"
	}
	return ""
}

func branchAdvice(e *gitstore.NoBranchError) string {
	if gitstore.IsURL(e.Location) {
		return "the storage itself lacks it: correct STORAGE or distributions.yml"
	}
	depth := ""
	if e.Shallow {
		depth = "--depth 1 "
	}
	return fmt.Sprintf("if its origin has it, git fetch %sorigin %s:%s brings it; else correct STORAGE or distributions.yml", depth,
		e.Branch, e.Branch)
}

// baseAdvice is for what images are put on.
func baseAdvice(err error) string {
	var unreachable *base.UnreachableError
	var missing *base.MissingError
	var unreadable *base.ReadError
	var platform *base.PlatformError
	switch {
	case errors.As(err, &unreachable):
		return "check the network; PACKAGE_REGISTRY_IMAGE=preview builds on the embedded preview, oci:<folder> on an OCI layout"
	case errors.As(err, &missing):
		return "check PACKAGE_REGISTRY and PACKAGE_REGISTRY_IMAGE; PACKAGE_REGISTRY_IMAGE=preview builds on the embedded preview"
	case errors.As(err, &platform):
		return "set PLATFORMS to what the base offers"
	case errors.As(err, &unreadable) && unreadable.Name == "preview":
		return "the preview is compiled with Go, which must be on the PATH; or set PACKAGE_REGISTRY_IMAGE to another base"
	case errors.As(err, &unreadable):
		return "copy or pull the base again, or set PACKAGE_REGISTRY_IMAGE to another one"
	}
	return ""
}

// pushAdvice is for the image repository and its tags.
func pushAdvice(err error) string {
	var refused *publish.Error
	var missing *publish.MissingBlobError
	var backwards *pipeline.BackwardsError
	var damaged *pipeline.BuiltError
	var unverifiable *pipeline.UnverifiableError
	var commit *pipeline.MissingCommitError
	var tag *pipeline.TagRefusedError
	var taken *pipeline.TakenTagError
	var slow *pipeline.SlowError
	switch {
	case errors.As(err, &backwards):
		return backwardsAdvice(backwards)
	case errors.As(err, &unverifiable):
		return unverifiable.WayOut
	case errors.As(err, &commit):
		return "bring STORAGE up to date (git fetch; git fetch --unshallow for a shallow clone)"
	case errors.As(err, &taken):
		return "somebody else has written that tag: find out who, and remove it in the image repository"
	case errors.As(err, &slow):
		return "if the newer image is to be up, build it (git fetch) and push again; if it was rolled back on purpose, all is well"
	case errors.As(err, &tag):
		return "if tags are immutable there, exempt tag " + tag.Tag + " from the rule: it is meant to move; else ask for the right to overwrite it"
	case errors.As(err, &missing):
		return "PUBLISHED=0 builds it here: build again with that, and push again"
	case errors.As(err, &refused):
		return refusalAdvice(refused)
	case errors.As(err, &damaged):
		return "build it again"
	}
	return ""
}

func backwardsAdvice(e *pipeline.BackwardsError) string {
	const force = `FORCE=1 REASON="…" puts ours in its place`
	switch {
	case e.Foreign:
		return "if it is to be replaced, " + force
	case e.Unknown:
		return "bring STORAGE up to date (git fetch; git fetch --unshallow for a shallow clone), build and push again; for a deliberate rollback, " + force
	}
	return "build the branches as they are now (git fetch) and push again; for a deliberate rollback, " + force
}

func refusalAdvice(e *publish.Error) string {
	host, _, _ := strings.Cut(e.Repository, "/")
	switch e.Reason {
	case publish.Unauthorized:
		return "log in: docker login " + host + " (or podman login, skopeo login); who is logged in may have an old password"
	case publish.Forbidden:
		return "ask for the right to push to " + e.Repository + ", or log in as somebody who has it (docker login " + host + "); correct IMAGE if it is the wrong one"
	case publish.ReadOnly:
		return "the image repository takes no writes now: wait until it does, or set IMAGE to another one"
	case publish.Full:
		return "make room in the image repository (or have its quota raised), and push again"
	case publish.TooLarge:
		return "something before the image repository limits the size of a body (nginx: client_max_body_size): allow 100 MB"
	case publish.Damaged:
		return "a file in dist/ is damaged: build again, and push"
	case publish.Untrusted:
		return "have this machine trust the certificate's authority (SSL_CERT_FILE names a file of them)"
	case publish.Limited:
		return "wait some minutes, and push again: what has been sent is not sent again"
	case publish.Unknown:
		return "create the repository " + e.Repository + " first: this host does not do so by itself"
	case publish.Insecure:
		return "set IMAGE=http://" + e.Repository + " if plain HTTP is meant"
	case publish.Unreachable:
		return "check IMAGE and the network, and push again: what has been sent is not sent again"
	}
	return "push again: what has been sent is not sent again; if that does not help, ask who runs " + host
}

// projectAdvice is for the project's files, outputs and the cache.
func projectAdvice(err error) string {
	var project *pipeline.ProjectError
	var output *pipeline.OutputError
	var tooLarge *pipeline.LayerSizeError
	var foreign *cache.ForeignError
	var busy *cache.BusyError
	var write *cache.WriteError
	var gone *cache.GoneError
	switch {
	case errors.As(err, &project):
		return "correct " + project.File + " (the README says what belongs there); git checkout " + project.File + " brings back the last one"
	case errors.As(err, &foreign):
		return "set PACKAGE_STORAGE_CACHE to a folder that is empty, or not there yet"
	case errors.As(err, &busy):
		return "wait until it has ended"
	case errors.As(err, &gone):
		return "another build found it damaged just now: run this again"
	case errors.As(err, &tooLarge):
		return "make the packages smaller: leave out large pictures or data"
	case errors.As(err, &write):
		return "set PACKAGE_STORAGE_CACHE to a folder that can be written"
	case errors.As(err, &output):
		return "set DIST to a folder that can be written"
	}
	return ""
}
