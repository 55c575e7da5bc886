package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"
)

// These paths are the real registry's image's.
const (
	defaultAddress  = "0.0.0.0:8080"
	defaultPackages = "/packages/package-storage"
	defaultConfig   = "/package-registry/config.yml"
)

type options struct {
	address     string
	packages    string
	config      string
	healthcheck bool
}

// parseFlags reports what is wrong on stderr.
func parseFlags(args []string, stderr io.Writer) (options, error) {
	o := options{address: os.Getenv("EPR_ADDRESS")}
	if o.address == "" {
		o.address = defaultAddress
	}
	flags := flag.NewFlagSet("package-registry", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", o.address, "`host:port` to listen on; without the flag, EPR_ADDRESS counts")
	flags.StringVar(&o.packages, "packages", defaultPackages, "`folder` of packages, where the config has no package_paths")
	flags.StringVar(&o.config, "config", defaultConfig, "config `file`; the default one need not be there")
	flags.BoolVar(&o.healthcheck, "healthcheck", false, "ask the server at the address whether it is healthy, and exit")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(stderr, err)
		flags.Usage()
		return options{}, err
	}
	return o, nil
}

// packagePaths are the config's, or else the flag's. Other keys of a registry's config are ignored.
func (o options) packagePaths() ([]string, error) {
	content, err := os.ReadFile(o.config)
	if errors.Is(err, fs.ErrNotExist) && o.config == defaultConfig {
		return []string{o.packages}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	var config struct {
		PackagePaths []string `yaml:"package_paths"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		return nil, fmt.Errorf("reading the config %s: %w", o.config, err)
	}
	if len(config.PackagePaths) == 0 {
		return []string{o.packages}, nil
	}
	return config.PackagePaths, nil
}
