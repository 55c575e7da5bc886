package image

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/pkg/errors"
)

// InstructionError says which instruction of a Dockerfile can't be honoured.
type InstructionError struct {
	// Line is the first one of the instruction in the rendered Dockerfile; they count from 1.
	Line int
	// Instruction is as it was written, with continued lines joined; "" where the file could not be split into
	// instructions.
	Instruction string
	// Reason says what is wrong, WayOut what to write instead; WayOut may be "".
	Reason, WayOut string
}

// Error is one line.
func (e *InstructionError) Error() string {
	const most = 100
	var text strings.Builder
	fmt.Fprintf(&text, "Dockerfile line %d: ", e.Line)
	if instruction := []rune(e.Instruction); len(instruction) > most {
		text.WriteString(string(instruction[:most]) + "…: ")
	} else if len(instruction) > 0 {
		text.WriteString(e.Instruction + ": ")
	}
	text.WriteString(e.Reason)
	if e.WayOut != "" {
		text.WriteString("; " + e.WayOut)
	}
	return text.String()
}

// refuse is an error that does not know its line yet.
func refuse(reason, wayOut string) error {
	return &InstructionError{Reason: reason, WayOut: wayOut}
}

// locate gives err the line and the text of the instruction that it came from.
func locate(err error, node *parser.Node) error {
	if err == nil {
		return nil
	}
	located := InstructionError{Reason: err.Error()}
	if refused := (*InstructionError)(nil); errors.As(err, &refused) {
		located = *refused
	}
	located.Line, located.Instruction = node.StartLine, strings.TrimSpace(node.Original)
	return &located
}

// locateSyntax is for errors of the parser, which carry their line beside them.
func locateSyntax(err error) error {
	located := &InstructionError{Line: 1, Reason: err.Error()}
	if at := (*parser.LocationError)(nil); errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		located.Line = max(1, at.Locations[0][0].Start.Line)
	}
	return located
}
