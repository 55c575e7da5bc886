package targets

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// build shows what a build came to.
func (t *terminal) build(r pipeline.Result) {
	report := r.Report
	title := r.Distribution + ": " + filepath.Join(r.Dir, "image")
	if r.Dir == "" {
		title = r.Distribution + ": a dry run, nothing was written"
	}
	rows := [][2]string{{"packages", packages(r)}}
	rows = append(rows, [2]string{"layers", layers(report)})
	for _, image := range report.Images {
		rows = append(rows, [2]string{"image", fmt.Sprintf("%s, %s packed (%s of it the base), %s unpacked", image.Platform,
			size(image.Packed), size(image.Base), size(image.Unpacked))})
	}
	rows = append(rows, [2]string{"inputs", report.InputsID[:12]})
	if r.Digest != "" {
		rows = append(rows, [2]string{"digest", r.Digest})
	}
	t.summary(title, append(rows, [2]string{"time", seconds(report.Total)}))
	for _, l := range report.Layers {
		t.Detail(fmt.Sprintf("layer %s %s, %s: %s, %s packed, %s unpacked", l.Key[:12], l.From, strings.Join(l.Branches, " and "),
			plural(len(l.Packages), "package"), size(l.Size), size(l.Unpacked)))
	}
}

// layers is "1 built, 2 reused, 9 published".
func layers(r pipeline.BuildReport) string {
	line := fmt.Sprintf("%d built", r.Count(pipeline.FromBuild))
	if later := r.Count(pipeline.FromLater); later > 0 {
		line = fmt.Sprintf("%d to build", later)
	}
	line += fmt.Sprintf(", %d reused", r.Count(pipeline.FromCache))
	if elsewhere := r.Count(pipeline.FromPublished); elsewhere > 0 {
		line += fmt.Sprintf(", %d published (they are in the image repository, not in the layout)", elsewhere)
	}
	return line
}

// packages is "26: 16 of production, 3 of staging, 7 of snapshot; 2 shadowed".
func packages(r pipeline.Result) string {
	total := 0
	parts := make([]string, len(r.Branches))
	for i, b := range r.Branches {
		total += b.Packages
		parts[i] = fmt.Sprintf("%d of %s", b.Packages, b.Branch)
	}
	line := fmt.Sprintf("%d: %s; %d shadowed", total, strings.Join(parts, ", "), r.Shadowed)
	if r.Uncommitted > 0 {
		line += fmt.Sprintf("; %d uncommitted: this image can't be pushed under a commit's tag", r.Uncommitted)
	}
	return line
}

// context shows where a docker build context was written.
func (t *terminal) context(r pipeline.ContextResult) {
	title := r.Distribution + ": " + r.Dir
	if r.Dir == "" {
		title = r.Distribution + ": a dry run, nothing was written"
	}
	rows := [][2]string{
		{"packages", fmt.Sprintf("%d, %s", r.Packages, plural(r.Files, "file"))},
		{"base", r.Base},
	}
	if r.BaseLayout != "" {
		layout := "oci:" + filepath.Join(r.Dir, r.BaseLayout)
		rows = append(rows, [2]string{"", "is in no image repository; to build from the context, bring it in first:"},
			[2]string{"", fmt.Sprintf("skopeo copy %s containers-storage:%s  (or docker-daemon:%s)", layout, r.Base, r.Base)})
	}
	t.summary(title, append(rows, [2]string{"time", seconds(r.Seconds)}))
}
