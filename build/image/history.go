package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// plainConfig is what of a configuration is about running the image. Docker's own configuration also tells about the
// container and the machine that an image was made on: those fields are left out, as BuildKit does
// (moby/docker-image-spec, specs-go/v1).
func plainConfig(c v1.ConfigFile) v1.ConfigFile {
	return v1.ConfigFile{
		Architecture: c.Architecture,
		Author:       c.Author,
		OS:           c.OS,
		OSVersion:    c.OSVersion,
		OSFeatures:   c.OSFeatures,
		Variant:      c.Variant,
		Config: v1.Config{
			ArgsEscaped:  c.Config.ArgsEscaped,
			Cmd:          c.Config.Cmd,
			Entrypoint:   c.Config.Entrypoint,
			Env:          c.Config.Env,
			ExposedPorts: c.Config.ExposedPorts,
			Healthcheck:  c.Config.Healthcheck,
			Labels:       c.Config.Labels,
			Shell:        c.Config.Shell,
			StopSignal:   c.Config.StopSignal,
			User:         c.Config.User,
			Volumes:      c.Config.Volumes,
			WorkingDir:   c.Config.WorkingDir,
		},
	}
}

// baseHistory is the base's, with one entry for each of its layers, beside the empty ones. Squashed and rebuilt images
// often have another number of them; then the entries say nothing about the layers, and one each takes their place.
func baseHistory(base Platform, created v1.Time) []v1.History {
	if !base.Config.Created.IsZero() {
		created = base.Config.Created
	}
	created.Time = created.UTC()
	filled := 0
	for _, entry := range base.Config.History {
		if !entry.EmptyLayer {
			filled++
		}
	}
	if filled != len(base.Layers) {
		history := make([]v1.History, len(base.Layers))
		for i := range history {
			history[i] = v1.History{
				Created: created, CreatedBy: "base", Comment: "the base's history does not tell its layers apart",
			}
		}
		return history
	}
	history := make([]v1.History, 0, len(base.Config.History))
	for _, entry := range base.Config.History {
		if entry.Created.IsZero() {
			// A time that is missing would come out as the year 1.
			entry.Created = created
		}
		history = append(history, entry)
	}
	return history
}

// stepHistory has one entry for each layer, and one for each step without any.
func stepHistory(steps []ComposedStep, created v1.Time) []v1.History {
	var history []v1.History
	for _, step := range steps {
		if len(step.Layers) == 0 {
			history = append(history, v1.History{Created: created, CreatedBy: step.CreatedBy, EmptyLayer: true})
		}
		for _, l := range step.Layers {
			entry := v1.History{Created: created, CreatedBy: step.CreatedBy}
			if l.CreatedBy != "" {
				entry.CreatedBy = l.CreatedBy
			}
			history = append(history, entry)
		}
	}
	return history
}
