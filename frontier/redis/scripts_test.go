package redis

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The arguments of a script are known by number alone, so its header is held to them.
func TestHeadersOfScripts(t *testing.T) {
	files, err := filepath.Glob("*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	argument := regexp.MustCompile(`ARGV\[(\d+)\]`)
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "-- "+name+": ") {
				t.Error("it does not begin with its name and its purpose")
			}
			if name == "lib.lua" || name == "links.lua" {
				return
			}
			header, body := split(string(text))
			for _, part := range []string{"KEYS[1] prefix. ARGV[1] time", "Results: ", "Cost: "} {
				if !strings.Contains(header, part) {
					t.Errorf("its header has no %q", part)
				}
			}
			for _, use := range argument.FindAllStringSubmatch(body, -1) {
				if !strings.Contains(header, "["+use[1]+"] ") && !strings.Contains(header, "["+use[1]+"...] ") {
					t.Errorf("its header says nothing of ARGV[%s]", use[1])
				}
			}
		})
	}
}

// split divides a script into its first comment and the rest.
func split(text string) (header, body string) {
	for line := range strings.Lines(text) {
		if body == "" && strings.HasPrefix(line, "--") {
			header += line
		} else {
			body += line
		}
	}
	return header, body
}
