package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/worker"
)

func TestLinesPushTheBarDown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := &screen{w: &b}
	fmt.Fprintln(s, "first")
	s.draw("1 page")
	s.draw("2 pages")
	fmt.Fprintln(s, "second")
	s.draw("3 pages")
	s.draw("")
	fmt.Fprintln(s, "third")
	const wipe = "\r\x1b[K"
	if want := "first\n1 page" + wipe + "2 pages" + wipe + "second\n3 pages" + wipe + "third\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestPlainProgressIsLines(t *testing.T) {
	t.Parallel()
	store, err := disk.Open(t.TempDir(), disk.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var b bytes.Buffer
	p := newProgress(&screen{w: &b}, "auto", &session{store: store, plans: &planner{}, tally: &worker.Tally{}, brake: newBrake()}) // not a terminal
	p.show()
	p.show()
	if line := "0 pages | 0/s | 0 to go | 0 hosts busy\n"; b.String() != line+line {
		t.Errorf("%q", b.String())
	}
}

func TestWhoIsWaitedForIsNamed(t *testing.T) {
	t.Parallel()
	p := progress{s: &session{plans: &planner{}, brake: newBrake()}}
	totals := worker.Totals{Trouble: "http://a.test: connect: connection refused"}
	for busy, want := range map[int64]string{0: " | waiting for " + totals.Trouble, 1: ""} {
		line := p.line(frontier.Stats{Queued: 1, HostsLeased: busy}, totals, time.Now())
		if !strings.HasSuffix(line, fmt.Sprint(busy, " hosts busy", want)) {
			t.Errorf("%q", line)
		}
	}
}

func TestNothingWrittenMovesTheCursor(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	fmt.Fprint(&screen{w: &b}, "a\x1b[2Jb\rc\u009bd\u202ee\x9b\x7ff\n")
	if want := "a [2Jb c d e\uFFFD f\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestTheBarTellsRateAndTimeLeft(t *testing.T) {
	t.Parallel()
	began := time.Now()
	p := progress{s: &session{plans: &planner{}, brake: newBrake()}, began: began, last: moment{at: began}}
	st := frontier.Stats{Done: 1200, Queued: 3000, Delayed: 600, Leased: 32, HostsLeased: 4}
	totals := worker.Totals{Dead: map[frontier.Reason]int64{"timeout": 2}, Retries: map[frontier.Reason]int64{"reset": 1}}
	for _, step := range []struct {
		settled   int64
		at        float64 // seconds after the beginning
		maxPages  int64
		stop      ending
		rate, end string
	}{
		{0, 0.2, 0, "", "0/s", ""},
		{100, 1, 0, "", "100/s", " | ETA 37s"}, // from the beginning
		{1000, 10, 0, "", "100/s", " | ETA 37s"},
		{1020, 10.2, 1500, "", "100/s", " | ETA 3s"}, // to --max-pages
		{1520, 12.7, 0, "", "150/s", " | ETA 25s"},   // half of the last five seconds twice as fast
		{1520, 20, 0, "", "0/s", ""},
		{1520, 21, 0, byTime, "0/s", " | ending"},
	} {
		totals.Settled, p.s.plans.crawl.Policy.MaxPages = step.settled, step.maxPages
		if step.stop != "" {
			p.s.brake.pull(step.stop)
		}
		want := "1,200 pages | " + step.rate + " | 3,632 to go | 4 hosts busy | 3 errors" + step.end
		if got := p.line(st, totals, began.Add(time.Duration(step.at*float64(time.Second)))); got != want {
			t.Errorf("after %v s: %q, want %q", step.at, got, want)
		}
	}
}
