package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"trawl/frontier"
)

func TestRefusedLinksAreCountedByReasonWithExamples(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		p.with(t, func(s store) {
			for i, l := range lend(t, s, 1)[:2] {
				o := frontier.Outcome{Verdict: frontier.Done, Refused: []frontier.Refusal{
					{Reason: frontier.Calendar, Count: 10, Example: fmt.Sprintf("https://a.example/%d", i)},
					{Reason: frontier.ByRobots, Count: 1, Example: "https://a.example/\x1b[2J"},
				}}
				if err := s.Ack(t.Context(), &l, frontier.Report{Outcomes: []frontier.Outcome{o}}); err != nil {
					t.Fatal(err)
				}
			}
		})
		text := p.fine(t, "refused")
		want := "calendar         20\n  https://a.example/1\n  https://a.example/0\nrobots           2\n"
		if !strings.HasPrefix(text, want) || strings.Contains(text, "\x1b") {
			t.Errorf("%q, want %q", text, want)
		}
		if text := p.fine(t, "refused", "--reason", "calendar", "-n", "1"); text != "calendar         20\n  https://a.example/1\n" {
			t.Errorf("%q", text)
		}
		if r := p.call(t, "refused", "--reason", "depth"); r != (result{exitDone, "", "trawl: no link was refused for depth: calendar 20, robots 2\n"}) {
			t.Errorf("%+v", r)
		}
		list := objects(t, p.fine(t, "refused", "--json", "--reason", "calendar", "-n", "0"))
		if len(list) != 1 || !reflect.DeepEqual(list[0], map[string]any{"reason": "calendar", "count": 20.0, "examples": []any{}}) {
			t.Errorf("%v", list)
		}
	})
}
