package targets

import (
	"context"
	"fmt"
	"syscall"

	"github.com/magefile/mage/mg"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/cache"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// The exit codes (DESIGN: interfaces).
const (
	exitFailed  = 1
	exitRequest = 2
)

// explain makes of an error what a person reads: what was being done, on what, why it is wrong, and the way out.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	code, hint := advice(err)
	message := doing + ": " + err.Error()
	if hint != "" {
		message += "\n  way out: " + hint
	}
	return mg.Fatal(code, message)
}

// advice is the exit code and the way out for each kind of error.
func advice(err error) (code int, hint string) {
	if code, hint, known := requestAdvice(err); known {
		return code, hint
	}
	if hint := storageAdvice(err); hint != "" {
		return exitFailed, hint
	}
	return exitFailed, resourceAdvice(err)
}

// requestAdvice is for what the user asked for.
func requestAdvice(err error) (code int, hint string, known bool) {
	var request *requestError
	var unknown *distribution.UnknownError
	var version *pipeline.RegistryVersionError
	var overlay *pipeline.OverlayError
	switch {
	case errors.As(err, &request):
		return exitRequest, request.hint, true
	case errors.As(err, &unknown):
		return exitRequest, "take one of those, or add it to distributions.yml", true
	case errors.As(err, &overlay):
		return exitRequest, "", true
	case errors.As(err, &version):
		if version.Where == "PACKAGE_REGISTRY" {
			return exitRequest, "take a tag of the registry's image, such as v1.31.1", true
		}
		return exitFailed, "let the branch's Dockerfile have one line ARG PACKAGE_REGISTRY=<version>, or set PACKAGE_REGISTRY", true
	}
	return 0, "", false
}

// storageAdvice is for what is wrong with the repository.
func storageAdvice(err error) string {
	var notStorage *gitstore.NotStorageError
	var untrusted *gitstore.UntrustedError
	var noBranch *gitstore.NoBranchError
	var fetch *gitstore.FetchError
	var noStorage *pipeline.NoStorageError
	var lost *pipeline.LostError
	var missing *gitstore.MissingError
	switch {
	case errors.As(err, &notStorage):
		return "set STORAGE to a clone of a package storage, or to its URL"
	case errors.As(err, &noStorage):
		return "set STORAGE to a clone of a package storage, or to its URL"
	case errors.As(err, &untrusted):
		return "git config --global --add safe.directory " + untrusted.Location
	case errors.As(err, &noBranch):
		if noBranch.Shallow {
			return fmt.Sprintf("git fetch --depth 1 origin %s:%s brings it; or correct distributions.yml", noBranch.Branch, noBranch.Branch)
		}
		return fmt.Sprintf("git fetch origin %s:%s brings it; or correct distributions.yml", noBranch.Branch, noBranch.Branch)
	case errors.As(err, &fetch):
		return "check the URL, the network and your rights; a clone of your own can be given as STORAGE as well"
	case errors.As(err, &lost), errors.As(err, &missing):
		return "the clone is damaged or partial: git fsck says more, a fresh clone helps"
	}
	return ""
}

// resourceAdvice is for what lies outside: bases, disks, caches.
func resourceAdvice(err error) string {
	var unreachable *base.UnreachableError
	var noBase *base.MissingError
	var platform *base.PlatformError
	var instruction *image.InstructionError
	var output *pipeline.OutputError
	var foreign *cache.ForeignError
	var busy *cache.BusyError
	var tooLarge *pipeline.LayerSizeError
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full: free some space (mage clean empties the cache), or set PACKAGE_STORAGE_CACHE and DIST to another one"
	case errors.As(err, &unreachable):
		return "check the network; PACKAGE_REGISTRY_IMAGE=preview builds on the embedded preview, oci:<folder> on an OCI layout"
	case errors.As(err, &noBase):
		return "check PACKAGE_REGISTRY and PACKAGE_REGISTRY_IMAGE; PACKAGE_REGISTRY_IMAGE=preview builds on the embedded preview"
	case errors.As(err, &platform):
		return "set PLATFORMS to what the base offers"
	case errors.As(err, &instruction):
		return "" // it says so itself
	case errors.As(err, &foreign):
		return "set PACKAGE_STORAGE_CACHE to a folder that is empty, or not there yet"
	case errors.As(err, &busy):
		return "wait until it has ended"
	case errors.As(err, &tooLarge):
		return "make the packages smaller: leave out large pictures or data"
	case errors.As(err, &output):
		return "set DIST to a folder that can be written"
	case errors.Is(err, context.DeadlineExceeded):
		return "try again"
	}
	return ""
}
