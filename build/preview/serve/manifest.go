package serve

import (
	"errors"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"
)

// summary is what search says of a package, in the shape that the real registry gives it.
type summary struct {
	Name        string      `json:"name"`
	Title       string      `json:"title"`
	Version     string      `json:"version"`
	Release     string      `json:"release,omitempty"`
	Description string      `json:"description"`
	Type        string      `json:"type"`
	Download    string      `json:"download"`
	Path        string      `json:"path"`
	Icons       []icon      `json:"icons,omitempty"`
	Conditions  *conditions `json:"conditions,omitempty"`
	Owner       *owner      `json:"owner,omitempty"`
	Categories  []string    `json:"categories,omitempty"`
}

// icon is a picture of the package. Src is as in the manifest ("/img/logo.svg"), Path is its route.
type icon struct {
	Src   string `json:"src" yaml:"src"`
	Path  string `json:"path" yaml:"-"`
	Title string `json:"title,omitempty" yaml:"title"`
	Size  string `json:"size,omitempty" yaml:"size"`
	Type  string `json:"type,omitempty" yaml:"type"`
}

type owner struct {
	GitHub string `json:"github,omitempty" yaml:"github"`
	Type   string `json:"type,omitempty" yaml:"type"`
}

type conditions struct {
	Kibana kibana `json:"kibana"`
}

type kibana struct {
	Version string `json:"version" yaml:"version"`
}

// manifest is what we read of a manifest.yml; its other keys are of no concern here.
type manifest struct {
	Name        string   `yaml:"name"`
	Title       string   `yaml:"title"`
	Version     string   `yaml:"version"`
	Release     string   `yaml:"release"`
	Description string   `yaml:"description"`
	Type        string   `yaml:"type"`
	Icons       []icon   `yaml:"icons"`
	Owner       *owner   `yaml:"owner"`
	Categories  []string `yaml:"categories"`
	// Packages write the condition both ways: "kibana.version: ^8.0.0", and nested.
	Conditions struct {
		Dotted string `yaml:"kibana.version"`
		Nested kibana `yaml:"kibana"`
	} `yaml:"conditions"`
}

func summarize(content []byte) (summary, error) {
	var m manifest
	if err := yaml.Unmarshal(content, &m); err != nil {
		return summary{}, err
	}
	route := "/package/" + m.Name + "/" + m.Version
	for i, icon := range m.Icons {
		m.Icons[i].Path = path.Join(route, icon.Src)
	}
	s := summary{
		Name:        m.Name,
		Title:       m.Title,
		Version:     m.Version,
		Release:     m.Release,
		Description: m.Description,
		Type:        m.Type,
		Download:    "/epr/" + m.Name + "/" + m.Name + "-" + m.Version + ".zip",
		Path:        route,
		Icons:       m.Icons,
		Owner:       m.Owner,
		Categories:  m.Categories,
	}
	constraint := m.Conditions.Dotted
	if constraint == "" {
		constraint = m.Conditions.Nested.Version
	}
	if constraint != "" {
		s.Conditions = &conditions{Kibana: kibana{Version: constraint}}
	}
	return s, nil
}

// reason drops the operation and path of an fs error, where the message names the path already.
func reason(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
