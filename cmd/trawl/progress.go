package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"trawl/frontier"
	"trawl/worker"
)

// screen is standard error: lines, and perhaps a bar at the bottom, which lines push down. Nothing that is written can
// move a terminal's cursor, whoever thought of it.
type screen struct {
	mu    sync.Mutex
	w     io.Writer
	drawn bool // there is a bar
}

// Write writes whole lines.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	_, err := s.w.Write(bytes.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return printable(r)
	}, p))
	return len(p), err // of what it was given, not of what that became
}

// draw replaces the bar.
func (s *screen) draw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.drawn = line != ""
	fmt.Fprint(s.w, s.fit(line))
}

// wipe takes the bar off its line. The caller holds mu.
func (s *screen) wipe() {
	if s.drawn {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.drawn = false
	}
}

// fit cuts a line, which is ASCII, to the width of the terminal.
func (s *screen) fit(line string) string {
	if f, ok := s.w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 && len(line) >= width {
			return line[:width-1]
		}
	}
	return line
}

// progress shows how a crawl goes, while it goes.
type progress struct {
	screen *screen
	bar    bool
	every  time.Duration // 0: show nothing
	s      *session
	began  time.Time
	last   moment
	rate   float64 // pages a second, smoothed
}

// moment is what was settled at a time.
type moment struct {
	at      time.Time
	settled int64
}

// newProgress chooses between a bar and lines; only standard error itself, when it is a terminal, gets a bar unasked.
func newProgress(screen *screen, how string, s *session) *progress {
	p := &progress{screen: screen, s: s, bar: how == "bar"}
	if f, ok := screen.w.(*os.File); ok && how == "auto" {
		p.bar = term.IsTerminal(int(f.Fd()))
	}
	switch {
	case how == "none":
	case p.bar:
		p.every = 200 * time.Millisecond
	default:
		p.every = 10 * time.Second
	}
	return p
}

// start shows the course until the returned function is called.
func (p *progress) start() (stop func()) {
	if p.every == 0 {
		return func() {}
	}
	done := make(chan struct{})
	var show sync.WaitGroup
	p.began = time.Now()
	if !p.s.fleet { // where pages count that others settled before
		p.last = moment{at: p.began}
	}
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
		p.screen.draw("")
	}
}

func (p *progress) show() {
	st, err := p.s.stats(context.Background())
	if err != nil {
		return // the crawl waits, or is about to end, for that reason: it says so
	}
	line := p.line(st, p.s.tally.Totals(), time.Now())
	if p.bar {
		p.screen.draw(line)
	} else {
		fmt.Fprintln(p.screen, line)
	}
}

// line is one state of affairs.
func (p *progress) line(st frontier.Stats, t worker.Totals, now time.Time) string {
	if p.s.fleet {
		p.measure(st.Settled(), now)
	} else {
		p.measure(t.Settled, now)
	}
	parts := []string{
		formatCount(st.Settled()) + " pages",
		fmt.Sprintf("%.0f/s", p.rate),
		formatCount(st.Queued+st.Delayed+st.Leased) + " to go",
		formatCount(st.HostsLeased) + " hosts busy",
	}
	if failed := t.Errors(); failed > 0 {
		parts = append(parts, formatCount(failed)+" errors")
	}
	if t.Trouble != "" && st.HostsLeased == 0 { // else it is others that are waited for
		parts = append(parts, "waiting for "+t.Trouble)
	}
	switch p.s.brake.reason() {
	case bySignal:
		parts = append(parts, "ending; again: at once")
	case byTime:
		parts = append(parts, "ending")
	default:
		if eta, ok := p.eta(st); ok {
			parts = append(parts, "ETA "+eta.String())
		}
	}
	return strings.Join(parts, " | ")
}

// measure brings the rate up to date: that since the start, and later that of the last few seconds. In a fleet it is
// that of all workers.
func (p *progress) measure(settled int64, now time.Time) {
	if p.last.at.IsZero() {
		p.last, p.began = moment{now, settled}, now
		return
	}
	const window = 5.0
	since := now.Sub(p.last.at).Seconds()
	if since <= 0 {
		return
	}
	rate := float64(settled-p.last.settled) / since
	// While less than a window has passed the weight of each part is its share of all the time, which makes a plain mean.
	p.rate += (rate - p.rate) * min(1, since/min(window, now.Sub(p.began).Seconds()))
	p.last = moment{now, settled}
}

// eta is the time that what is known now takes at the present rate, in whole seconds.
func (p *progress) eta(st frontier.Stats) (time.Duration, bool) {
	left := st.Queued + st.Delayed + st.Leased
	if limit := p.s.plans.latest().Policy.MaxPages; limit > 0 {
		left = min(left, limit-st.Settled())
	}
	seconds := math.Ceil(float64(left) / p.rate)
	return time.Duration(seconds) * time.Second, left > 0 && seconds < 1e8 // nor when the rate is 0
}
