package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// readSettings gives flags that were not set on the command line their value from the environment, or else from the
// file that --config names.
func readSettings(cmd *cobra.Command) error {
	if err := readEnvironment(cmd.Flags()); err != nil {
		return err
	}
	path := cmd.Flags().Lookup("config").Value.String()
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return usagef("--config: %w", withoutOp(err))
	}
	keys := map[string]any{}
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return usagef("--config %s: %w", path, err)
	}
	for key, value := range keys {
		if err := readKey(cmd, key, value); err != nil {
			return usagef("--config %s: %s: %w", path, key, err)
		}
	}
	return nil
}

// variable is the name of the environment variable of a flag.
func variable(flag string) string {
	return "TRAWL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func readEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := os.LookupEnv(variable(f.Name))
		if ok && !f.Changed && err == nil {
			if err = flags.Set(f.Name, value); err != nil {
				err = usagef("%s: %w", variable(f.Name), errors.Unwrap(err))
			}
		}
	})
	return err
}

// readKey sets the flag of a key of the file. A file can serve several commands, so keys of the others are no mistake.
func readKey(cmd *cobra.Command, key string, value any) error {
	flag := cmd.Flags().Lookup(key)
	if flag == nil || key == "config" || key == "help" {
		for _, other := range cmd.Root().Commands() {
			if key != "config" && key != "help" && other.Flags().Lookup(key) != nil {
				return nil
			}
		}
		return errors.New("no such setting")
	}
	if flag.Changed {
		return nil
	}
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	if _, takesMany := flag.Value.(pflag.SliceValue); isList && !takesMany {
		return errors.New("want one value, not a list")
	}
	for _, v := range values {
		if _, isMap := v.(map[string]any); isMap || v == nil {
			return errors.New("want a plain value")
		}
		if err := cmd.Flags().Set(key, fmt.Sprint(v)); err != nil {
			return errors.Unwrap(err)
		}
	}
	return nil
}

// withoutOp is the error of a file operation without the name of the system call.
func withoutOp(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}
