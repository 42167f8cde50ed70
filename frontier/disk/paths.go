package disk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// readPaths makes a chunk's paths ready to lend. It fails the store when the file cannot be read.
func (s *Store) readPaths(c *chunk) bool {
	if c.paths != nil {
		return true
	}
	err := error(nil)
	text := c.text
	if text == nil {
		if err = s.db.QueryRow("select paths from chunk where id = ?", c.id).Scan(&text); err == nil {
			c.text = text
			s.inRAM += int64(len(text))
		}
	}
	if err == nil {
		c.paths, err = parsePaths(text)
	}
	if err == nil && len(c.paths) != c.n {
		err = fmt.Errorf("%w: %d paths, not %d", ErrCorrupt, len(c.paths), c.n)
	}
	if err != nil {
		s.err = fmt.Errorf("frontier file %s: chunk %d: %w", s.file, c.id, err)
	}
	return err == nil
}

// parsePaths reads a JSON array of strings; quickly when none has an escape: then every quote is a border. Paths are not
// empty, so "[]" and "[\"\"]" are left to the decoder.
func parsePaths(text []byte) ([]string, error) {
	if len(text) > 4 && bytes.IndexByte(text, '\\') < 0 {
		return strings.Split(string(text[2:len(text)-2]), `","`), nil
	}
	var paths []string
	err := json.Unmarshal(text, &paths)
	return paths, err
}

// spill takes the paths of chunks that were just written out of memory when there are too many. Retries are few, and
// move within the file, so they stay. One that is dirty again may be on such a move: its new row needs the text.
func (s *Store) spill(chunks []*chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range chunks {
		if s.inRAM <= s.cfg.Budget {
			return
		}
		if c.text != nil && c.paths == nil && c.due == 0 && !c.dirty {
			s.inRAM -= int64(len(c.text))
			c.text = nil
		}
	}
}
