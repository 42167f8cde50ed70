package worker

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// hasty is a policy that does not wait.
var hasty = policy(func(p *frontier.Policy) { p.Delay = 0 })

// redirects answers by authority and path: with a redirect where there is a target, else with an empty page.
func redirects(targets map[string]string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if to, ok := targets[r.Host+r.RequestURI]; ok {
			rw.Header().Set("Location", to)
			rw.WriteHeader(http.StatusFound)
		}
	}
}

// refused wants just these links refused.
func (x *trial) refused(want map[frontier.Reason]int64) {
	x.Helper()
	if got := x.stats().Refused; !maps.Equal(got, want) {
		x.Errorf("refused: %v, want %v", got, want)
	}
}

// found are the entries that a page led to.
func (x *trial) found(url string) []frontier.Entry {
	x.Helper()
	if o := x.journal.outcomes[url]; len(o) > 0 {
		return o[len(o)-1].Found
	}
	x.Fatalf("%s was not acked", url)
	return nil
}

func TestARedirectIsAnEntryOfTheSameDepthWithOneHopMore(t *testing.T) {
	answer := redirects(map[string]string{"a.test/b": "c?x", "a.test/c?x": "http://a.test/d"})
	seed := pages(map[string]string{"a.test/": link("/b")})
	inBubble(t, hasty, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			seed(rw, r)
		} else {
			answer(rw, r)
		}
	}, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(4, 0)
		for url, hops := range map[string]int{"http://a.test/b": 1, "http://a.test/c?x": 2} {
			if e := x.found(url); len(e) != 1 || e[0].Depth != 1 || e[0].Hops != hops || e[0].Via != url || e[0].Seed {
				x.Errorf("%s led to %+v", url, e)
			}
		}
		r := x.journal.record("http://a.test/c?x")
		if r.Redirect != "http://a.test/d" || r.Status != http.StatusFound || r.Via != "http://a.test/b" {
			x.Errorf("record %+v", r)
		}
	})
}

func TestRedirectsThatLeadInCirclesEnd(t *testing.T) {
	answer := redirects(map[string]string{"a.test/": "/", "a.test/0": "/1", "a.test/1": "/2", "a.test/2": "/0"})
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed("http://a.test/", "http://a.test/0")
		x.run()
		x.settled(4, 0)
		if n := x.web.log().Total(); n != 4 {
			x.Errorf("%d requests", n)
		}
	})
}

func TestTooManyRedirectsInARowAreRefused(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", r.URL.Path+"x")
		rw.WriteHeader(http.StatusMovedPermanently)
	}
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed("http://a.test/x")
		x.run()
		x.settled(1+frontier.MaxHops, 0)
		x.refused(map[frontier.Reason]int64{frontier.TooManyHops: 1})
	})
}

func TestASeedThatRedirectsWithinItsSiteWidensTheScope(t *testing.T) {
	bodies := pages(map[string]string{"www.a.test/": link("/in"), "www.a.test/in": "", "b.test/": "", "other.test/": link("/no")})
	answer := func(rw http.ResponseWriter, r *http.Request) {
		to := map[string]string{"a.test/": "http://www.a.test/", "b.test/": "http://other.test/"}
		if to[r.Host+r.RequestURI] != "" {
			redirects(to)(rw, r)
		} else {
			bodies(rw, r)
		}
	}
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed("http://a.test/", "http://b.test/")
		x.run()
		x.settled(4, 0) // a, www.a, www.a/in, b
		x.refused(map[frontier.Reason]int64{frontier.OutOfScope: 1})
		if e := x.found("http://a.test/"); len(e) != 1 || !e[0].Seed {
			x.Errorf("led to %+v", e)
		}
		var seeds []string
		err := x.model.Seeds(x.Context(), 0, func(e frontier.Entry) bool { seeds = append(seeds, e.URL.String()); return true })
		if err != nil || !slices.Contains(seeds, "http://www.a.test/") { // for the scope of the next run
			x.Errorf("seeds %q, %v", seeds, err)
		}
	})
}

func TestARedirectToWhatIsNoURLSettlesThePage(t *testing.T) {
	answer := redirects(map[string]string{"a.test/0": "http://[", "a.test/1": "mailto:a@b", "a.test/2": "/" + strings.Repeat("x", 5000)})
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed(urls("a.test", 3)...)
		x.run()
		x.settled(3, 0)
		x.refused(map[frontier.Reason]int64{frontier.BadURL: 1, frontier.BadScheme: 1, frontier.TooLong: 1})
		for _, r := range x.journal.records {
			if len(r.Redirect) > frontier.MaxURLLen {
				x.Errorf("a redirect of %d bytes is in the record", len(r.Redirect))
			}
		}
	})
}

