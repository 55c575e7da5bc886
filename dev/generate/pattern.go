package generate

// kind is what a file is. Files of a kind look the same, are of similar sizes, and change together.
type kind int

const (
	manifest kind = iota
	changelog
	readme
	otherDocs
	streamManifest
	base // base-fields.yml: the fields that a registry demands
	agent
	ecs
	fields
	otherFields
	sample
	ingest
	template
	visualization
	dashboard
	search
	icon
	picture
	license
	kinds
)

// pattern is how a document is written: the head, blocks with something between them, the tail; in writer's words.
type pattern struct {
	head          string
	blocks        []string // one of them is taken for each block
	between, tail string
}

// savedObject is the pattern of a JSON file below kibana/.
func savedObject(kind string, blocks ...string) pattern {
	return pattern{
		head: `{
  "attributes": {
    "description": "%s",
    "kibanaSavedObjectMeta": {"searchSourceJSON": "{\"filter\":[],\"query\":{\"language\":\"kuery\",\"query\":\"\"}}"},
    "title": "%w %w [%T]",
    "version": 1,
    "parts": [
`,
		blocks:  blocks,
		between: ",\n",
		tail: `
    ]
  },
  "id": "%p-%i%i",
  "migrationVersion": {"` + kind + `": "7.9.3"},
  "references": [],
  "type": "` + kind + `"
}
`,
	}
}

var field = []string{
	"- name: %w.%w\n  type: %t\n  description: %s\n",
	"- name: %w.%w.%w\n  type: %t\n  ignore_above: 1024\n  description: %s\n",
	"- name: %w.%w\n  level: extended\n  type: %t\n  description: |\n    %s\n    %s\n  example: %w\n",
}

var setting = []string{
	"          - name: %w_%w\n            type: text\n            title: %w %w\n            description: %s\n            multi: false\n            required: false\n            show_user: true\n            default: %w\n",
	"          - name: %w_%w\n            type: bool\n            title: %w %w\n            required: true\n            show_user: false\n            default: false\n",
}

var streamSetting = []string{
	"      - name: %w_%w\n        type: text\n        title: %w %w\n        description: %s\n        multi: true\n        required: true\n        show_user: true\n        default:\n          - %w\n",
	"      - name: %w_%w\n        type: yaml\n        title: %w %w\n        multi: false\n        required: false\n        show_user: false\n",
}

var markdown = []string{
	"| %w.%w.%w | %s | %t |\n",
	"| %w.%w.%w | %s | %t |\n",
	"| %w.%w | %s %s | %t |\n",
	"| %w.%w | %s | %t |\n",
	"    \"%w\": {\n        \"%w\": \"%w %n\",\n        \"%w\": %n\n    },\n",
	"\n%s %s %s\n\n**%w %w**: %s\n\n",
}

