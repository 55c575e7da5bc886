package readme_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/distribution"
)

// workflow is what these tests read of a workflow (docs.github.com, "Workflow syntax for GitHub Actions").
type workflow struct {
	On struct {
		Push        struct{ Branches []string }
		PullRequest struct{ Branches []string } `yaml:"pull_request"`
		Call        struct {
			Inputs  map[string]struct{ Default string }
			Secrets map[string]any
		} `yaml:"workflow_call"`
	}
	Defaults struct{ Run struct{ Shell string } }
	Jobs     map[string]job
}

type job struct {
	Uses          string
	With, Secrets map[string]string
	Env           map[string]string
	Steps         []step
}

type step struct {
	Name, Uses, Run string
	With, Env       map[string]string
	Dir             string `yaml:"working-directory"`
	MayFail         bool   `yaml:"continue-on-error"`
}

func readWorkflow(t *testing.T, path string) workflow {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(content, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

const (
	publish     = ".github/workflows/publish.yml"
	pullRequest = ".github/workflows/pull-request.yml"
	example     = "docs/ci/distribution.yml"
)

// TestWorkflows runs the steps of the workflows that storages call: first after a push to staging, for each distribution
// that holds its packages, then for a pull request.
func TestWorkflows(t *testing.T) {
	hub, image := newHub(t), imageRepository(t, true)+"/package-registry/distribution"
	inputs := map[string]string{"inputs.image": image, "inputs.base": "preview", "github.ref_name": "staging", "secrets.username": user, "secrets.password": password}
	w := readWorkflow(t, publish)
	for _, name := range downstream(t, w)["staging"] {
		inputs["matrix.distribution"] = name
		r := newRunner(t, hub, w, inputs)
		r.job(t, w.Jobs["push"])
		if tag := hub.git(t, hub.storage, "git rev-parse "+name); !there(t, image, tag) || !there(t, image, name) {
			t.Errorf("%s was not pushed under its commit's tag and its own", name)
		}
		if !strings.Contains(r.summary(t), "| "+name+" | `"+image+"@sha256:") {
			t.Errorf("the summary does not say what was pushed:\n%s", r.summary(t))
		}
	}

	commit := hub.merge(t)
	w = readWorkflow(t, pullRequest)
	r := newRunner(t, hub, w, map[string]string{
		"inputs.image": image, "inputs.base": "preview", "github.base_ref": "production", "inputs.distribution || github.base_ref": "production",
		"github.event.pull_request.number": "1",
	})
	r.refused(t, w.Jobs["policy"])
	for _, line := range []string{"removed      ", "overwritten  ", "removed: a published version is gone, and no tombstone says why"} {
		if !strings.Contains(r.summary(t), "\n"+line) {
			t.Errorf("the summary lacks %q:\n%s", line, r.summary(t))
		}
	}
	r = newRunner(t, hub, w, r.expressions)
	// The image repository does not answer those who are not logged in: the last step fails, and the run goes on.
	r.job(t, w.Jobs["build"])
	for _, line := range []string{"- `3dprint_farm/0.5.1` added", "- `acme_web/1.3.0` changed", "- `acme_ledger/1.0.0` removed",
		"  packages  17: 17 of production; 0 shadowed"} {
		if !strings.Contains(r.summary(t), "\n"+line+"\n") {
			t.Errorf("the summary lacks %q:\n%s", line, r.summary(t))
		}
	}
	open := imageRepository(t, false) + "/package-registry/distribution"
	r.env = append(r.env, "IMAGE="+open)
	r.step(t, w.Jobs["build"].Steps[len(w.Jobs["build"].Steps)-1])
	if !strings.Contains(r.summary(t), "`"+commit+"` to be written") {
		t.Errorf("the summary does not say what would be pushed:\n%s", r.summary(t))
	}
	if there(t, image, commit) || there(t, open, commit) {
		t.Error("a pull request's image was pushed")
	}
}

// runner stands for the machine that GitHub runs a job on.
type runner struct {
	hub             hub
	interpreter     []string
	workspace, temp string
	env             []string
	expressions     map[string]string
}

func newRunner(t *testing.T, h hub, w workflow, expressions map[string]string) *runner {
	t.Helper()
	r := &runner{
		hub: h, workspace: t.TempDir(), temp: t.TempDir(), expressions: maps.Clone(expressions),
		interpreter: strings.Fields(strings.TrimSuffix(w.Defaults.Run.Shell, "{0}")),
	}
	r.expressions["github.workspace"] = r.workspace
	for name, input := range w.On.Call.Inputs {
		if _, given := expressions["inputs."+name]; !given {
			r.expressions["inputs."+name] = input.Default
		}
	}
	docker := filepath.Join(r.temp, "docker-cli")
	write(t, docker, dockerLogin)
	if err := errors.Join(os.Chmod(docker, 0o755), os.Mkdir(r.temp+"/bin", 0o755), os.Rename(docker, r.temp+"/bin/docker")); err != nil {
		t.Fatal(err)
	}
	r.env = append(newShell(t, r.workspace, h.env...).env, "RUNNER_TEMP="+r.temp, "GITHUB_ENV="+r.temp+"/env",
		"GITHUB_STEP_SUMMARY="+r.temp+"/summary", "PATH="+r.temp+"/bin:"+os.Getenv("PATH"))
	return r
}

// dockerLogin takes docker's place: some versions of it leave the login to a daemon.
const dockerLogin = `#!/bin/sh
[ "$1 $2 $4" = "login --username --password-stdin" ] || exit 1
mkdir -p "$DOCKER_CONFIG"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$5" "$(printf '%s:%s' "$3" "$(cat)" | base64)" > "$DOCKER_CONFIG/config.json"
`

// job runs the steps of a job. Go is there already.
func (r *runner) job(t *testing.T, j job) {
	t.Helper()
	if len(j.Steps) == 0 {
		t.Fatal("there is no such job")
	}
	r.env = append(r.env, r.settings(t, j.Env)...)
	for _, s := range j.Steps {
		if strings.HasPrefix(s.Uses, "actions/checkout@") {
			r.checkout(t, s.With)
		} else if s.Run != "" {
			r.step(t, s)
		}
	}
}

// refused runs the steps of a job, of which the last must fail.
func (r *runner) refused(t *testing.T, j job) {
	t.Helper()
	last := len(j.Steps) - 1
	r.job(t, job{Env: j.Env, Steps: j.Steps[:last]})
	if out, err := r.run(t, j.Steps[last]); err == nil {
		t.Errorf("step %q: there was nothing to complain of\n%s", j.Steps[last].Name, out)
	}
}

// checkout does what actions/checkout does with the inputs that are used.
func (r *runner) checkout(t *testing.T, with map[string]string) {
	t.Helper()
	url, ref, history := storageURL, "refs/pull/1/merge", ""
	if repository := r.evaluate(t, with["repository"]); repository != "" {
		url = "https://github.com/" + repository
	}
	if branch := r.evaluate(t, with["ref"]); branch != "" {
		ref = "refs/remotes/origin/" + branch
	}
	if with["fetch-depth"] != "0" {
		history = "--depth=1"
	}
	if filter := with["filter"]; filter != "" {
		history += " --filter=" + filter
	}
	script := "git init --quiet " + with["path"] + " && cd " + with["path"] + " && git remote add origin " + url + `
git fetch --quiet ` + history + ` origin '+refs/heads/*:refs/remotes/origin/*' '+refs/pull/*:refs/pull/*'
`
	if only := with["sparse-checkout"]; only != "" {
		script += "git sparse-checkout set " + only + "\n"
	}
	if branch, isBranch := strings.CutPrefix(ref, "refs/remotes/origin/"); isBranch {
		script += "git checkout --quiet --force -B " + branch + " " + ref
	} else {
		script += "git checkout --quiet --detach " + ref
	}
	r.hub.git(t, r.workspace, script)
}

// step runs a step's script: as it stands, since nothing is put into it.
func (r *runner) step(t *testing.T, s step) {
	t.Helper()
	if out, err := r.run(t, s); err != nil && !s.MayFail {
		t.Fatalf("step %q: %v\n%s", s.Name, err, out)
	}
	if exported, err := os.ReadFile(r.temp + "/env"); err == nil {
		r.env = append(r.env, strings.Fields(string(exported))...)
	}
}

func (r *runner) run(t *testing.T, s step) ([]byte, error) {
	t.Helper()
	if expression.MatchString(s.Run) {
		t.Fatalf("step %q: an expression in a script lets who writes its value write commands: hand it over in env", s.Name)
	}
	script := filepath.Join(r.temp, "script")
	write(t, script, s.Run)
	cmd := exec.Command(r.interpreter[0], append(slices.Clone(r.interpreter[1:]), script)...)
	cmd.Dir = filepath.Join(r.workspace, s.Dir)
	cmd.Env = append(slices.Clone(r.env), r.settings(t, s.Env)...)
	return cmd.CombinedOutput()
}

func (r *runner) summary(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(r.temp + "/summary")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// settings are variables as exec wants them.
func (r *runner) settings(t *testing.T, env map[string]string) []string {
	t.Helper()
	var list []string
	for name, value := range env {
		list = append(list, name+"="+r.evaluate(t, value))
	}
	return list
}

var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// evaluate replaces the expressions in a value. One that is not known is an error: scripts have none at all.
func (r *runner) evaluate(t *testing.T, value string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(value, func(found string) string {
		result, known := r.expressions[expression.FindStringSubmatch(found)[1]]
		if !known {
			t.Fatalf("%s is not known here", found)
		}
		return result
	})
}

// downstream is publish.yml's table: for each branch the distributions that hold its packages, upstream first.
func downstream(t *testing.T, w workflow) map[string][]string {
	t.Helper()
	var table map[string][]string
	if err := json.Unmarshal([]byte(w.On.Call.Inputs["distributions"].Default), &table); err != nil {
		t.Fatal(err)
	}
	return table
}

// TestDownstream compares the tables of publish.yml and of docs/ci.md, and the branches of the example, with
// distributions.yml.
func TestDownstream(t *testing.T) {
	content, err := os.ReadFile("../../distributions.yml")
	if err != nil {
		t.Fatal(err)
	}
	var table distribution.Table
	if err := yaml.Unmarshal(content, &table); err != nil {
		t.Fatal(err)
	}
	want, page := map[string][]string{}, section(t, "../../docs/ci.md", "On GitHub")
	for _, d := range table.UpstreamFirst() {
		chain, err := table.Chain(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, up := range chain {
			want[up.Branch] = append(want[up.Branch], d.Name)
		}
	}
	if got := downstream(t, readWorkflow(t, publish)); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("publish.yml has %v, distributions.yml says %v", got, want)
	}
	for branch, names := range want {
		if row := "| " + branch + " | " + strings.Join(names, ", ") + " |"; !strings.Contains(page, row) {
			t.Errorf("docs/ci.md lacks %s", row)
		}
	}
	example := readWorkflow(t, example)
	for _, branches := range [][]string{example.On.Push.Branches, example.On.PullRequest.Branches} {
		if slices.Sort(branches); !slices.Equal(branches, slices.Sorted(maps.Keys(want))) {
			t.Errorf("the example is for the branches %v, distributions.yml has %v", branches, want)
		}
	}
}

// TestExample checks that docs/ci/distribution.yml calls workflows that there are, with inputs and secrets that they have.
func TestExample(t *testing.T) {
	jobs := readWorkflow(t, example).Jobs
	if len(jobs) != 2 {
		t.Errorf("the example has %d jobs", len(jobs))
	}
	for name, j := range jobs {
		path, ofPipeline := strings.CutPrefix(j.Uses, strings.TrimPrefix(pipelineURL, "https://github.com/")+"/")
		path, atMain := strings.CutSuffix(path, "@main")
		if !ofPipeline || !atMain {
			t.Fatalf("job %s calls %s", name, j.Uses)
		}
		called := readWorkflow(t, path).On.Call
		for input := range j.With {
			if _, has := called.Inputs[input]; !has {
				t.Errorf("%s has no input %s", path, input)
			}
		}
		for secret := range j.Secrets {
			if _, has := called.Secrets[secret]; !has {
				t.Errorf("%s has no secret %s", path, secret)
			}
		}
	}
}

// TestPinned checks that others' actions are named by their commits, which nobody can move, and Go by go.mod's version.
func TestPinned(t *testing.T) {
	paths, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := "go-version: " + regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1] + ".x"
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if _, action, uses := strings.Cut(line, "uses: "); uses && !pinned.MatchString(strings.TrimSpace(action)) {
				t.Errorf("%s: %s is not named by its commit, with its version beside it", path, action)
			}
			if strings.Contains(line, "go-version: ") && strings.TrimSpace(line) != version {
				t.Errorf("%s: %s, but go.mod says %s", path, strings.TrimSpace(line), version)
			}
		}
	}
}

// there says whether an image repository has a tag.
func there(t *testing.T, image, tag string) bool {
	t.Helper()
	host, path, _ := strings.Cut(image, "/")
	request, err := http.NewRequest(http.MethodHead, "http://"+host+"/v2/"+path+"/manifests/"+tag, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	request.Header.Set("Accept", "application/vnd.oci.image.index.v1+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
