package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
)

// manyListed is a sitemap whose pages go out in several acks.
func manyListed() http.HandlerFunc {
	return files(map[string]string{"a.test/s.xml": urlset(urls("a.test", 1700)...)})
}

// patient reads lists to their end, also when nothing is there.
var patient = policy(func(p *frontier.Policy) { p.Delay, p.EchoAfter = 0, 0 })

func TestALargeSitemapIsHandedOnInPieces(t *testing.T) {
	inBubble(t, patient, manyListed(), func(x *trial) {
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.settled(1701, 0)
		pieces := 0
		for _, r := range x.journal.reports {
			if len(r.Found) > 0 {
				pieces++
			}
			if len(r.Found) > foundAtOnce || len(r.Found) > 0 && len(r.Outcomes) > 0 {
				t.Errorf("%d links and %d outcomes at once", len(r.Found), len(r.Outcomes))
			}
		}
		if n := len(x.found("http://a.test/s.xml")); pieces != 3 || n != 200 {
			t.Errorf("%d pieces, and %d", pieces, n)
		}
	})
}

// fate is a store that does something at the second ack with links of the first worker that sends one.
type fate struct {
	frontier.Frontier
	strike func(l *frontier.Lease) error

	mu    sync.Mutex
	token string
	acks  int
	after int // acks of that lease that came later
}

func (f *fate) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.token == "" && len(r.Found) > 0 {
		f.token = l.Token
	}
	if l.Token != f.token {
		return f.Frontier.Ack(ctx, l, r)
	}
	if f.acks == 2 {
		f.after++
	}
	if len(r.Found) > 0 && f.acks < 2 {
		if f.acks++; f.acks == 2 {
			if err := f.strike(l); err != nil {
				return err
			}
		}
	}
	return f.Frontier.Ack(ctx, l, r)
}

func TestALeaseThatIsLostWithinASitemapLosesNothing(t *testing.T) {
	inBubble(t, patient, manyListed(), func(x *trial) {
		store := &fate{Frontier: x.journal, strike: func(*frontier.Lease) error { return frontier.ErrLeaseLost }}
		x.cfg.Frontier = store
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.settled(1701, 0)
		if s := x.stats(); s.Reclaimed != 1 || store.after != 0 {
			t.Errorf("%d leases were taken back; %d acks under a lost one", s.Reclaimed, store.after)
		}
		if n := len(x.web.log().Requests("a.test")); n != 1702 {
			t.Errorf("%d requests", n)
		}
		if n := len(x.journal.records); n != 1701 {
			t.Errorf("%d records", n)
		}
	})
}

func TestALeaseThatIsLostAsSitemapsAreAnnouncedLosesNone(t *testing.T) {
	var robots strings.Builder
	web := map[string]string{}
	for i := range 600 { // they go out in two acks
		fmt.Fprintf(&robots, "Sitemap: /%d.xml\n", i)
		web[fmt.Sprintf("a.test/%d.xml", i)] = urlset(fmt.Sprintf("http://a.test/%d", i))
	}
	web["a.test/robots.txt"] = robots.String()
	inBubble(t, hasty, files(web), func(x *trial) {
		x.cfg.Frontier = &fate{Frontier: x.journal, strike: func(*frontier.Lease) error { return frontier.ErrLeaseLost }}
		x.obeyRobots()
		x.seed("http://a.test/")
		x.run()
		x.settled(1201, 0)
		if s := x.stats(); s.Reclaimed != 1 {
			x.Errorf("%d leases were taken back", s.Reclaimed)
		}
	})
}

func TestASitemapThatTheEndOfACrawlCutsOffIsReadAgain(t *testing.T) {
	inBubble(t, patient, manyListed(), func(x *trial) {
		ctx, cancel := context.WithCancel(x.Context())
		defer cancel()
		whole := x.cfg
		x.cfg.Frontier = &fate{Frontier: x.journal, strike: func(*frontier.Lease) error { cancel(); return nil }}
		x.seedSitemap("http://a.test/s.xml")
		if err := x.work(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
		if s := x.stats(); s.Done != 0 || s.Seen != 1001 || s.Leased > 0 || len(x.journal.records) > 0 {
			t.Errorf("%+v", s)
		}
		x.cfg = whole
		x.run()
		x.settled(1701, 0)
	})
}

func TestALeaseOutlivesAStoreThatHasNoRoomForASitemap(t *testing.T) {
	inBubble(t, patient, manyListed(), func(x *trial) {
		x.cfg.Frontier = &roomless{Frontier: x.journal, until: time.Now().Add(10 * time.Minute)}
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.settled(1701, 0)
		if s := x.stats(); s.Reclaimed != 0 {
			t.Errorf("%d leases were taken back", s.Reclaimed)
		}
	})
}

// roomless is a store that takes no links for a time.
type roomless struct {
	frontier.Frontier
	until time.Time
}

func (s *roomless) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if len(r.Found) > 0 && time.Now().Before(s.until) {
		return frontier.ErrUnavailable
	}
	return s.Frontier.Ack(ctx, l, r)
}
