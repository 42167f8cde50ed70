package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func TestJSONForPeopleHidesNothingAndMeansTheSame(t *testing.T) {
	t.Parallel()
	value := map[string]any{"a": "\u202egnp.exe\u2069 \u009b2J\x7f\x1b\u2028\U000e0041\u00ad\ufeff é 日 😀 <&>", "n": 1e21, "l": []any{nil, true}}
	var b strings.Builder
	if err := writeJSON(&b, value); err != nil {
		t.Fatal(err)
	}
	line, whole := strings.CutSuffix(b.String(), "\n")
	if !whole || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || !strings.Contains(line, `\u202egnp`) || !strings.Contains(line, "é 日 😀") {
		t.Errorf("%q", b.String())
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(line), &back); err != nil || !reflect.DeepEqual(back, value) {
		t.Errorf("%v, %v", back, err)
	}
}
