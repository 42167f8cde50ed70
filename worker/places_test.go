package worker

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// Hosts that never answer, however many, do not keep those that do from being crawled at their pace: also not in a fleet,
// whose store takes its time to lend a host again.
func TestHostsThatNeverAnswerLeaveOthersTheirPlaces(t *testing.T) {
	mute := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("alone", func(t *testing.T) { leavesPlaces(t, 100, mute, func(*trial) {}) })
	t.Run("in a fleet", func(t *testing.T) {
		leavesPlaces(t, 100, mute, func(x *trial) {
			x.asFleet()
			x.journal.slowLease = 200 * time.Millisecond
		})
	})
}

// Nor do those that begin to answer and do not end, or take all the time that a request has.
func TestHostsThatAreLongInAnsweringLeaveOthersTheirPlaces(t *testing.T) {
	t.Run("without end", func(t *testing.T) {
		leavesPlaces(t, 100, func(rw http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		}, func(*trial) {})
	})
	t.Run("but for the first page", func(t *testing.T) { // each is known to answer once, but as many as this find slow places
		leavesPlaces(t, 16*SlowPlaces, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/0" {
				_ = http.NewResponseController(rw).Flush()
				<-r.Context().Done()
			}
		}, func(*trial) {})
	})
	t.Run("at last", func(t *testing.T) {
		leavesPlaces(t, 100, func(http.ResponseWriter, *http.Request) { time.Sleep(6 * time.Second) }, func(*trial) {})
	})
}

func leavesPlaces(t *testing.T, many int, long http.HandlerFunc, prepare func(*trial)) {
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
		for i := range many {
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

// They leave free as many as there are others, a quarter at most, once there is somebody who answers.
func TestStrangersLeavePlacesToHostsThatAnswer(t *testing.T) {
	t.Parallel()
	p := newPlaces(8)
	admitted := func(others int) (n int) {
		for range 8 {
			if ok, stranger := p.admit("long", false, others); ok != stranger {
				t.Error("who took long is no stranger")
			} else if ok {
				n++
			}
		}
		for range n {
			p.dismiss()
		}
		return n
	}
	p.note("long", time.Minute)
	if n := admitted(5); n != 8 {
		t.Errorf("%d strangers when nobody has answered", n)
	}
	p.note("prompt", time.Millisecond)
	for others, want := range []int{8, 7, 6, 6} {
		if n := admitted(others); n != want {
			t.Errorf("%d strangers beside %d others", n, others)
		}
	}
	if ok, stranger := p.admit("prompt", false, 5); !ok || stranger {
		t.Errorf("who answered: %v, %v", ok, stranger)
	}
	if ok, stranger := p.admit("prompt", true, 5); !ok || !stranger {
		t.Errorf("who failed since: %v, %v", ok, stranger)
	}
	p.note("long", time.Millisecond)
	if ok, stranger := p.admit("long", false, 5); !ok || stranger {
		t.Errorf("who is quick again: %v, %v", ok, stranger)
	}
}

// However many hosts hang, with whatever they are asked for, so many requests are under way, and no more.
func TestRequestsThatLastHaveMorePlacesButNotAnyNumber(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.Retries, p.HostFailures = 10*time.Second, 0, 1 })
	for _, path := range []string{"/robots.txt", "/0"} {
		t.Run(path, func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path && r.Host != "prompt.test" {
					_ = http.NewResponseController(rw).Flush() // it is no outage of our own network
					<-r.Context().Done()
				}
			}
			inBubble(t, p, answer, func(x *trial) {
				x.cfg.Concurrency = 4
				x.obeyRobots()
				x.seed(urls("prompt.test", 40)...) // for which strangers leave a place
				for i := range 100 {
					x.seed(urls(fmt.Sprintf("h%d.test", i), 1)...)
				}
				took := x.run()
				x.settled(40, 100)
				if n, most := x.atOnce(), 4+4*SlowPlaces; n < most-1 || n > most {
					x.Errorf("%d requests at once, want %d", n, most)
				}
				if took > 100*time.Second { // 50 are the least; with 4 places 250
					x.Errorf("took %v", took)
				}
			})
		})
	}
}

// atOnce is how many requests there were at most at a time. One that ends when another begins is over.
func (x *trial) atOnce() (most int) {
	synctest.Wait() // until the handlers see that nobody listens, and are logged
	var all []webtest.Request
	for _, host := range x.web.log().Hosts() {
		all = append(all, x.web.log().Requests(host)...)
	}
	for _, r := range all {
		n := 0
		for _, other := range all {
			if !other.Start.After(r.Start) && other.End.After(r.Start) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
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
