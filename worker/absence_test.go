package worker

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"trawl/frontier"
)

// absence is a way of a host to be away, from and to a time since the beginning.
type absence struct {
	host     string // whose names begin with it
	how      string // a status, or what becomes of requests: "refuse", "reset", "hang"
	from, to time.Duration
}

const forEver = 1000 * time.Hour

// strike makes the web of a trial have an absence, and answers with a 404 to whoever asks for robots.txt.
func (x *trial) strike(o absence) {
	begin, answer := time.Now(), x.web.answer
	isAway := func(host string) bool {
		since := time.Since(begin)
		return strings.HasPrefix(host, o.host) && since >= o.from && since < o.to
	}
	x.web.refuse = func(addr string) error {
		if o.how == "refuse" && isAway(addr) {
			return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		return nil
	}
	x.web.answer = func(rw http.ResponseWriter, r *http.Request) {
		status := 0
		switch away := isAway(r.Host); {
		case away && o.how == "hang":
			<-r.Context().Done()
		case away && (o.how == "reset" || o.how == "refuse"): // over a connection from before
			reset(rw, r)
		case away:
			_, _ = fmt.Sscan(o.how, &status)
			rw.WriteHeader(status)
		case r.URL.Path == "/robots.txt":
			http.NotFound(rw, r)
		default:
			answer(rw, r)
		}
	}
}

func TestAShortOutageOfAHostCostsNoPage(t *testing.T) {
	for _, how := range []string{"refuse", "reset", "hang", "502", "503", "504"} {
		for _, pages := range []int{1, 3} {
			for _, away := range []time.Duration{30 * time.Second, time.Minute} {
				t.Run(fmt.Sprint(how, pages, away), func(t *testing.T) {
					inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
						x.obeyRobots()
						x.strike(absence{"a.test", how, time.Second / 2, away}) // once robots.txt was had
						x.seed(append(urls("a.test", pages), urls("b.test", 10)...)...)
						x.run()
						x.settled(int64(pages)+10, 0)
					})
				})
			}
		}
	}
}

// A connection that is not made says nothing about the page, nor does what others met too.
func TestAnOutageThatIsTheHostsCostsNoPageUntilItIsDown(t *testing.T) {
	for how, pages := range map[string]int{"refuse": 1, "reset": 2, "hang": 2, "503": 2} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
				x.obeyRobots()
				x.strike(absence{"a.test", how, time.Second / 2, 5 * time.Minute})
				x.seed(urls("a.test", pages)...)
				x.run()
				x.settled(int64(pages), 0)
			})
		})
	}
}

func TestAHostThatIsGoneIsDownInTime(t *testing.T) {
	for how, pages := range map[string]int{"refuse": 1, "reset": 2, "hang": 2, "503": 2} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
				x.obeyRobots()
				x.strike(absence{"a.test", how, time.Second / 2, forEver})
				x.seed(urls("a.test", pages)...)
				if took := x.run(); took > 20*time.Minute {
					x.Errorf("took %v", took)
				}
				x.settled(0, int64(pages))
				if s := x.stats(); s.DeadFor[frontier.HostDown] != int64(pages) {
					x.Errorf("given up: %v", s.DeadFor)
				}
			})
		})
	}
}

func TestAPageOfAGoodHostDiesAfterItsRetries(t *testing.T) {
	for how, why := range map[string]frontier.Reason{"hang": "timeout", "reset": "reset", "503": "http-503"} {
		for _, others := range []int{0, 200} { // without any, nothing tells that the host is good
			t.Run(fmt.Sprint(how, others), func(t *testing.T) {
				inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
					answer := x.web.answer
					x.strike(absence{"a.test", how, 0, forEver})
					bad := x.web.answer
					x.web.answer = func(rw http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/0" {
							bad(rw, r)
							return
						}
						answer(rw, r)
					}
					x.seed(urls("a.test", 1+others)...)
					x.run()
					x.settled(int64(others), 1)
					synctest.Wait() // until the handlers see that nobody listens, and are logged
					if n := x.web.log().Count(first); n != 4 || x.stats().DeadFor[why] != 1 {
						x.Errorf("%d requests, given up: %v", n, x.stats().DeadFor)
					}
				})
			})
		}
	}
}

func TestACrawlEndsThoughHostsAreNeverGivenUp(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.HostFailures = 0 })
	inBubble(t, p, empty, func(x *trial) {
		x.obeyRobots()
		x.strike(absence{"", "refuse", time.Second / 2, forEver})
		x.seed(urls("a.test", 3)...)
		x.run()
		x.settled(0, 3)
	})
}

func TestAnOutageOfOurOwnNetworkCostsNothing(t *testing.T) {
	for _, how := range []string{"refuse", "reset", "hang"} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, policy(func(p *frontier.Policy) { p.Delay = time.Second / 10 }), empty, func(x *trial) {
				x.obeyRobots()
				x.strike(absence{"", how, 5 * time.Second, 20 * time.Minute})
				for _, host := range []string{"a.test", "b.test", "c.test", "d.test", "e.test"} {
					x.seed(urls(host, 100)...)
				}
				if took := x.run(); took > 45*time.Minute {
					x.Errorf("took %v", took)
				}
				x.settled(500, 0)
			})
		})
	}
}

