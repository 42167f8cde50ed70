package worker

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// The journal, which all tests use, checks that no page is acked before its record was written, and none with what
// belongs to another.

func TestAcksComeInTheOrderOfTheLeaseThoughPagesDoNot(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay = 4, 10*time.Millisecond })
	var n atomic.Int64
	answer := func(rw http.ResponseWriter, r *http.Request) {
		after(time.Duration(5-n.Add(1)%5)*100*time.Millisecond, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, link(r.URL.Path+"/child"))
		})(rw, r)
	}
	p.Depth = 1
	inBubble(t, p, answer, func(x *trial) {
		seeds := urls("a.test", 30)
		x.seed(seeds...)
		x.run()
		x.settled(60, 0)
		if !slices.Equal(x.journal.order[:30], seeds) {
			x.Errorf("acked in the order %q", x.journal.order[:30])
		}
		var written []string
		for _, r := range x.journal.records {
			written = append(written, r.URL)
		}
		if slices.Equal(written[:30], seeds) {
			x.Error("the pages came in order: nothing was tested")
		}
	})
}

func TestNoMorePagesAreWrittenAndNotAckedThanTheConcurrency(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay = 4, 0 })
	inBubble(t, p, empty, func(x *trial) {
		x.cfg.Concurrency = 8
		x.journal.slowAck = time.Second
		for i := range 10 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 10)...)
		}
		x.run()
		x.settled(100, 0)
		if n := x.journal.mostWaiting; n > 8 || n < 5 {
			x.Errorf("%d pages were written and not acked", n)
		}
	})
}

func TestASinkThatFailsEndsTheCrawlAndNothingOfItIsAcked(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost = 2 })
	inBubble(t, p, after(1500*time.Millisecond, empty), func(x *trial) {
		x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
		const full = "http://a.test/3"
		x.journal.refuse = noSpaceFor(full)
		if err := x.work(x.Context()); !errors.Is(err, crawler.ErrNoSpace) {
			x.Errorf("run: %v", err)
		}
		s := x.stats()
		if got := x.journal.verdicts(full); len(got) > 0 || s.Done < 3 || s.Done > 10 || s.Retries > 0 {
			x.Errorf("its verdicts: %v; %+v", got, s)
		}
		x.journal.refuse = nil
		x.run()
		x.settled(20, 0)
	})
}

// noSpaceFor makes the sink fail for one URL.
func noSpaceFor(url string) func(*crawler.Record) error {
	return func(r *crawler.Record) error {
		if r.URL == url {
			return fmt.Errorf("disk: %w", crawler.ErrNoSpace)
		}
		return nil
	}
}