func TestNofollowIsObeyedAndCounted(t *testing.T) {
	bodies := map[string]string{
		"a.test/link":   `<a rel="nofollow" href="/l1">x</a><a href="/l2">x</a>`,
		"a.test/meta":   `<meta name="robots" content="nofollow">` + link("/m1", "/m2"),
		"a.test/header": link("/h1"),
		"a.test/other":  link("/o1"),
		"a.test/both":   `<a rel="nofollow" href="/b1">x</a><a href="./b1">x</a><a rel="nofollow" href="/b1#y">x</a>`,
	}
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			rw.Header().Set("X-Robots-Tag", "noindex, nofollow")
		case "/other":
			rw.Header().Set("X-Robots-Tag", "otherbot: nofollow")
		}
		pages(bodies)(rw, r)
	}
	seeds := []string{"http://a.test/link", "http://a.test/meta", "http://a.test/header", "http://a.test/other", "http://a.test/both"}
	t.Run("obeyed", func(t *testing.T) {
		inBubble(t, hasty, answer, func(x *trial) {
			x.seed(seeds...)
			x.run()
			x.settled(5+3, 0) // l2, o1 and b1, which one link leaves free
			x.refused(map[frontier.Reason]int64{frontier.ByNofollow: 1 + 2 + 1 + 1})
			if got := x.journal.record("http://a.test/meta").Links; len(got) != 2 {
				x.Errorf("the record has the links %q", got)
			}
			if got := x.journal.record("http://a.test/both").Links; len(got) != 1 {
				x.Errorf("the record has the links %q", got)
			}
		})
	})
	t.Run("not asked for", func(t *testing.T) {
		p := policy(func(p *frontier.Policy) { p.Delay, p.IgnoreRobots = 0, true })
		inBubble(t, p, answer, func(x *trial) {
			x.seed(seeds...)
			x.run()
			x.settled(5+7, 0)
			x.refused(map[frontier.Reason]int64{})
		})
	})
}

func TestWhatRobotsForbidsIsNeitherFetchedNorSeenNorWritten(t *testing.T) {
	rules := "User-agent: *\nDisallow: /private\n"
	answer := pages(map[string]string{
		"a.test/robots.txt": rules, "b.test/robots.txt": rules,
		"a.test/":  link("/private/1", "/private/2?x", "/free", "http://b.test/private/3", "http://b.test/x"),
		"b.test/x": link("http://a.test/private/4"), "a.test/free": "",
	})
	p := policy(func(p *frontier.Policy) { p.Delay, p.Scope = 0, frontier.ScopeAny })
	inBubble(t, p, answer, func(x *trial) {
		x.obeyRobots()
		x.seed("http://a.test/", "http://a.test/private/seed", "http://a.test/private/seed2")
		x.run()
		x.settled(3, 0)
		// Of a.test the rules are known when its links are found; of b.test when the URL is lent.
		x.refused(map[frontier.Reason]int64{frontier.ByRobots: 2 + 2 + 1 + 1})
		if o := x.journal.outcomes["http://b.test/private/3"]; len(o) != 1 || o[0].Verdict != frontier.Refused {
			x.Errorf("outcomes %+v", o)
		}
		if n, m := len(x.found("http://a.test/")), len(x.found("http://b.test/x")); n != 3 || m != 0 {
			x.Errorf("%d and %d entries for the frontier, want those not known to be forbidden: 3 and 0", n, m)
		}
		for _, r := range x.journal.records {
			if strings.Contains(r.URL, "private") {
				x.Errorf("written: %s", r.URL)
			}
		}
		if n := x.web.log().Pages().Total(); n != 3 {
			x.Errorf("%d pages were asked for", n)
		}
		if totals := x.cfg.Tally.Totals(); totals.Settled != 3 || len(totals.Dead) > 0 {
			x.Errorf("totals %+v", totals)
		}
	})
}

func TestAHostWhoseRobotsCannotBeHadIsPutOffAndThenGivenUp(t *testing.T) {
	t.Run("for a while", func(t *testing.T) {
		var begin time.Time
		answer := func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" && time.Since(begin) < 3*time.Second {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		}
		inBubble(t, hasty, answer, func(x *trial) {
			begin = time.Now()
			x.obeyRobots()
			x.seed(urls("a.test", 5)...)
			x.run()
			x.settled(5, 0)
			if first := x.web.log().Pages().Requests("a.test")[0].Start.Sub(begin); first < 3*time.Second {
				x.Errorf("a page was asked for after %v", first)
			}
			if n := len(x.web.log().Requests("a.test")) - 5; n > 4 {
				x.Errorf("robots.txt was asked for %d times", n)
			}
		})
	})
	t.Run("for good", func(t *testing.T) {
		inBubble(t, hasty, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusBadGateway) }, func(x *trial) {
			x.obeyRobots()
			x.seed(urls("a.test", 5)...)
			x.run()
			x.settled(0, 5)
			if n := x.web.log().Pages().Total(); n != 0 {
				x.Errorf("%d pages were asked for", n)
			}
			for _, r := range x.journal.records {
				if r.Error == nil || r.Error.Kind != "robots-unreachable" || !strings.Contains(r.Error.Detail, "502") {
					x.Errorf("record %+v", r)
				}
			}
			if s := x.stats(); s.DeadFor["robots-unreachable"] != 5 || s.Retries != 0 || x.web.log().Total() != 7 {
				x.Errorf("stats %+v, %d requests", s, x.web.log().Total())
			}
		})
	})
}

