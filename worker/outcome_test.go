package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// Two pages of a host that may be asked at any pace: what becomes of the first shows in when the second is asked for.
const (
	first  = "http://a.test/0"
	second = "http://a.test/1"
)

var unhurried = policy(func(p *frontier.Policy) { p.Delay, p.Retries = 0, 2 })

// pause is how long after its answer for the first page the host was asked again.
func (x *trial) pause() time.Duration {
	x.Helper()
	all := x.web.log().Requests("a.test")
	if len(all) < 2 || all[0].Path != "/0" || all[1].Path != "/1" {
		x.Fatalf("requests: %v", all)
	}
	return all[1].Start.Sub(all[0].End)
}

// around tells whether d is a backoff of so long, give or take a quarter and a rounding of the frontier's.
func around(d, want time.Duration) bool {
	return d >= want*3/4 && d <= want*5/4+10*time.Millisecond
}

func TestEachStatusHasItsVerdict(t *testing.T) {
	const done, retry, patient, paused = "done", "retry", "retry with patience", "retry with patience, and the host rests"
	for status, want := range map[int]string{
		200: done, 203: done, 204: done, 206: done, 300: done, 301: done, 304: done, 399: done,
		400: done, 401: done, 403: done, 404: done, 410: done, 418: done, 451: done, 499: done, 501: done, 505: done,
		408: retry, 425: retry, 500: retry, 507: retry, 520: retry, 599: retry,
		502: patient, 504: patient, 429: paused, 503: paused,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/0" {
					rw.WriteHeader(status)
				}
			}
			inBubble(t, unhurried, answer, func(x *trial) {
				x.seed(first, second)
				x.run()
				if pause := x.pause(); want == paused != around(pause, time.Second) || want != paused && pause > 0 {
					x.Errorf("the host rested for %v", pause)
				}
				switch why := frontier.Reason(fmt.Sprintf("http-%d", status)); want {
				case done:
					x.doneAtOnce(status)
				case retry:
					x.diesOf(why, status, backoff)
				default:
					x.diesOf(why, status, patience)
				}
			})
		})
	}
}

// doneAtOnce wants the first page fetched and settled.
func (x *trial) doneAtOnce(status int) {
	x.Helper()
	x.settled(2, 0)
	if r := x.journal.record(first); r == nil || r.Status != status || r.Error != nil || x.web.log().Count(first) != 1 {
		x.Errorf("record %+v, %d requests", r, x.web.log().Count(first))
	}
}

// diesOf wants the first page tried three times, with growing pauses between, and then given up.
func (x *trial) diesOf(why frontier.Reason, status int, wait func(attempt int) time.Duration) {
	x.Helper()
	x.settled(1, 1)
	if got, want := x.journal.verdicts(first), []frontier.Verdict{frontier.Retry, frontier.Retry, frontier.Dead}; !slices.Equal(got, want) {
		x.Errorf("verdicts %v, want %v", got, want)
	}
	for n, o := range x.journal.outcomes[first] {
		if o.Reason != why || o.Verdict == frontier.Retry && !around(o.After, wait(n)) {
			x.Errorf("attempt %d: %+v", n, o)
		}
	}
	r := x.journal.record(first)
	if r == nil || r.Status != status || r.Attempt != 2 || r.Error == nil || r.Error.Kind != string(why) {
		x.Errorf("record %+v", r)
	}
	totals := x.cfg.Tally.Totals()
	if totals.Dead[why] != 1 || totals.Retries[why] != 2 || totals.Status[status] < 1 || totals.Settled != 2 || totals.Done != 1 {
		x.Errorf("totals %+v", totals)
	}
	if s := x.stats(); s.DeadFor[why] != 1 || s.Retries != 2 {
		x.Errorf("stats %+v", s)
	}
}

func TestNoAnswerIsRetriedAfterAPauseOrFinalByItsKind(t *testing.T) {
	for kind, temporary := range map[crawler.Kind]bool{
		crawler.KindDNS: true, crawler.KindConnect: true, crawler.KindTimeout: true, crawler.KindReset: true,
		crawler.KindNoHost: false, crawler.KindAddress: false, crawler.KindTLS: false, crawler.KindHeader: false,
		crawler.KindProtocol: false, crawler.KindDecode: false, crawler.KindURL: false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, unhurried, empty, func(x *trial) {
				x.cfg.Plan.Fetch = failing{x.fetcher, &crawler.Error{Kind: kind, Err: errors.New("as planned")}}
				x.seed(first, second)
				begin := time.Now()
				x.run()
				pause := x.web.log().Requests("a.test")[0].Start.Sub(begin)
				if temporary {
					x.diesOf(frontier.Reason(kind), 0, patience)
					if !around(pause, time.Second) {
						x.Errorf("the host rested for %v", pause)
					}
					return
				}
				x.settled(1, 1)
				if o := x.journal.outcomes[first]; len(o) != 1 || o[0].Reason != frontier.Reason(kind) || o[0].Detail != "as planned" || pause > 0 {
					x.Errorf("outcomes %+v, the host rested for %v", o, pause)
				}
				if r := x.journal.record(first); r == nil || r.Error == nil || r.Error.Kind != string(kind) || r.Status != 0 {
					x.Errorf("record %+v", r)
				}
			})
		})
	}
}

// failing is a fetcher that gets no answer for the first page.
type failing struct {
	Fetcher
	err error
}

func (f failing) Fetch(ctx context.Context, url string) (*crawler.Response, error) {
	if url == first {
		return nil, f.err
	}
	return f.Fetcher.Fetch(ctx, url)
}

