package image

import (
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/pkg/errors"
)

// Dockerfile is a rendered Dockerfile of one stage, all instructions of which can be honoured without a container.
// It does not change; its methods may be called concurrently.
type Dockerfile struct {
	globals []*parser.Node // the ARGs before FROM
	from    *parser.Node
	base    string // FROM's reference, not expanded
	stage   []*parser.Node
	escape  rune
}

// Parse reads a rendered Dockerfile and refuses what is known to be impossible before the base is. Supported are ARG,
// FROM, LABEL, ENV, COPY, WORKDIR, USER, EXPOSE, ENTRYPOINT, CMD, HEALTHCHECK, STOPSIGNAL, SHELL and MAINTAINER.
// Errors are *InstructionError.
func Parse(rendered []byte) (*Dockerfile, error) {
	if err := checkSyntax(rendered); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(rendered))
	if err != nil {
		return nil, locateSyntax(err)
	}
	d := &Dockerfile{escape: parsed.EscapeToken}
	for _, node := range parsed.AST.Children {
		if err := d.add(node); err != nil {
			return nil, locate(err, node)
		}
	}
	if d.from == nil {
		last := parsed.AST.Children[len(parsed.AST.Children)-1]
		return nil, locate(refuse("there is no FROM", "name the base: FROM <image repository>:<registry version>"), last)
	}
	return d, nil
}

// checkSyntax refuses a frontend that may understand the file differently.
func checkSyntax(rendered []byte) error {
	syntax, directive, at, found := parser.DetectSyntax(rendered)
	if !found || strings.HasPrefix(strings.TrimPrefix(syntax, "docker.io/")+":", "docker/dockerfile:") {
		return nil
	}
	e := &InstructionError{
		Line: 1, Instruction: strings.TrimSpace(directive),
		Reason: "only docker/dockerfile is known as syntax", WayOut: "take the line out",
	}
	if len(at) > 0 {
		e.Line = max(1, at[0].Start.Line)
	}
	return e
}

// refused are the instructions that need more than the base's configuration and the context.
var refused = map[string]error{
	"run": refuse("it would have to be run in a container, and the image is made without one",
		"do it in the base image, or copy its result from the context with COPY"),
	"add":     refuse("ADD downloads and unpacks", "unpack beforehand and use COPY"),
	"onbuild": refuse("nothing is built upon a distribution's image", "take it out"),
	"volume": refuse("builders disagree about what an image holds where a volume is",
		"declare the volume where the container is run"),
}

// add checks an instruction and puts it in its place.
func (d *Dockerfile) add(node *parser.Node) error {
	name := strings.ToLower(node.Value)
	if err := refused[name]; err != nil {
		return err
	}
	if len(node.Heredocs) > 0 {
		return refuse("a heredoc is a file that is not in the context", "put the file into the context")
	}
	parsed, err := instructions.ParseInstruction(node)
	if err != nil {
		return err
	}
	switch c := parsed.(type) {
	case *instructions.Stage:
		return d.addFrom(c, node)
	case *instructions.ArgCommand:
		if err := checkArgs(c); err != nil {
			return err
		}
		if d.from == nil {
			d.globals = append(d.globals, node)
			return nil
		}
	case *instructions.CopyCommand:
		if err := checkCopy(c); err != nil {
			return err
		}
	case *instructions.HealthCheckCommand:
		if c.Health.StartInterval != 0 {
			return refuse("--start-interval is not part of the image's configuration here", "use --start-period")
		}
	}
	if d.from == nil {
		return refuse("only ARG may stand before FROM", "move it below FROM")
	}
	d.stage = append(d.stage, node)
	return nil
}

func (d *Dockerfile) addFrom(from *instructions.Stage, node *parser.Node) error {
	switch {
	case d.from != nil:
		return refuse("an earlier stage is made of containers that run", "use one FROM only")
	case from.Platform != "":
		return refuse("the image is made for each of the base's platforms", "leave --platform out")
	}
	d.from, d.base = node, from.BaseName
	return nil
}

// perPlatform are the arguments that BuildKit sets by itself (docs.docker.com/reference/dockerfile, "Automatic
// platform ARGs in the global scope"); other builders set some of them, or none.
var perPlatform = map[string]bool{
	"BUILDPLATFORM": true, "BUILDOS": true, "BUILDOSVERSION": true, "BUILDARCH": true, "BUILDVARIANT": true,
	"TARGETPLATFORM": true, "TARGETOS": true, "TARGETOSVERSION": true, "TARGETARCH": true, "TARGETVARIANT": true,
	"TARGETSTAGE": true,
}

func checkArgs(c *instructions.ArgCommand) error {
	for _, arg := range c.Args {
		if perPlatform[arg.Key] {
			return platformError(arg.Key)
		}
	}
	return nil
}

func platformError(arg string) error {
	return refuse(arg+" differs from builder to builder and from platform to platform", "write the value instead")
}

func checkCopy(c *instructions.CopyCommand) error {
	const way = "copy from the context, with --chown and --chmod at most"
	switch {
	case c.From != "":
		return refuse("--from needs another stage or image", way)
	case c.Link:
		return refuse("--link makes folders anew that the base has", way)
	case c.Parents:
		return refuse("--parents is not known to all builders", way)
	case len(c.ExcludePatterns) > 0:
		return refuse("--exclude is not known to all builders", way)
	}
	return nil
}

// From is the reference of the base, with the ARGs before FROM expanded: build args win over defaults. The error is an
// *InstructionError.
func (d *Dockerfile) From(buildArgs map[string]string) (string, error) {
	globals, err := d.globalArgs(buildArgs)
	if err != nil {
		return "", err
	}
	reference, err := expand(shell.NewLex(d.escape), d.base, globals)
	if err == nil && reference == "" {
		err = refuse("the name of the base is empty", "give its ARG a default before FROM")
	}
	return reference, locate(err, d.from)
}

// globalArgs are the values of the ARGs before FROM. One without default and build arg has none.
func (d *Dockerfile) globalArgs(buildArgs map[string]string) (scope, error) {
	args := scope{}
	lex := shell.NewLex(d.escape)
	for _, node := range d.globals {
		parsed, err := instructions.ParseInstruction(node)
		if err != nil {
			return nil, locate(err, node)
		}
		for _, arg := range parsed.(*instructions.ArgCommand).Args {
			if value, given := buildArgs[arg.Key]; given {
				args[arg.Key] = value
			} else if arg.Value != nil {
				if args[arg.Key], err = expand(lex, *arg.Value, args); err != nil {
					return nil, locate(err, node)
				}
			}
		}
	}
	return args, nil
}

// scope is what variables expand to. It is what shell.Lex asks.
type scope map[string]string

// Get is part of shell.EnvGetter.
func (s scope) Get(name string) (string, bool) { value, ok := s[name]; return value, ok }

// Keys is part of shell.EnvGetter; the lexer only ever asks for one name.
func (s scope) Keys() []string { return nil }

// expand replaces the variables of a word and takes its quotes off. An unset variable is empty, as it is for Docker;
// one that Docker would set by itself is an error.
func expand(lex *shell.Lex, word string, variables scope) (string, error) {
	expanded, unset, err := lex.ProcessWord(word, variables)
	if err != nil {
		return "", errors.Cause(err)
	}
	for name := range unset {
		if perPlatform[name] {
			return "", platformError(name)
		}
	}
	return expanded, nil
}