// patterns has nothing for pictures, which are not text, and for changelogs, which a family writes.
var patterns = [kinds]pattern{
	manifest: {
		head: `format_version: 1.0.0
name: %p
title: %T
version: %v
license: basic
description: Collect logs and metrics of %T. %s
type: integration
categories:
  - %c
release: %r
conditions:
  kibana.version: "^8.0.0"
%Sicons:
  - src: /img/logo.svg
    title: Logo of %T
    size: 32x32
    type: image/svg+xml
policy_templates:
  - name: %p
    title: Logs and metrics of %T
    description: %s
    inputs:
      - type: logfile
        title: Collect logs of %T
        description: %s
        vars:
`,
		blocks: setting,
		tail:   "owner:\n  github: example/%w-%w\n",
	},
	readme:    {head: "# %T\n\n%s %s\n\n## Data streams\n\n%s\n\n| Field | Description | Type |\n|---|---|---|\n", blocks: markdown},
	otherDocs: {head: "# %T: %w\n\n%s\n\n| Field | Description | Type |\n|---|---|---|\n", blocks: markdown},
	streamManifest: {
		head:   "title: %T %w %y\ntype: %y\nstreams:\n  - input: logfile\n    title: %T %w %y\n    description: %s\n    template_path: stream.yml.hbs\n    vars:\n",
		blocks: streamSetting,
	},
	base: {
		head: `- name: data_stream.type
  type: constant_keyword
  description: Data stream type.
- name: data_stream.dataset
  type: constant_keyword
  description: Data stream dataset.
- name: data_stream.namespace
  type: constant_keyword
  description: Data stream namespace.
- name: '@timestamp'
  type: date
  description: Event timestamp.
`,
		blocks: []string{"- name: event.%w\n  type: constant_keyword\n  description: %s\n  value: %w\n"},
	},
	agent:       {blocks: field},
	ecs:         {blocks: field},
	otherFields: {blocks: field},
	fields: {
		head:   "- name: %d\n  type: group\n  fields:\n",
		blocks: []string{"    - name: %w.%w\n      type: %t\n      description: %s\n", "    - name: %w\n      type: %t\n      unit: byte\n      metric_type: gauge\n      description: %s\n"},
	},
	sample: {
		head:    "{\n    \"@timestamp\": \"2022-07-04T09:00:00.000Z\",\n    \"data_stream\": {\"dataset\": \"%d\", \"namespace\": \"default\", \"type\": \"%y\"},\n    \"values\": [\n",
		blocks:  []string{"        {\"name\": \"%w.%w\", \"value\": \"%w %n\"}", "        {\"name\": \"%w.%w.%w\", \"value\": %n, \"id\": \"%i\"}"},
		between: ",\n",
		tail:    "\n    ]\n}\n",
	},
	ingest: {
		head: "---\ndescription: Pipeline for %d. %s\nprocessors:\n  - set:\n      field: ecs.version\n      value: '8.0.0'\n",
		blocks: []string{
			"  - set:\n      field: %w.%w\n      value: '{{%w.%w}}'\n      if: ctx.%w?.%w != null\n",
			"  - rename:\n      field: %w.%w\n      target_field: %w.%w\n      ignore_missing: true\n",
			"  - grok:\n      field: %w.%w\n      patterns:\n        - '%%{WORD:%w.%w} %%{NUMBER:%w.%w:long} %%{GREEDYDATA:%w}'\n      ignore_missing: true\n",
			"  - remove:\n      field:\n        - %w.%w\n        - %w.%w\n      ignore_missing: true\n",
		},
		tail: "on_failure:\n  - set:\n      field: error.message\n      value: '{{ _ingest.on_failure_message }}'\n",
	},
	template: {blocks: []string{
		"{{#if %w_%w}}\n%w.%w: {{%w_%w}}\n{{/if}}\n",
		"%w:\n{{#each %w}}\n  - {{this}}\n{{/each}}\n",
	}},
	visualization: savedObject("visualization",
		`      {"enabled": true, "id": "%n", "params": {"customLabel": "%w %w", "field": "%w.%w.%w"}, "schema": "metric", "type": "%w"}`,
		`      {"color": "#%i", "label": "%w %w", "metrics": [{"field": "%p.%w.%w", "id": "%i", "type": "avg"}], "point_size": %n}`),
	dashboard: savedObject("dashboard",
		`      {"gridData": {"h": %n, "i": "%i", "w": %n, "x": %n, "y": %n}, "panelIndex": "%i", "panelRefName": "panel_%n", "version": "7.9.3"}`,
		`      {"embeddableConfig": {"title": "%w %w"}, "gridData": {"h": %n, "w": %n, "x": %n, "y": %n}, "panelRefName": "panel_%n", "query": "%w.%w : %w"}`),
	search: savedObject("search", `      {"column": "%w.%w", "sort": "desc"}`, `      {"column": "%w.%w.%w", "query": "data_stream.dataset:%p.%w"}`),
	icon: {
		head:   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"32\" height=\"32\" viewBox=\"0 0 1000 1000\">\n",
		blocks: []string{"<path d=\"M%n.%n %n.%nC%n.%n %n.%n %n.%n %n.%n %n.%n %n.%nZ\" fill=\"#333\"/>\n"},
		tail:   "</svg>\n",
	},
	license: {head: "License\n\n", blocks: []string{"%s %s %s\n\n"}},
}
