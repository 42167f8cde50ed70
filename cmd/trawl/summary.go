package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"trawl/frontier"
	"trawl/worker"
)

// summarize says how the crawl ended. When the store is what failed, its counts are missing.
func (s *session) summarize(io streams, why ending) error {
	st, _ := s.stats(context.Background()) // the crawl has failed for the same reason
	_, err := fmt.Fprint(io.out, s.summary(why, st, s.tally.Totals(), time.Since(s.began)))
	return withoutOp(err)
}

// summary is what a run prints at its end, on standard output: of this run first, then of the crawl.
func (s *session) summary(why ending, st frontier.Stats, t worker.Totals, took time.Duration) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	row("crawl", "%s: %s", s.plans.latest().Name, why)
	if s.fleet {
		row("worker", "%s", s.name)
	}
	row("pages", "%s in %s (%.0f/s), %s", formatCount(t.Settled), formatTime(took), float64(t.Settled)/max(took.Seconds(), 0.001), formatBytes(t.Bytes))
	if total := st.Settled(); total > t.Settled {
		others := "earlier runs"
		if s.fleet {
			others = "other workers and earlier runs"
		}
		row("in all", "%s pages, with %s", formatCount(total), others)
	}
	if len(t.Status) > 0 {
		row("status", "%s", list(t.Status, statusName))
	}
	if len(t.Retries) > 0 {
		row("retried", "%s", list(t.Retries, reasonName))
	}
	if len(st.DeadFor) > 0 {
		row("given up", "%s", list(st.DeadFor, reasonName))
	}
	if len(st.Refused) > 0 {
		row("refused", "%s (links not followed, by reason)", list(st.Refused, reasonName))
	}
	if left := st.Queued + st.Delayed + st.Leased; left > 0 {
		row("left", "%s URLs; %s goes on with them", formatCount(left), s.successor(why))
	}
	for _, line := range s.later.lines() {
		row("resting", "%s", line)
	}
	for _, path := range s.output {
		row("output", "%s", path)
	}
	row("frontier", "%s", s.where)
	return b.String()
}

// successor is what goes on with URLs that are left.
func (s *session) successor(why ending) string {
	switch {
	case why == byPages:
		return "a larger --max-pages"
	case why == byStop:
		return "trawl resume"
	case s.fleet:
		return "any worker"
	}
	return "the same command"
}

// list names the counts, the largest first.
func list[K cmp.Ordered](counts map[K]int64, name func(K) string) string {
	keys := byCount(counts)
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = name(k) + " " + formatCount(counts[k])
	}
	return strings.Join(parts, ", ")
}

// byCount are what was counted, the largest count first.
func byCount[K cmp.Ordered](counts map[K]int64) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

func reasonName(r frontier.Reason) string { return string(r) }

// statusName is a status with its name. 0 is that of URLs which died without an answer.
func statusName(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status)))
}
