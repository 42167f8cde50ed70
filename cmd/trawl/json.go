package main

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// writeJSON writes a value as a line of JSON. What could command a terminal, or turn text around, is escaped: that means
// the same, and people look at such lines, too.
func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line := make([]byte, 0, len(text)+1)
	for _, r := range string(text) {
		if unicode.IsPrint(r) {
			line = utf8.AppendRune(line, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // all that JSON knows how to escape
			line = fmt.Appendf(line, `\u%04x`, unit)
		}
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
