package worker

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"trawl/frontier"
)

// Hosts that never answer, however many, do not keep those that do from being crawled at their pace: also not in a fleet,
// whose store takes its time to lend a host again.
func TestHostsThatNeverAnswerLeaveOthersTheirPlaces(t *testing.T) {
	mute := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("alone", func(t *testing.T) { leavesPlaces(t, mute, func(*trial) {}) })
	t.Run("in a fleet", func(t *testing.T) {
		leavesPlaces(t, mute, func(x *trial) {
			x.asFleet()
			x.journal.slowLease = 200 * time.Millisecond
		})
	})
}

// Nor do those that begin to answer and do not end, or take all the time that a request has.
func TestHostsThatAreLongInAnsweringLeaveOthersTheirPlaces(t *testing.T) {
	t.Run("without end", func(t *testing.T) {
		leavesPlaces(t, func(rw http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		}, func(*trial) {})
	})
	t.Run("at last", func(t *testing.T) {
		leavesPlaces(t, func(http.ResponseWriter, *http.Request) { time.Sleep(6 * time.Second) }, func(*trial) {})
	})
}

func leavesPlaces(t *testing.T, long http.HandlerFunc, prepare func(*trial)) {
	p := policy(func(p *frontier.Policy) { p.Timeout = 10 * time.Second })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.Host[0] == 'm' {
			long(rw, r)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	inBubble(t, p, answer, func(x *trial) {
		prepare(x)
		x.cfg.Concurrency = 16
		for i := range 100 {
			x.seed(urls(fmt.Sprintf("mute%d.test", i), 3)...)
		}
		for i := range 8 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 60)...)
		}
		x.run()
		for i := range 8 {
			all := x.web.log().Requests(fmt.Sprintf("h%d.test", i))
			if took := all[len(all)-1].End.Sub(all[0].Start); len(all) != 60 || took > 66*time.Second { // 59 are the least
				x.Errorf("host %d: %d pages took %v", i, len(all), took)
			}
		}
	})
}

// They leave free as many as there are such hosts, a quarter at most.
func TestStrangersLeavePlacesToHostsThatAnswered(t *testing.T) {
	t.Parallel()
	p := newPlaces(8)
	for i := range 3 {
		p.note(frontier.Host(fmt.Sprint(i)), true)
	}
	p.note("2", false)
	admitted := 0
	for range 8 {
		if ok, strange := p.admit("2"); ok != strange {
			t.Error("who failed is no stranger")
		} else if ok {
			admitted++
		}
	}
	if ok, strange := p.admit("0"); !ok || strange || admitted != 6 {
		t.Errorf("%d strangers; who answered: %v, %v", admitted, ok, strange)
	}
	p.dismiss()
	if ok, _ := p.admit("new"); !ok {
		t.Error("the place of a stranger who left is free")
	}
}

func TestAnyNumberOfRequestsAtOnceIsPossible(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.PerHost = 0, math.MaxInt })
	inBubble(t, p, func(http.ResponseWriter, *http.Request) {}, func(x *trial) {
		x.seed(urls("a.test", 20)...)
		x.run()
		x.settled(20, 0)
	})
}

func TestRefreshesInARowAreLimitedLikeRedirects(t *testing.T) {
	n := 0
	answer := func(rw http.ResponseWriter, r *http.Request) {
		n++
		rw.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(rw, `<meta http-equiv=refresh content="0; url=/%d">`, n)
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(11, 0)
		x.refused(map[frontier.Reason]int64{frontier.TooManyHops: 1})
	})
}
