package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// readSettings gives flags that were not set on the command line their value from the environment, or else from the
// file that --config names.
func readSettings(cmd *cobra.Command, _ []string) error {
	if err := readEnvironment(cmd.Flags()); err != nil {
		return err
	}
	config := cmd.Flags().Lookup("config")
	if config == nil || config.Value.String() == "" {
		return nil
	}
	path := config.Value.String()
	text, err := os.ReadFile(path)
	if err != nil {
		return usagef("--config %w", withoutOp(err))
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return usagef("--config %s: not YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil // an empty file
	}
	if line, err := readFile(cmd, doc.Content[0]); err != nil {
		return usagef("--config %s:%d: %w", path, line, err)
	}
	return nil
}

// variable is the name of the environment variable of a flag.
func variable(flag string) string {
	return "TRAWL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnvironment comes before the file: Set marks a flag as changed, and readKey leaves those alone.
func readEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		if value, ok := os.LookupEnv(variable(f.Name)); ok && !f.Changed && f.Name != "help" && err == nil {
			if e := flags.Set(f.Name, value); e != nil {
				err = usagef("%s %q: %w", variable(f.Name), value, wanted(e))
			}
		}
	})
	return err
}

// readFile sets the flags that a file names. Values are taken as they are written, so that each flag reads its own:
// nothing is a number or a date before that. The line is that of the error.
func readFile(cmd *cobra.Command, root *yaml.Node) (line int, err error) {
	if root.Kind != yaml.MappingNode {
		return root.Line, errors.New("want lines such as max-pages: 100")
	}
	seen := map[string]bool{}
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i]
		if seen[key.Value] {
			return key.Line, fmt.Errorf("%s: set twice", key.Value)
		}
		seen[key.Value] = true
		if err := readKey(cmd, key.Value, root.Content[i+1]); err != nil {
			return key.Line, err
		}
	}
	return 0, nil
}

// readKey sets the flag of a key. A file can serve several commands, so keys of the others are no mistake.
func readKey(cmd *cobra.Command, key string, value *yaml.Node) error {
	flag := cmd.Flags().Lookup(key)
	switch {
	case key == "config", key == "help", flag == nil && !isElsewhere(cmd, key):
		return fmt.Errorf("%q: no such setting", key)
	case flag == nil, flag.Changed:
		return nil
	}
	values := []*yaml.Node{value}
	if _, takesMany := flag.Value.(cobra.SliceValue); takesMany && value.Kind == yaml.SequenceNode {
		values = value.Content
	}
	for _, v := range values {
		if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
			return fmt.Errorf("%s: want one plain value", key)
		}
		if err := cmd.Flags().Set(key, v.Value); err != nil {
			return fmt.Errorf("%s: %q: %w", key, v.Value, wanted(err))
		}
	}
	return nil
}

func isElsewhere(cmd *cobra.Command, key string) bool {
	for _, other := range cmd.Root().Commands() {
		if other.Flags().Lookup(key) != nil {
			return true
		}
	}
	return false
}

// flagError is an error of parsing flags, for people.
func flagError(err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		return fmt.Errorf("--%s %q: %w", bad.GetFlag().Name, bad.GetValue(), wanted(err))
	}
	return err
}

// wanted is why a flag did not take a value, without the words of package strconv.
func wanted(err error) error {
	var number *strconv.NumError
	switch {
	case !errors.As(err, &number):
		return cmp.Or(errors.Unwrap(err), err) // the cause, in our own words
	case errors.Is(err, strconv.ErrRange):
		return errors.New("too large")
	case number.Func == "ParseBool":
		return errors.New("want true or false")
	}
	return errors.New("want a whole number")
}

// withoutOp is the error of a file operation without the name of the system call.
func withoutOp(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}