func TestAnErrorThatNoFetcherShouldReturnIsFinal(t *testing.T) {
	inBubble(t, unhurried, empty, func(x *trial) {
		x.cfg.Plan.Fetch = failing{x.fetcher, errors.New("odd")}
		x.seed(first, second)
		x.run()
		x.settled(1, 1)
		if o := x.journal.outcomes[first]; len(o) != 1 || o[0].Reason != "internal" || o[0].Detail != "odd" {
			x.Errorf("outcomes %+v", o)
		}
	})
}

func TestAConnectionThatFailsOrBreaksRestsTheHost(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.Retries, p.Timeout = 0, 2, 5*time.Second })
	for kind, handler := range map[frontier.Reason]http.HandlerFunc{
		"reset":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"timeout": after(time.Minute, empty),
	} {
		t.Run(string(kind), func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/0" {
					handler(rw, r)
				}
			}
			inBubble(t, p, answer, func(x *trial) {
				x.seed(first, second)
				x.run()
				x.diesOf(kind, 0, patience)
				if pause := x.pause(); !around(pause, time.Second) {
					x.Errorf("the host rested for %v", pause)
				}
			})
		})
	}
}

func TestRetryAfterBindsTheHostAndIsBounded(t *testing.T) {
	for asked, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 120 ": 2 * time.Minute, "0": time.Second,
		"86401": 24 * time.Hour, "99999999999999999999": 24 * time.Hour,
		"a date in 90 s": 90 * time.Second, "a date long ago": time.Second,
		"-5": 0, "soon": 0, "1.5": 0, "": 0, // 0: the backoff
	} {
		t.Run(asked, func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/1" {
					return
				}
				value := asked
				switch value {
				case "a date in 90 s":
					value = time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
				case "a date long ago":
					value = time.Unix(0, 0).UTC().Format(http.TimeFormat)
				}
				rw.Header().Set("Retry-After", value)
				rw.WriteHeader(http.StatusTooManyRequests)
			}
			p := policy(func(p *frontier.Policy) { p.Delay, p.Retries = 0, 1 })
			inBubble(t, p, answer, func(x *trial) {
				x.seed(first, second)
				x.run()
				x.settled(1, 1)
				pause := x.pause()
				if want == 0 && !around(pause, time.Second) || want > 0 && (pause < want || pause > want+time.Second) {
					x.Errorf("the host rested for %v", pause)
				}
				tries := slices.DeleteFunc(x.web.log().Requests("a.test"), isSecond)
				if gap := tries[1].Start.Sub(tries[0].End); gap < pause {
					x.Errorf("tried again after %v", gap)
				}
			})
		})
	}
}

func TestWhatAnItemWaitsGrowsWithTheAttempts(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.Retries, p.HostFailures = 0, 10, 0 })
	for status, wait := range map[int]func(int) time.Duration{http.StatusInternalServerError: backoff, http.StatusBadGateway: patience} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(status) }
			inBubble(t, p, answer, func(x *trial) {
				x.seed(first)
				x.run()
				x.settled(0, 1)
				all := x.web.log().Requests("a.test")
				if len(all) != 11 {
					x.Fatalf("%d tries", len(all))
				}
				for n := range 10 {
					gap := all[n+1].Start.Sub(all[n].End)
					if want := wait(n); gap < want*3/4 || gap > want*5/4+2*time.Second { // the worker looks once a second
						x.Errorf("try %d: after %v, want about %v", n+1, gap, want)
					}
				}
			})
		})
	}
}

func TestAPanicMakesOnePageDeadAndTheCrawlGoesOn(t *testing.T) {
	answer := pages(map[string]string{
		"a.test/0": link("/x"), "a.test/1": "no links",
	})
	inBubble(t, unhurried, answer, func(x *trial) {
		x.seed(first, second)
		x.cfg.Plan.Scope = nil // so that whoever judges a link panics
		x.run()
		x.settled(1, 1)
		o := x.journal.outcomes[first]
		if len(o) != 1 || o[0].Reason != "panic" || !strings.Contains(o[0].Detail, "page.go") || len(o[0].Found) > 0 {
			x.Errorf("outcomes %+v", o)
		}
		if r := x.journal.record(first); r == nil || r.Error == nil || r.Error.Kind != "panic" || r.Status != 200 || r.Digest == "" {
			x.Errorf("record %+v", r)
		}
	})
}

func TestTheRecordOfAPageSaysWhatWasFetched(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		fmt.Fprint(rw, "<title>a  title</title>"+link("/1", "/1#again", "http://b.test/"))
	}
	inBubble(t, unhurried, after(250*time.Millisecond, answer), func(x *trial) {
		x.cfg.Name = "me"
		x.seed(first)
		begin := time.Now()
		x.run()
		r := x.journal.record(second)
		if r == nil || r.Via != first || r.Depth != 1 || r.Host != "http://a.test" || r.Worker != "me" || r.Title != "a title" ||
			r.Charset != "windows-1252" || r.DurationMS != 250 || r.FetchedAt.Sub(begin) != 250*time.Millisecond ||
			r.ID != crawler.RecordID("test", mustParse(x, second).Key(), 0) || !slices.Equal(r.Links, []string{second, "http://b.test/"}) {
			x.Errorf("record %+v", r)
		}
		if totals := x.cfg.Tally.Totals(); totals.Bytes != 2*r.Length || totals.Status[200] != 2 {
			x.Errorf("totals %+v, a page has %d bytes", totals, r.Length)
		}
	})
}
