package pipeline_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// TestPushOfAnOlderBuild: before layers named their branches, they had one each.
func TestPushOfAnOlderBuild(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	config.Image = imageRepository(t)
	build(t, config, "snapshot")
	report := filepath.Join(config.Dist, "snapshot", "build.json")
	content, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	older := bytes.ReplaceAll(content, []byte(`"branches":`), []byte(`"branch":`))
	if bytes.Equal(older, content) {
		t.Fatal("no layer names its branches")
	}
	if err := os.WriteFile(report, older, 0o644); err != nil {
		t.Fatal(err)
	}
	within(t, config, silent{}, func(ctx context.Context, session *pipeline.Session) error {
		_, err := session.Push(ctx, "snapshot")
		return err
	})
}
