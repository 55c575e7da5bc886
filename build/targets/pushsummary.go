package targets

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// push shows what a push came to.
func (t *terminal) push(r pipeline.PushResult) {
	title := r.Distribution + ": " + r.Repository
	if r.DryRun {
		title += ", a dry run, nothing was pushed"
	}
	rows := [][2]string{{"digest", r.Digest}, {"blobs", blobs(r)}}
	for _, tag := range r.Tags {
		rows = append(rows, [2]string{"tag", tag.Name + ", " + tag.State})
		if tag.Note != "" {
			rows = append(rows, [2]string{"", tag.Note})
		}
	}
	t.summary(title, append(rows, [2]string{"time", fmt.Sprintf("%s, %s, %s up, %s down", seconds(r.Seconds),
		plural(int(r.Requests), "request"), size(r.Up), size(r.Down))}))
}

// blobs is "3 sent (1.2 MB), 2 mounted, 18 there already".
func blobs(r pipeline.PushResult) string {
	word := "sent"
	if r.DryRun {
		word = "at most to be sent"
	}
	line := fmt.Sprintf("%d %s (%s)", r.Sent, word, size(r.SentBytes))
	if r.Mounted > 0 {
		line += fmt.Sprintf(", %d mounted", r.Mounted)
	}
	return line + fmt.Sprintf(", %d there already", r.There)
}

// verify shows how a published image compares with its commits.
func (t *terminal) verify(r pipeline.VerifyResult) {
	layers := fmt.Sprintf("%d of %d agree", r.Equal+r.SameContent, r.Layers)
	if r.SameContent > 0 {
		layers += fmt.Sprintf(", %d of them in their content only (packed by another compressor)", r.SameContent)
	}
	rows := [][2]string{{"made of", r.MadeOf}, {"digest", r.Published}}
	if r.Rebuilt == r.Published {
		rows = append(rows, [2]string{"rebuilt", "the same digest"})
	} else {
		rows = append(rows, [2]string{"rebuilt", r.Rebuilt})
	}
	rows = append(rows, [2]string{"layers", layers})
	if r.Repacked != "" {
		rows = append(rows, [2]string{"packed", r.Repacked})
	}
	for _, difference := range r.Differences {
		rows = append(rows, [2]string{"differs", difference})
	}
	t.summary(r.Distribution+": "+r.Repository, append(rows, [2]string{"time", seconds(r.Seconds)}))
}

// stepSummary appends a table to the file that GitHub shows beside a job (GITHUB_STEP_SUMMARY), where there is one.
func stepSummary(out *terminal, pushed []pipeline.PushResult, failed error) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(markdown(pushed, failed))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		out.Warn("GITHUB_STEP_SUMMARY can't be written, the push is none the worse for it: " + err.Error())
	}
}

func markdown(pushed []pipeline.PushResult, failed error) string {
	var b strings.Builder
	title := "### Push\n\n"
	if len(pushed) > 0 && pushed[0].DryRun {
		title = "### Push: a dry run, nothing was pushed\n\n"
	}
	b.WriteString(title)
	if len(pushed) > 0 {
		b.WriteString("| distribution | image | tags | blobs | seconds |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, r := range pushed {
		var tags []string
		for _, tag := range r.Tags {
			line := fmt.Sprintf("`%s` %s", tag.Name, tag.State)
			if tag.Note != "" {
				line += ": " + tag.Note
			}
			tags = append(tags, strings.ReplaceAll(line, "|", `\|`))
		}
		fmt.Fprintf(&b, "| %s | `%s@%s` | %s | %s | %.2f |\n", r.Distribution, r.Repository, r.Digest, strings.Join(tags, "<br>"), blobs(r),
			r.Seconds)
	}
	if failed != nil {
		fmt.Fprintf(&b, "\n**Failed:** %s\n", failed)
	}
	return b.String()
}
