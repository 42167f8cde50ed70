package frontiertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"trawl/frontier"
)

// report is an ack with these verdicts, each with a reason where one is due.
func report(verdicts ...frontier.Verdict) (r frontier.Report) {
	for _, v := range verdicts {
		o := frontier.Outcome{Verdict: v}
		if v != frontier.Done {
			o.Reason = "test"
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

// pathsOf are the URLs of a lease that are not settled.
func pathsOf(l frontier.Lease) (paths []string) {
	for _, it := range l.Items[l.Settled:] {
		paths = append(paths, it.URL.Path())
	}
	return paths
}

func cmpHosts(a, b frontier.Host) int { return cmp.Compare(a, b) }

// consistent tells whether counts add up.
func consistent(s frontier.Stats) error {
	if sum := s.Queued + s.Delayed + s.Leased + s.Done + s.Dead; sum != s.Seen {
		return fmt.Errorf("stats do not add up: %+v", s)
	}
	if min(s.Queued, s.Delayed, s.Leased, s.Done, s.Dead, s.HostsLeased) < 0 {
		return fmt.Errorf("negative stats: %+v", s)
	}
	var why int64
	for _, n := range s.DeadFor {
		why += n
	}
	if why != s.Dead {
		return fmt.Errorf("%d dead, reasons for %d: %v", s.Dead, why, s.DeadFor)
	}
	return nil
}

// diff says in what got is not want; empty if nothing. A count of zero is the same as none.
func diff(got, want frontier.Stats) string {
	zero := func(_ frontier.Reason, n int64) bool { return n == 0 }
	plain := func(s frontier.Stats) string {
		refused, deadFor := maps.Clone(s.Refused), maps.Clone(s.DeadFor)
		maps.DeleteFunc(refused, zero)
		maps.DeleteFunc(deadFor, zero)
		s.Refused, s.DeadFor = nil, nil
		return fmt.Sprintf("%+v refused %v dead %v", s, refused, deadFor)
	}
	if g, w := plain(got), plain(want); g != w {
		return fmt.Sprintf("\n got %s\nwant %s", g, w)
	}
	return ""
}

// diffHosts says in what got is not want; empty if nothing. A host that may be lent now may be so at any time.
func diffHosts(got, want frontier.HostStats, now time.Time) string {
	plain := func(h frontier.HostStats) string {
		next := "any time"
		if h.Next.After(now) {
			next = h.Next.Sub(now).String()
		}
		until := "nobody"
		if !h.Until.IsZero() {
			until = h.Until.Sub(now).String()
		}
		return fmt.Sprintf("%s: %d queued, %d delayed, %d leased, %d done, %d dead, next %s, delay %v, %d failures, held by %q until %s",
			h.Host, h.Queued, h.Delayed, h.Leased, h.Done, h.Dead, next, h.Delay, h.Failures, h.Worker, until)
	}
	if g, w := plain(got), plain(want); g != w {
		return fmt.Sprintf("\n got %s\nwant %s", g, w)
	}
	return ""
}

// fault is what a caller can tell of an error.
func fault(err error) string {
	for _, known := range []error{
		frontier.ErrDrained, frontier.ErrLeaseLost, frontier.ErrClosed, frontier.ErrFull, frontier.ErrUnavailable,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "another error"
	}
	return "success"
}

// describe is a lease's host and unsettled URLs as people read them.
func describe(l frontier.Lease) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s delay %v, %d failures:", l.Host, l.Delay, l.Failures)
	for _, it := range l.Items[l.Settled:] {
		fmt.Fprintf(&b, " %s(attempt %d, generation %d, priority %d, depth %d, hops %d, via %q, sitemap %v)",
			it.URL.Path(), it.Attempt, it.Generation, it.Priority, it.Depth, it.Hops, it.Via, it.Sitemap)
	}
	return b.String()
}

// sound tells what a store that can check itself finds wrong with it.
func sound(ctx context.Context, f frontier.Frontier) error {
	m, ok := f.(frontier.Mender)
	if !ok {
		return nil
	}
	switch findings, err := m.Check(ctx, false); {
	case err != nil:
		return fmt.Errorf("check: %w", err)
	case len(findings) > 0:
		return fmt.Errorf("check of a sound store: %q", findings)
	}
	return nil
}
