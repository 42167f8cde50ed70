//go:build ignore

// Size prints the sizes that ARCHITECTURE.md sets budgets for: `make size`. A breach is a question, not an error.
//
// The suite in frontiertest counts as tests, although its files are ordinary ones.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Budgets.
const (
	maxFile      = 400 // lines
	maxFunction  = 60  // lines, from func to the last brace
	maxInterface = 6   // methods
)

func main() {
	var s sizes
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "docs" || len(path) > 1 && path[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		return s.add(path)
	})
	if err != nil {
		log.Fatal(err)
	}
	s.print()
}

type sizes struct {
	source, tests    int      // lines
	filled, comments int      // lines of source that are not empty; of them, those with a comment
	functions, files []int    // lengths, of source
	breaches         []string // of a budget
}

func (s *sizes) add(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := bytes.Count(text, []byte("\n"))
	if lines > maxFile {
		s.breach("%s has %d lines", path, lines)
	}
	if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "frontiertest") {
		s.tests += lines
		return nil
	}
	s.source += lines
	s.files = append(s.files, lines)
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			s.filled++
		}
	}
	return s.parse(path, text)
}

func (s *sizes) parse(path string, text []byte) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, c := range file.Comments {
		s.comments += files.Position(c.End()).Line - files.Position(c.Pos()).Line + 1
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			length := files.Position(n.End()).Line - files.Position(n.Pos()).Line + 1
			s.functions = append(s.functions, length)
			if length > maxFunction {
				s.breach("%s: %s has %d lines", path, n.Name, length)
			}
		case *ast.InterfaceType:
			if n.Methods.NumFields() > maxInterface {
				s.breach("%s: an interface has %d methods", files.Position(n.Pos()), n.Methods.NumFields())
			}
		}
		return true
	})
	return nil
}

func (s *sizes) breach(format string, args ...any) {
	s.breaches = append(s.breaches, fmt.Sprintf(format, args...))
}

func (s *sizes) print() {
	slices.Sort(s.functions)
	slices.Sort(s.files)
	row := func(name, format string, args ...any) { fmt.Printf("%-10s %s\n", name, fmt.Sprintf(format, args...)) }
	row("source", "%d lines in %d files", s.source, len(s.files))
	row("tests", "%d lines, %.2f of source (budget: at least 1)", s.tests, float64(s.tests)/float64(s.source))
	row("comments", "%.0f %% of lines (budget: 15 to 20)", 100*float64(s.comments)/float64(s.filled))
	row("functions", "median %d, p90 %d, max %d lines (budget: 10, 30, %d)", at(s.functions, 50), at(s.functions, 90), at(s.functions, 100), maxFunction)
	row("files", "median %d, max %d lines (budget: max %d)", at(s.files, 50), at(s.files, 100), maxFile)
	for _, b := range s.breaches {
		row("over", "%s", b)
	}
}

// at is a percentile of sorted numbers.
func at(sorted []int, percent int) int { return sorted[(len(sorted)-1)*percent/100] }