func TestAHostWhoseRobotsCannotBeHadIsAskedAgainWhenItSays(t *testing.T) {
	inBubble(t, hasty, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Retry-After", "1000")
		rw.WriteHeader(http.StatusServiceUnavailable)
	}, func(x *trial) {
		x.obeyRobots()
		x.seed("http://a.test/")
		if took := x.run(); took < 3000*time.Second || x.web.log().Total() != 4 {
			x.Errorf("given up after %v and %d requests", took, x.web.log().Total())
		}
		x.settled(0, 1)
	})
}

func TestASinkThatFailsWhileAHostIsGivenUpLosesNothing(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Retries = 0 })
	inBubble(t, p, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusBadGateway) }, func(x *trial) {
		x.obeyRobots()
		x.seed(urls("a.test", 5)...)
		x.journal.refuse = noSpaceFor("http://a.test/2")
		if err := x.work(x.Context()); err == nil {
			x.Error("run: no error")
		}
		if s := x.stats(); s.Dead != 2 || s.Queued != 3 {
			x.Errorf("stats %+v", s)
		}
	})
}

func TestLinksAreResolvedAgainstTheBaseAndOfferedOnce(t *testing.T) {
	answer := pages(map[string]string{
		"a.test/dir/page": `<base href="/other/">` + link("x", "./x", "/other/x#frag", "http://A.test:80/other/x", "../y", "?q"),
	})
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed("http://a.test/dir/page")
		x.run()
		var got []string
		for _, e := range x.found("http://a.test/dir/page") {
			got = append(got, e.URL.String())
			if e.Depth != 1 || e.Hops != 0 || e.Via != "http://a.test/dir/page" || e.Seed {
				x.Errorf("found %+v", e)
			}
		}
		if want := []string{"http://a.test/other/x", "http://a.test/y", "http://a.test/other/?q"}; !slices.Equal(got, want) {
			x.Errorf("found %q, want %q", got, want)
		}
		x.settled(4, 0)
	})
}

func TestLinksOutOfScopeAreCountedByReasonWithAnExample(t *testing.T) {
	long := "/" + strings.Repeat("x", frontier.MaxURLLen)
	picture := "data:image/png;base64," + strings.Repeat("A", 1<<20)
	answer := pages(map[string]string{
		"a.test/":   link("http://b.test/1", "http://b.test/2", "http://c.test/", "/skip/1", "/in", "mailto:x@y", picture, "http://", long),
		"a.test/in": link("/deep"),
	})
	p := policy(func(p *frontier.Policy) { p.Delay, p.Depth, p.Exclude = 0, 1, []string{"/skip/"} })
	inBubble(t, p, answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(2, 0)
		x.refused(map[frontier.Reason]int64{
			frontier.OutOfScope: 3, frontier.Excluded: 1, frontier.BadScheme: 2, frontier.BadURL: 1, frontier.TooLong: 1, frontier.TooDeep: 1,
		})
		examples := map[frontier.Reason]string{}
		for _, r := range x.journal.outcomes["http://a.test/"][0].Refused {
			if _, twice := examples[r.Reason]; twice || len(r.Example) > frontier.MaxURLLen {
				x.Errorf("refused twice, or with an example of %d bytes: %s", len(r.Example), r.Reason)
			}
			examples[r.Reason] = r.Example
		}
		if examples[frontier.OutOfScope] != "http://b.test/1" || examples[frontier.Excluded] != "http://a.test/skip/1" || examples[frontier.BadScheme] != "mailto:x@y" {
			x.Errorf("examples %q", examples)
		}
	})
}

func TestOnlyPagesAreReadForLinks(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			rw.Header().Set("Content-Type", "application/json")
		}
		if r.URL.Path == "/gone" {
			rw.Header().Set("Content-Type", "text/html")
			rw.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(rw, link("/json", "/gone", fmt.Sprintf("/from%s", r.URL.Path)))
	}
	inBubble(t, policy(func(p *frontier.Policy) { p.Delay, p.Depth = 0, 1 }), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		if found := x.found("http://a.test/json"); len(found) > 0 {
			x.Errorf("links of a text that is no page: %+v", found)
		}
		x.settled(4, 0) // "/", and what it links to
	})
}
