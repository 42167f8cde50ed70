package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

func TestHostsAreListedInTheOrderAskedFor(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		p.with(t, func(s store) { settle(t, s, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns"}) })
		for sort, first := range map[string]string{"queued": "a", "done": "a", "dead": "a", "name": "a", "delay": "a"} {
			list := objects(t, p.fine(t, "hosts", "--json", "--sort", sort))
			if len(list) != 3 || list[0]["host"] != "https://"+first+".example" {
				t.Errorf("--sort %s: %v", sort, list)
			}
		}
		list := objects(t, p.fine(t, "hosts", "--json", "--sort", "next"))
		at := func(h map[string]any) time.Time {
			next, err := time.Parse(time.RFC3339Nano, fmt.Sprint(h["next"]))
			if err != nil {
				t.Error(err)
			}
			return next
		}
		if !slices.IsSortedFunc(list, func(a, b map[string]any) int { return at(a).Compare(at(b)) }) {
			t.Errorf("%v", list)
		}
		list = objects(t, p.fine(t, "hosts", "--json", "-n", "1"))
		if len(list) != 1 || list[0]["queued"] != 2.0 || list[0]["dead"] != 1.0 || list[0]["leased"] != 0.0 {
			t.Errorf("%v", list)
		}
		if list = objects(t, p.fine(t, "hosts", "--json", "-n", "0")); len(list) != 3 {
			t.Errorf("%v", list)
		}
		text := p.fine(t, "hosts")
		mentions(t, text, "HOST", "QUEUED", "https://a.example  2", "https://c.example  0")
		if n := strings.Count(text, "\n"); n != 4 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestAHostIsFoundByNameOrURL(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		for _, name := range []string{"b.example", "https://b.example", "HTTPS://B.example:443/x", "b.example:443"} {
			list := objects(t, p.fine(t, "hosts", "--json", name))
			if len(list) != 1 || list[0]["host"] != "https://b.example" || list[0]["queued"] != 2.0 {
				t.Errorf("%s: %v", name, list)
			}
		}
		isMistake(t, p.call(t, "hosts", "d.example"), exitFailed, "d.example")
		isMistake(t, p.call(t, "hosts", "http://b.example"), exitFailed, "http://b.example")
		isMistake(t, p.call(t, "hosts", "a b\x1b"), exitUsage, `"a b\x1b"`)
	})
}

func TestAHeldHostNamesItsWorker(t *testing.T) {
	t.Parallel()
	p := homes(t)[1]
	p.fill(t)
	p.with(t, func(s store) { lend(t, s, 2) })
	h := objects(t, p.fine(t, "hosts", "--json", "a.example"))[0]
	if h["worker"] != "w" || h["leased"] != 2.0 || h["queued"] != 1.0 || h["until"] == nil {
		t.Errorf("%v", h)
	}
	mentions(t, p.fine(t, "hosts", "a.example"), "lent", "w\n")
}

func TestTopKeepsTheFirst(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 0} {
		few := top[int]{n: n, compare: cmp.Compare[int]}
		all := rand.Perm(10_000)
		for _, v := range all {
			few.add(v)
			if n > 0 && len(few.kept) > 2*n+100 {
				t.Fatalf("%d are kept", len(few.kept))
			}
		}
		slices.Sort(all)
		want := all
		if n > 0 {
			want = all[:n]
		}
		if got := few.list(); !slices.Equal(got, want) {
			t.Errorf("first %d: %v", n, got)
		}
	}
}

func TestHostsAreShownSafely(t *testing.T) {
	t.Parallel()
	now := time.Now()
	text := hostTable([]frontier.HostStats{
		{Host: "https://a\x1b[31m.example", Queued: 1234567, Next: now.Add(90 * time.Second), Worker: "w\u202e"},
		{Host: "https://b.example", Done: 1}, {Host: "https://c.example", Queued: 1, Delay: time.Minute}, {Host: "https://d.example", Leased: 1},
	}, time.Second, now)
	mentions(t, text, "1,234,567", "in 1m30s", "-", "now", "1m0s", "lent")
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("%q", text)
	}
}

func TestALongHostNameIsWholeAndMovesNoOtherRow(t *testing.T) {
	t.Parallel()
	long := frontier.Host("https://" + strings.Repeat("long.", 76) + "example")
	list := []frontier.HostStats{{Host: "https://a.example", Queued: 1}, {Host: long, Queued: 2}, {Host: "https://bb.example", Queued: 3}}
	for name, text := range map[string]string{
		"hosts":  hostTable(list, time.Second, time.Now()),
		"status": (&report{Hosts: list}).String(),
	} {
		_, text, _ = strings.Cut(text, "HOST ")
		lines := strings.Split("HOST "+text, "\n")
		column := len("https://bb.example  ")
		for i, want := range map[int]string{1: "1 ", 3: "3 "} {
			if at := strings.Index(lines[i], "  "+want) + 2; at != column {
				t.Errorf("%s: column at %d, want %d:\n%s", name, at, column, text)
			}
		}
		if !strings.HasPrefix(lines[2], string(long)+"  2 ") || strings.Contains(lines[0], strings.Repeat(" ", 40)) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
