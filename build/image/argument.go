package image

import (
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/pkg/errors"
)

// Defaults are the values that a Dockerfile gives to the build argument name (`ARG name=value`), in its order; the
// Dockerfile need not be one that can be interpreted. An ARG that only declares the argument again gives none.
func Defaults(dockerfile []byte, name string) ([]string, error) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil, errors.Wrap(err, "read the Dockerfile")
	}
	var values []string
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "arg") {
			continue
		}
		instruction, err := instructions.ParseInstruction(node)
		if err != nil {
			return nil, errors.Wrap(err, "read the Dockerfile")
		}
		command, isArg := instruction.(*instructions.ArgCommand)
		if !isArg {
			continue
		}
		for _, arg := range command.Args {
			if arg.Key == name && arg.Value != nil {
				values = append(values, strings.Trim(*arg.Value, `"'`))
			}
		}
	}
	return values, nil
}