// They may be one machine: crawls are to end.
func TestHostsThatAreAllGoneAreDownInTime(t *testing.T) {
	inBubble(t, policy(func(p *frontier.Policy) { p.Delay = time.Second / 10 }), empty, func(x *trial) {
		x.obeyRobots()
		x.strike(absence{"", "refuse", 5 * time.Second, forEver})
		for _, host := range []string{"a.test", "b.test", "c.test", "d.test", "e.test"} {
			x.seed(urls(host, 100)...)
		}
		if took := x.run(); took > longestOutage+time.Hour {
			x.Errorf("took %v", took)
		}
		if s := x.stats(); s.Done+s.DeadFor[frontier.HostDown] != 500 || s.Dead == 0 {
			x.Errorf("stats %+v", s)
		}
	})
}

// Hosts that never answered are no sign of it, however many there are.
func TestHostsThatNeverAnswerAreNotTakenForOurOwnNetwork(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.obeyRobots()
		x.strike(absence{"", "refuse", 0, forEver})
		for i := range 20 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 3)...)
		}
		if took := x.run(); took > 2*time.Minute {
			x.Errorf("took %v", took)
		}
		x.settled(0, 60)
	})
}

func TestTheTallyTellsWhoIsWaitedFor(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.obeyRobots()
		x.strike(absence{"a.test", "refuse", 0, 20 * time.Second})
		x.seed(urls("a.test", 1)...)
		seen := make(chan string, 1)
		look := time.AfterFunc(5*time.Second, func() { seen <- x.cfg.Tally.Totals().Trouble })
		defer look.Stop()
		x.run()
		if away, want := <-seen, "http://a.test: "; !strings.HasPrefix(away, want) || !strings.Contains(away, "refused") {
			x.Errorf("while it is away: %q", away)
		}
		if after := x.cfg.Tally.Totals().Trouble; after != "" {
			x.Errorf("when it is back: %q", after)
		}
		x.settled(1, 0)
	})
}

// Hosts that ask for a pause do answer: it is not our network that fails.
func TestHostsThatAreBusyAreNoOutageOfOurs(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.strike(absence{"", "503", time.Second / 2, forEver})
		for i := range 6 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 5)...)
		}
		if took := x.run(); took > 25*time.Minute {
			x.Errorf("took %v", took)
		}
	})
}

// A host that hangs holds a place for a timeout each time, and is not to be asked as often as one that refuses.
func TestARobotsTxtThatCannotBeHadForAMinuteMakesItsURLsDead(t *testing.T) {
	for how, most := range map[string]int{"502": 7, "hang": 4} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
				x.obeyRobots()
				x.strike(absence{"a.test", how, 0, forEver})
				x.seed(urls("a.test", 3)...)
				if took := x.run(); took < 45*time.Second || took > 150*time.Second {
					x.Errorf("took %v", took)
				}
				x.settled(0, 3)
				synctest.Wait() // see above
				if n := x.web.log().Total(); n != most {
					x.Errorf("%d requests, want %d", n, most)
				}
			})
		})
	}
}

func TestAWorkerThatDoesNotKnowSinceWhenAHostFailsFindsOut(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.strike(absence{"a.test", "hang", 0, forEver})
		x.seed(urls("a.test", 3)...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		time.AfterFunc(50*time.Second, func() { close(drain) }) // the third request is under way
		x.obeyRobots()
		x.run()
		x.cfg.Drain = nil
		x.obeyRobots()
		x.run()
		x.settled(0, 3)
		synctest.Wait()
		if n := x.web.log().Total(); n < 6 || n > 7 { // the last three last for a minute, or nearly
			x.Errorf("%d requests", n)
		}
	})
}

// What happened between failures that are not one row, or not the host's, does not count.
func TestARowOfFailuresLastsSinceItsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var known troubles
		for _, step := range []struct {
			row  int
			want time.Duration
		}{{1, 0}, {2, time.Minute}, {2, 2 * time.Minute}, {3, 3 * time.Minute}, {1, 0}, {2, time.Minute}, {0, 0}, {3, 0}, {4, time.Minute}, {6, 0}, {5, 0}} {
			known.note("http://a.test", "why", step.row)
			if _, lasts := known.latest("http://a.test"); lasts != step.want {
				t.Errorf("failure %d: the row lasts for %v, want %v", step.row, lasts, step.want)
			}
			time.Sleep(time.Minute)
		}
		known.forget("http://a.test")
		if why, lasts := known.latest("http://a.test"); why != "" || lasts != 0 {
			t.Errorf("known of a host that answered: %q, %v", why, lasts)
		}
	})
}
