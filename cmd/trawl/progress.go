package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"trawl/frontier"
	"trawl/worker"
)

// progress shows how a crawl goes, while it goes.
type progress struct {
	w     io.Writer
	bar   bool
	every time.Duration // 0: show nothing
	s     *session
	last  moment
	rate  float64 // pages a second, smoothed
}

// moment is what was settled at a time.
type moment struct {
	at      time.Time
	settled int64
}

// newProgress knows the values of --progress.
func newProgress(w io.Writer, how string, s *session) (*progress, error) {
	p := &progress{w: w, s: s}
	switch how {
	case "auto":
		f, ok := w.(*os.File)
		p.bar = ok && term.IsTerminal(int(f.Fd()))
	case "bar":
		p.bar = true
	case "plain":
	case "none":
		return p, nil
	default:
		return nil, usagef("--progress %q: want auto, bar, plain or none", how)
	}
	p.every = 10 * time.Second
	if p.bar {
		p.every = 200 * time.Millisecond
	}
	return p, nil
}

// start shows the course until the returned function is called.
func (p *progress) start() (stop func()) {
	if p.every == 0 {
		return func() {}
	}
	done := make(chan struct{})
	var show sync.WaitGroup
	p.last = moment{at: time.Now()}
	show.Go(func() {
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.show()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		show.Wait()
		if p.bar {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
	}
}

func (p *progress) show() {
	st, err := p.s.store.Stats(context.Background())
	if err != nil {
		return // the crawl is about to end for that reason
	}
	line := p.line(st, p.s.tally.Totals(), time.Now())
	if p.bar {
		fmt.Fprint(p.w, "\r\x1b[K", fit(line, p.w))
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// line is one state of affairs.
func (p *progress) line(st frontier.Stats, t worker.Totals, now time.Time) string {
	if since := now.Sub(p.last.at).Seconds(); since > 0 {
		rate := float64(t.Settled-p.last.settled) / since
		weight := min(1, since/5) // the last five seconds or so
		if p.rate == 0 {
			weight = 1
		}
		p.rate += weight * (rate - p.rate)
	}
	p.last = moment{now, t.Settled}
	parts := []string{
		formatCount(st.Settled()) + " pages",
		fmt.Sprintf("%.0f/s", p.rate),
		formatCount(st.Queued+st.Delayed) + " queued",
		fmt.Sprintf("%s on %s hosts", formatCount(st.Leased), formatCount(st.HostsLeased)),
	}
	if failed := errorsOf(t); failed > 0 {
		parts = append(parts, formatCount(failed)+" errors")
	}
	if eta, ok := p.eta(st); ok {
		parts = append(parts, "ETA "+formatTime(eta))
	}
	return strings.Join(parts, " | ")
}

// errorsOf counts attempts that failed.
func errorsOf(t worker.Totals) (n int64) {
	for _, m := range []map[frontier.Reason]int64{t.Dead, t.Retries} {
		for _, k := range m {
			n += k
		}
	}
	return n
}

// eta is the time that what is known now takes at the present rate.
func (p *progress) eta(st frontier.Stats) (time.Duration, bool) {
	left := st.Queued + st.Delayed + st.Leased
	if limit := p.s.crawl.Policy.MaxPages; limit > 0 {
		left = min(left, limit-st.Settled())
	}
	if p.rate < 0.01 || left <= 0 {
		return 0, false
	}
	seconds := float64(left) / p.rate
	return time.Duration(seconds * float64(time.Second)), seconds < 1e8
}

// fit cuts a line to the width of the terminal.
func fit(line string, w io.Writer) string {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 && len(line) >= width {
			return line[:width-1]
		}
	}
	return line
}
