package image

import (
	"bytes"
	"regexp"
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

// SetDefault is a Dockerfile in which the build argument name has another default; nothing else changes, not even how the
// line is written. The Dockerfile must give it one default, as Defaults reads it.
func SetDefault(dockerfile []byte, name, value string) ([]byte, error) {
	values, err := Defaults(dockerfile, name)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, errors.Errorf("ARG %s= is there %d times, not once", name, len(values))
	}
	const space = `(?:[^\S\n]|\\\r?\n)` // a line may go on after a backslash
	line := regexp.MustCompile(`(?im)^([^\S\n]*arg` + space + `+(?:[^\s\\]+` + space + `+)*?` + regexp.QuoteMeta(name) + `=)("[^"\n]*"|'[^'\n]*'|[^\s"']*)`)
	edited := line.ReplaceAllFunc(dockerfile, func(found []byte) []byte {
		parts := line.FindSubmatch(found)
		quote := ""
		if old := parts[2]; len(old) > 0 && (old[0] == '"' || old[0] == '\'') {
			quote = string(old[0])
		}
		return []byte(string(parts[1]) + quote + value + quote)
	})
	// What the pattern found is believed only if Docker's parser reads it so.
	if now, err := Defaults(edited, name); err != nil || len(now) != 1 || now[0] != value {
		return nil, errors.Errorf("the line that sets ARG %s can't be edited: write it as ARG %s=<value>", name, name)
	}
	return edited, nil
}

// AddEnvironment is a Dockerfile whose last stage sets a variable at its end; as it is where it sets it already, whatever the
// value.
func AddEnvironment(dockerfile []byte, comment, name, value string) ([]byte, error) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil, errors.Wrap(err, "read the Dockerfile")
	}
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "env") {
			continue
		}
		instruction, err := instructions.ParseInstruction(node)
		if err != nil {
			return nil, errors.Wrap(err, "read the Dockerfile")
		}
		if env, isEnv := instruction.(*instructions.EnvCommand); isEnv {
			for _, pair := range env.Env {
				if pair.Key == name {
					return dockerfile, nil
				}
			}
		}
	}
	edited := bytes.TrimRight(dockerfile, "\n")
	return append(edited[:len(edited):len(edited)], "\n\n# "+comment+"\nENV "+name+"="+value+"\n"...), nil
}
