package image

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// configure applies an instruction that changes the configuration only, and returns its text for the history.
func (s *stage) configure(parsed any) (string, error) {
	config := &s.file.Config
	switch c := parsed.(type) {
	case *instructions.ArgCommand:
		return s.declare(c.Args)
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			s.setEnv(pair.Key, pair.Value)
		}
		return "ENV" + listed(c.Env), nil
	case *instructions.LabelCommand:
		if config.Labels == nil {
			config.Labels = map[string]string{}
		}
		for _, pair := range c.Labels {
			config.Labels[pair.Key] = pair.Value
		}
		return "LABEL" + listed(c.Labels), nil
	case *instructions.ExposeCommand:
		return s.expose(c.Ports)
	case *instructions.UserCommand:
		config.User = c.User
		return "USER " + c.User, nil
	case *instructions.StopSignalCommand:
		config.StopSignal = c.Signal
		return "STOPSIGNAL " + c.Signal, checkSignal(c.Signal)
	case *instructions.ShellCommand:
		config.Shell = c.Shell
		return fmt.Sprintf("SHELL %q", c.Shell), nil
	case *instructions.MaintainerCommand:
		s.file.Author = c.Maintainer
		return "MAINTAINER " + c.Maintainer, nil
	}
	return s.configureStart(parsed)
}

// configureStart applies what says how a container is started and watched.
func (s *stage) configureStart(parsed any) (string, error) {
	config := &s.file.Config
	switch c := parsed.(type) {
	case *instructions.EntrypointCommand:
		config.Entrypoint = s.commandLine(c.ShellDependantCmdLine)
		if !s.hasCmd {
			// The base's CMD are arguments for the base's entrypoint.
			config.Cmd = nil
		}
		return fmt.Sprintf("ENTRYPOINT %q", config.Entrypoint), nil
	case *instructions.CmdCommand:
		config.Cmd, s.hasCmd = s.commandLine(c.ShellDependantCmdLine), true
		return fmt.Sprintf("CMD %q", config.Cmd), nil
	case *instructions.HealthCheckCommand:
		config.Healthcheck = &v1.HealthConfig{
			Test:        c.Health.Test,
			Interval:    c.Health.Interval,
			Timeout:     c.Health.Timeout,
			StartPeriod: c.Health.StartPeriod,
			Retries:     c.Health.Retries,
		}
		return strings.Join(strings.Fields(c.String()), " "), nil
	}
	return "", refuse("the instruction is not known here", "take it out")
}

// commandLine is the exec form as it is, the shell form as an argument of the shell: SHELL's, as Docker's reference has
// it (buildah 1.28 takes /bin/sh nevertheless).
func (s *stage) commandLine(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		return c.CmdLine
	}
	shell := s.file.Config.Shell
	if len(shell) == 0 {
		shell = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clone(shell), strings.Join(c.CmdLine, " "))
}

// declare gives arguments their value: the build arg's, else the default, else that of the ARG of this name before
// FROM. Without any, the variable stays unset.
func (s *stage) declare(declared []instructions.KeyValuePairOptional) (string, error) {
	text := "ARG"
	for _, arg := range declared {
		value, known := s.buildArgs[arg.Key]
		switch {
		case known:
		case arg.Value != nil:
			var err error
			if value, err = s.expand(*arg.Value); err != nil {
				return "", err
			}
			known = true
		default:
			value, known = s.globals[arg.Key]
		}
		text += " " + arg.Key
		if !known {
			continue
		}
		s.args[arg.Key] = value
		if env := s.variables()[arg.Key]; env != value {
			// Docker's reference says that ENV wins, and buildah does so; in BuildKit the later one wins.
			return "", refuse(fmt.Sprintf("%s is %q in the environment already, by ENV or from the base, and builders disagree"+
				" about which of the two counts", arg.Key, env), "give the ARG another name")
		}
		text += "=" + value
	}
	return text, nil
}

// setEnv replaces a variable in its place or appends it.
func (s *stage) setEnv(name, value string) {
	env := s.file.Config.Env
	for i, variable := range env {
		if known, _, _ := strings.Cut(variable, "="); known == name {
			env[i] = name + "=" + value
			return
		}
	}
	s.file.Config.Env = append(env, name+"="+value)
}

func listed(pairs instructions.KeyValuePairs) string {
	var text strings.Builder
	for _, pair := range pairs {
		text.WriteString(" " + pair.Key + "=" + pair.Value)
	}
	return text.String()
}

// expose adds ports as "8080/tcp". A word may expand to several ports, and a range stands for each port in it.
func (s *stage) expose(words []string) (string, error) {
	var exposed []string
	for _, word := range words {
		ports, err := s.lex.ProcessWords(word, s.variables())
		if err != nil {
			return "", err
		}
		for _, port := range ports {
			some, err := parsePorts(port)
			if err != nil {
				return "", err
			}
			exposed = append(exposed, some...)
		}
	}
	if s.file.Config.ExposedPorts == nil {
		s.file.Config.ExposedPorts = map[string]struct{}{}
	}
	for _, port := range exposed {
		s.file.Config.ExposedPorts[port] = struct{}{}
	}
	return "EXPOSE " + strings.Join(exposed, " "), nil
}

var portPattern = regexp.MustCompile(`^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(?i:(tcp|udp|sctp)))?$`)

func parsePorts(word string) ([]string, error) {
	match := portPattern.FindStringSubmatch(word)
	if match == nil {
		return nil, refuse(fmt.Sprintf("%q is no port", word), "write <port>, <port>/udp or <first>-<last>")
	}
	first, _ := strconv.Atoi(match[1])
	last := first
	if match[2] != "" {
		last, _ = strconv.Atoi(match[2])
	}
	if first > last || last > 65535 {
		return nil, refuse(fmt.Sprintf("%q: ports go up to 65535, and a range upwards", word), "")
	}
	protocol := "tcp"
	if match[3] != "" {
		protocol = strings.ToLower(match[3])
	}
	var ports []string
	for port := first; port <= last; port++ {
		ports = append(ports, fmt.Sprintf("%d/%s", port, protocol))
	}
	return ports, nil
}

var signalPattern = regexp.MustCompile(`^([1-9][0-9]?|(SIG)?[A-Z][A-Z0-9]*([+-][0-9]+)?)$`)

func checkSignal(signal string) error {
	if !signalPattern.MatchString(signal) {
		return refuse(fmt.Sprintf("%q is no signal", signal), "write a name such as SIGTERM, or a number")
	}
	return nil
}
