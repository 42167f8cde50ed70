package jsonl

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"trawl/crawler"
)

func TestAFileThatIsRemovedOrReplacedIsNotWrittenToInSilence(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"removed": os.Remove,
		"renamed": func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o666))
		},
		"its folder removed": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "d", "pages.jsonl")
			s, err := Open(path, Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Write(t.Context(), &crawler.Record{}); err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			s.checked = time.Now().Add(-checkEvery)
			if err := s.Write(t.Context(), &crawler.Record{}); !errors.Is(err, ErrGone) {
				t.Errorf("write: %v, want ErrGone", err)
			}
			if err := s.Close(); !errors.Is(err, ErrGone) {
				t.Errorf("close: %v, want ErrGone", err)
			}
		})
	}
}
