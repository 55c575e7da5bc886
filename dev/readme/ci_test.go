package readme_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCI follows docs/ci.md word for word, on a machine that has nothing but Go, git and an image repository.
func TestCI(t *testing.T) {
	const page = "../../docs/ci.md"
	repository := imageRepository(t, true)
	hub := newHub(t)
	follow := func(t *testing.T, s *shell, heading string) {
		text := strings.ReplaceAll(section(t, page, heading), shownRepository, repository)
		for _, c := range wholeBlocks(blocks(text)) {
			t.Run(c.line, func(t *testing.T) { c.check(t, s) })
		}
	}
	follow(t, newShell(t, t.TempDir(), hub.env...), "On GitHub")
	ci := newShell(t, t.TempDir(), append(hub.env, "IMAGE_USERNAME="+user, "IMAGE_PASSWORD="+password,
		"BRANCH=production", "MERGE="+hub.merge(t))...)
	follow(t, ci, "On any other CI system")
	follow(t, ci, "Roll back")
}

// hub stands for where the pipeline and a storage are cloned from: git takes its folders in place of the pages' URLs.
type hub struct {
	storage string // a bare repository
	env     []string
}

const (
	pipelineURL = "https://github.com/seed-604f7181/package-storage"
	storageURL  = "https://github.com/elastic/package-storage"
)

func newHub(t *testing.T) hub {
	t.Helper()
	project := checkout(t)
	h := hub{storage: filepath.Join(project, "storage.git")}
	h.env = []string{
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=url.file://" + project + ".insteadOf", "GIT_CONFIG_VALUE_0=" + pipelineURL,
		"GIT_CONFIG_KEY_1=url.file://" + h.storage + ".insteadOf", "GIT_CONFIG_VALUE_1=" + storageURL,
	}
	h.git(t, project, `git init --quiet --initial-branch=main
git add --all . ':!storage.git' ':!*.index'
git commit --quiet --message=pipeline
git -C storage.git symbolic-ref HEAD refs/heads/production
git -C storage.git config uploadpack.allowFilter true
git -C storage.git config uploadpack.allowAnySHA1InWant true`)
	return h
}

// merge makes what GitHub makes of a pull request: a commit that merges it into production. It adds two packages, changes
// one and removes one.
func (h hub) merge(t *testing.T) string {
	t.Helper()
	return h.git(t, t.TempDir(), `git clone --quiet `+storageURL+` . >&2
git switch --quiet --create change
cd packages
for version in 0.5.1 0.5.2; do
	cp -R 3dprint_farm/0.5.0 3dprint_farm/$version
	sed "s/0\.5\.0/$version/" 3dprint_farm/0.5.0/manifest.yml > 3dprint_farm/$version/manifest.yml
done
echo >> acme_web/1.3.0/changelog.yml
rm -r acme_ledger/1.0.0
git add --all .
git commit --quiet --message=change
git switch --quiet production
git merge --quiet --no-ff --no-edit change >&2
git push --quiet origin HEAD:refs/pull/1/merge
git rev-parse HEAD`)
}

// git runs a script in a folder and returns what it printed.
func (h hub) git(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir, cmd.Env = dir, append(cmd.Environ(), h.env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return strings.TrimSpace(string(out))
}
