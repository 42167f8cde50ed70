package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

func TestASignalDrains(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			c := small
			c.Latency = 30 * time.Millisecond
			web, server := serve(t, c)
			dir := t.TempDir()
			p := start(t, dir, quick(append(server.Seeds(), "-i", "-", "--per-host", "4")...)...) // whose input stays open
			await(t, "a few requests", func() bool { return server.Log().Total() > 20 })
			p.signal(t, signal)
			r := p.end(t)
			isMistake(t, r, exitInterrupted, "interrupted", "same command")
			mentions(t, r.out, "interrupted", "left ")
			before := len(records(t, dir))
			if asked := server.Log().Pages().Total(); before == 0 || before == web.Count() || before != asked {
				t.Errorf("%d pages were asked for, %d are in the output", asked, before)
			}
			crawl(t, dir, server.Seeds()...)
			holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
			once(t, server.Log())
		})
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	endsBeforeItsPage(t, 2, "--grace", "1h")
}

func TestASignalSaysWhatIsWaitedForUntilASecondOne(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	p := start(t, t.TempDir(), quick(g.URL)...)
	<-g.asked
	p.signal(t, os.Interrupt)
	await(t, "a word", func() bool { return p.err.String() != "" })
	mentions(t, p.err.String(), "trawl: interrupted: waiting for pages under way of "+g.URL+", for 30s at most; a second Ctrl-C ends it at once")
	p.signal(t, os.Interrupt)
	isMistake(t, p.end(t), exitInterrupted, "run the same command again")
}

func TestDrainingEndsWithItsGracePeriod(t *testing.T) {
	t.Parallel()
	endsBeforeItsPage(t, 1, "--grace", "0")
}

// endsBeforeItsPage checks that signals end a crawl while a page is under way, which the next run fetches.
func endsBeforeItsPage(t *testing.T, signals int, args ...string) {
	t.Helper()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick(append(args, g.URL)...)...)
	<-g.asked
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM}[:signals] { // two, since equal ones can merge
		p.signal(t, signal)
	}
	isMistake(t, p.end(t), exitInterrupted, "interrupted")
	if n := len(records(t, dir)); n != 0 {
		t.Errorf("%d pages", n)
	}
	g.open()
	crawl(t, dir)
	if of := records(t, dir)[g.URL+"/"]; len(of) != 1 || of[0].Status != 200 {
		t.Errorf("%+v", of)
	}
	if st := inspect(t, dir).Stats; st.Retries != 0 || st.Reclaimed != 0 {
		t.Errorf("the page was charged with an attempt: %+v", st)
	}
}
