package jsonl

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"trawl/crawler"
)

// Two processes that write into one file would cut each other's lines off.
func TestAFileHasOneSinkAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.jsonl")
	first, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Write(t.Context(), &crawler.Record{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second sink: %v, %v; want %v", second, err, ErrInUse)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was %q and is %q, %v", before, after, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := Open(path, Config{})
	if err != nil {
		t.Fatalf("after the first one's end: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}
