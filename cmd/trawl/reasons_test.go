package main

import (
	"go/ast"
	"go/parser"
	tokens "go/token"
	"strconv"
	"testing"

	"trawl/crawler"
	"trawl/frontier"
)

// constants are the words of a type that a source file declares.
func constants(t *testing.T, path, kind string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(tokens.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == kind {
			word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, word)
		}
		return true
	})
	return list
}

// What is declared is known, and completed; but for the one kind that never ends a URL.
func TestEveryReasonThatThereIsIsKnown(t *testing.T) {
	t.Parallel()
	words := append(constants(t, "../../frontier/frontier.go", "Reason"), constants(t, "../../crawler/error.go", "Kind")...)
	words = append(words, constants(t, "../../worker/robots.go", "Reason")...)
	if len(words) < 35 {
		t.Fatalf("only %q", words)
	}
	for _, word := range words {
		dead := reasonFlag{frontier.Reason(word), deadReasons()}
		refused := reasonFlag{frontier.Reason(word), refusalReasons()}
		if isDead, isRefused := dead.check(nil) == nil, refused.check(nil) == nil; isDead == isRefused && word != string(crawler.KindCanceled) {
			t.Errorf("%s: is for dead URLs: %v; for refused links: %v", word, isDead, isRefused)
		}
	}
}

func TestAnyStatusIsAReasonAndSoIsWhatTheCrawlCounted(t *testing.T) {
	t.Parallel()
	counted := map[frontier.Reason]int64{"quota": 1}
	for word, known := range map[frontier.Reason]bool{"": true, "http-500": true, "http-429": true, "quota": true, "http-5": false, "http-200": false, "quot": false} {
		if err := (&reasonFlag{word, deadReasons()}).check(counted); (err == nil) != known {
			t.Errorf("%q: %v", word, err)
		}
	}
}
