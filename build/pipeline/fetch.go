package pipeline

import (
	"context"
	"fmt"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// fetch sees to it that a partial clone has the contents of files before they are read: all that are missing in one
// request, where git itself would make one for each.
func (s *Session) fetch(ctx context.Context, blobs []object.ID) error {
	if len(blobs) == 0 || !s.storage.Partial() {
		return nil
	}
	stage := s.report.Stage("fetch files into the partial clone")
	fetched, err := s.storage.Fetch(ctx, blobs)
	if err != nil {
		stage.Failed()
		return err
	}
	stage.Done(fmt.Sprintf("%d fetched, %d there already", fetched, len(blobs)-fetched))
	return nil
}

// fetchMembers fetches what packages hold that nothing is known of: the layers that they are in will be built.
func (s *Session) fetchMembers(ctx context.Context, where map[string]string, unknown []*member) error {
	if len(unknown) == 0 || !s.storage.Partial() {
		return nil
	}
	parts := make([]layer.Part, len(unknown))
	for i, m := range unknown {
		parts[i] = layer.Part{Path: m.Path(), Mode: object.ModeTree, ID: m.Tree}
	}
	if err := s.loadTrees(where, parts); err != nil {
		return err
	}
	listing, err := s.list(parts)
	if err != nil {
		return err
	}
	return s.fetch(ctx, listing.Blobs())
}

// fetchFiles fetches what layers that are about to be built hold.
func (s *Session) fetchFiles(ctx context.Context, missing []*packageLayer, prefix string) error {
	if !s.storage.Partial() {
		return nil
	}
	var blobs []object.ID
	for _, l := range missing {
		listing, err := layer.List(prefix, l.parts, s.forest, object.EmptyBlob(l.parts[0].ID))
		if err != nil {
			return err
		}
		blobs = append(blobs, listing.Blobs()...)
	}
	return s.fetch(ctx, blobs)
}
