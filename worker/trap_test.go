package worker

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// site answers every path with the links that a function gives it.
func site(links func(u *url.URL) []string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		refs := links(r.URL)
		if refs == nil {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, link(refs...))
	}
}

func word() string { return strconv.FormatUint(rand.Uint64(), 36) }

// ends wants a crawl of a site without end to be over within so many requests, and links refused for one reason.
func ends(t *testing.T, p frontier.Policy, most int, why frontier.Reason, links func(u *url.URL) []string) {
	p.MaxPages = int64(2 * most)
	inBubble(t, p, site(links), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		if n := x.web.log().Total(); n > most {
			x.Errorf("%d requests; want %d at most", n, most)
		}
		if s := x.stats(); s.Refused[why] == 0 || len(s.Refused) > 1 || s.Queued > 0 || s.Dead > 0 {
			x.Errorf("stats %+v", s)
		}
	})
}

func TestCalendarsEnd(t *testing.T) {
	t.Parallel()
	const start = 2000*12 + 5 // the time in a bubble begins in 2000
	months := func(at int, form func(year, month int) string) (list []string) {
		for _, m := range []int{at - 1, at + 1, at - 12, at + 12} {
			list = append(list, form(m/12, m%12+1))
		}
		return list
	}
	near := policy(func(p *frontier.Policy) { p.Delay, p.MaxDates, p.EchoAfter = 0, 100, 0 })
	ahead := near
	ahead.MaxDates = 1000
	for name, form := range map[string]string{"folders": "/cal/%d/%02d/", "query": "/cal?year=%d&month=%d", "dashes": "/cal/%d-%02d", "in a name": "/cal-%d-%02d-01.html"} {
		page := func(u *url.URL) []string {
			year, month := start/12, start%12+1
			_, _ = fmt.Sscanf(u.RequestURI(), form, &year, &month)
			return months(year*12+month-1, func(y, m int) string { return fmt.Sprintf(form, y, m) })
		}
		onward := func(u *url.URL) []string { return page(u)[1:2] }
		t.Run(name, func(t *testing.T) { ends(t, near, 125, frontier.Calendar, page) })
		t.Run(name+", of the future", func(t *testing.T) { ends(t, ahead, 70, frontier.Calendar, onward) })
	}
}

// TestCalendarsOfWeeksAndYearsEnd leads back, for thirty years, and on.
func TestCalendarsOfWeeksAndYearsEnd(t *testing.T) {
	t.Parallel()
	const start = 2000 * 52
	for form, most := range map[string]int{"/cal/%d-W%02d": 200, "/cal/%d/w%d": 200, "/week/%[2]d/%[1]d": 200, "/cal/%d": 160, "/cal?year=%d": 160} {
		t.Run(form, func(t *testing.T) {
			p, step := policy(func(p *frontier.Policy) { p.Delay, p.MaxDates, p.EchoAfter, p.MaxPages = 0, 160, 0, 1000 }), 1
			link := func(week int) string { return fmt.Sprintf(form, week/52, week%52+1) }
			if !strings.Contains(form, "W") && !strings.Contains(form, "w") {
				step = 52
				link = func(week int) string { return fmt.Sprintf(form, week/52) }
			}
			at := map[string]int{"/": start}
			ends(t, p, most, frontier.Calendar, func(u *url.URL) []string {
				here := at[u.RequestURI()]
				back, on := link(max(here-step, start-30*52)), link(here+step)
				at[back], at[on] = max(here-step, start-30*52), here+step
				return []string{back, on}
			})
		})
	}
}

// TestCalendarsOfDaysEnd has those ways to write a day that the one above has not.
func TestCalendarsOfDaysEnd(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"/e/02.01.2006", "/e/02-01-2006", "/e/1-2-2006", "/e/2006/Jan/02", "/e/January-2006", "/e/2006_01_02", "/e/06/01/02", "/e/2/1/06", "/e/1-2-06.html", "/e/02/01/2006.html",
		"/e?date=01/02/2006", "/e?date=01|02|2006", "/e?month=Jan&year=2006", "/e/Monday-January-2-2006", "/e/mon-02.01.2006.html", "/e/2006-01-02T15:04:05Z", "/e?from=2006-01-02T15:04:05.000Z",
	} {
		t.Run(form, func(t *testing.T) {
			traps, p, refused := newTraps(), frontier.DefaultPolicy(), 0
			for i := range 4000 { // a month for a form without a day, else a day
				day := time.Now().AddDate(0, 0, -i)
				if !strings.Contains(strings.ReplaceAll(form, "2006", ""), "2") {
					day = time.Now().AddDate(0, -i, 0)
				}
				url := frontier.Host("http://a.test").URL(strings.ReplaceAll(day.Format(form), "|", "%2F"))
				if traps.refuses(url, &p) == frontier.Calendar {
					refused++
				}
			}
			if most := p.MaxDates + p.MaxDates/8; 4000-refused > most {
				t.Errorf("%d of 4000 were let pass; want %d at most", 4000-refused, most)
			}
		})
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]string{
		"parameter": "/p/%d?sid=%s", "of the path": "/p/%d;sessionid=%s", "segment": "/%[2]s/p/%[1]d", "folder": "/session/%[2]s/p/%[1]d",
		"against caches": "/p/%d?rnd=%s", "of a form": "/p/%d?__csrf_token=%s", "short name": "/p/%d?s=%s00",
	} {
		t.Run(name, func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay, p.EchoAfter = 0, 0 })
			ends(t, p, 1+20*sessionsOfOne, frontier.SessionID, func(*url.URL) (list []string) {
				for i := range 20 {
					token := fmt.Sprintf("%012x", rand.Uint64()>>16) + "a1"
					if name == "segment" {
						token = "(S(" + token + "))"
					}
					list = append(list, fmt.Sprintf(form, i, token))
				}
				return list
			})
		})
	}
}

func TestQueriesEnd(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{10, 300, 5000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay, p.MaxQueries, p.EchoAfter = 0, limit, 0 })
			ends(t, p, limit+limit/8+5, frontier.ManyQueries, func(*url.URL) (list []string) {
				for range 20 {
					list = append(list, "/list?q="+word())
				}
				return list
			})
		})
	}
}

// TestSitemapsOfAHostHaveAnEnd has an index of more sitemaps than a host may have.
func TestSitemapsOfAHostHaveAnEnd(t *testing.T) {
	var many []string
	for i := range maxSitemaps + 5000 {
		many = append(many, fmt.Sprintf("http://a.test/%d.xml", i))
	}
	p := policy(func(p *frontier.Policy) { p.Delay, p.MaxPages = 0, 5 })
	inBubble(t, p, files(map[string]string{"a.test/index.xml": sitemapIndex(many...)}), func(x *trial) {
		x.seedSitemap("http://a.test/index.xml")
		x.run()
		s := x.stats()
		if n := s.Refused[frontier.ManySitemaps]; n < 5000-maxSitemaps/8 || n > 5000+maxSitemaps/8 || s.Seen != 1+int64(len(many))-n {
			x.Errorf("%d refused; stats %+v", n, s)
		}
	})
}

// TestSitemapsHaveAnEndWhateverLeadsToThem has those that a robots.txt names, which may name others each time, and those that
// known ones redirect to.
func TestSitemapsHaveAnEndWhateverLeadsToThem(t *testing.T) {
	t.Parallel()
	p := frontier.DefaultPolicy()
	scope, err := frontier.NewScope(p)
	if err != nil {
		t.Fatal(err)
	}
	host := frontier.Host("http://a.test")
	scope.Add(host.URL("/"))
	v := &visit{w: &worker{traps: newTraps()}, plan: &Plan{Policy: p, Scope: scope}, l: frontier.Lease{Host: host}}
	named := links{v: v}
	for i := range maxSitemaps {
		named.offer(frontier.Entry{URL: host.URL(fmt.Sprintf("/%d.xml", i)), Sitemap: true})
	}
	redirected := links{v: v}
	for i := range maxSitemaps {
		redirected.from = &frontier.Item{Entry: frontier.Entry{URL: host.URL(fmt.Sprintf("/%d.xml", i)), Sitemap: true}}
		redirected.redirect(fmt.Sprintf("/to/%d.xml", i))
	}
	if n := len(named.found) + len(redirected.found); n < maxSitemaps*7/8 || n > maxSitemaps*9/8 {
		t.Errorf("%d were let pass", n)
	}
	if list := redirected.refused; len(list) != 1 || list[0].Reason != frontier.ManySitemaps {
		t.Errorf("refused: %+v", list)
	}
}

func TestPathsThatGrowEnd(t *testing.T) {
	t.Parallel()
	deeper := func(*url.URL) []string { return []string{"a/", "b/"} }
	p := policy(func(p *frontier.Policy) { p.Delay, p.EchoAfter = 0, 0 })
	t.Run("repeats", func(t *testing.T) { ends(t, p, 100, frontier.PathRepeats, deeper) })
	p.MaxPathDepth, p.MaxPathRepeats = 5, 0
	t.Run("depth", func(t *testing.T) { ends(t, p, 64, frontier.PathDepth, deeper) })
}

// TestHonestURLsAreNotRefused offers what honest sites have, in an order in which a crawl may find it.
func TestHonestURLsAreNotRefused(t *testing.T) {
	t.Parallel()
	number := func(form string) func(i int) string { return func(i int) string { return fmt.Sprintf(form, i) } }
	for name, url := range map[string]func(i int) string{
		"news with slugs":      func(i int) string { return fmt.Sprintf("/%d/%02d/%02d/story-%d", 2000+i%20, i%12+1, i%28+1, i) },
		"blog, year and month": func(i int) string { return fmt.Sprintf("/%d/%02d/story-%d.html", 2000+i%20, i%12+1, i) },
		"documents":            number("/docs/v2/api/part-%d/index.html"),
		"tiles":                func(i int) string { return fmt.Sprintf("/tiles/12/%d/%d.png", 2000+i%100, i/100) },
		"forum":                number("/viewtopic.php?t=%d"),
		"forum, pages":         func(i int) string { return fmt.Sprintf("/thread/%d/%d", 1000+i/3, i%3+1) },
		"items by number":      number("/item/20%04d"),
		"files by shard":       func(i int) string { return fmt.Sprintf("/f/%02d/%02d/%02d.jpg", i*7%100, i*13%100, i%97) },
		"tiles of a level":     func(i int) string { return fmt.Sprintf("/tiles/11/%d/%d.png", i/90, 1000+i%90*10) },
		"versions":             func(i int) string { return fmt.Sprintf("/docs/%d.%d.%d/index.html", i/400, i/20%20, i%20) },
		"chapters":             func(i int) string { return fmt.Sprintf("/book/%d-%d-%d", i/400+1, i/20%20, i%20) },
		"part numbers":         func(i int) string { return fmt.Sprintf("/part/%02d-%02d-%04d", i%60, i%45, 1000+i) },
		"nodes":                func(i int) string { return fmt.Sprintf("/node/%d", 9000-i) },
		"news by name of month": func(i int) string {
			return fmt.Sprintf("/%d/%s/%02d/story-%d", 2000+i%20, time.Month(i%12 + 1).String()[:3], i%28+1, i)
		},
		"items of 8 digits":   number("/item/2024%04d"),
		"films by year":       func(i int) string { return fmt.Sprintf("/films/%d", 1900+i%130) },
		"wiki":                number("/wiki/index.php?title=Page_%d&action=history"),
		"uuids":               func(i int) string { return fmt.Sprintf("/item/8f14e45f-ceea-467f-a187-%012d/view", i) },
		"items by few digits": func(i int) string { return fmt.Sprintf("/item/%d", 1+i*2003%5000) },
		"items by digits":     number("/item/%d.html"),
		"years and weeks":     func(i int) string { return fmt.Sprintf("/archive/%d/W%02d", 2012+i%15, i/15%52+1) },
		"years":               func(i int) string { return fmt.Sprintf("/archive/%d", 1995+i%32) },
		"years, in a query":   func(i int) string { return fmt.Sprintf("/archive?year=%d&of=%d", 1995+i%32, i/32) },
		"conference":          number("/agenda?session=talk-%d"),
		"search":              number("/?s=word-%d"),
		"stories":             number("/article.pl?sid=%d"),
	} {
		t.Run(name, func(t *testing.T) {
			traps, p := newTraps(), frontier.DefaultPolicy()
			refused := 0
			for i := range 9000 {
				if why := traps.refuses(frontier.Host("http://a.test").URL(url(i)), &p); why != "" {
					if refused++; refused == 1 {
						t.Errorf("%s: %s", url(i), why)
					}
				}
			}
			if refused > 0 {
				t.Errorf("%d refused", refused)
			}
		})
	}
}

func TestTrapsOfOneHostDoNotTouchAnother(t *testing.T) {
	t.Parallel()
	traps, p := newTraps(), policy(func(p *frontier.Policy) { p.MaxQueries = 10 })
	refuses := func(host frontier.Host, i int) frontier.Reason {
		return traps.refuses(host.URL(fmt.Sprintf("/?q=%d", i)), &p)
	}
	for i := range 20 {
		if why, want := refuses("http://a.test", i), i >= 10; (why == frontier.ManyQueries) != want {
			t.Errorf("the %d-th: %q", i, why)
		}
	}
	if why := refuses("http://b.test", 1); why != "" {
		t.Errorf("another host: %s", why)
	}
}

// TestATrapIsNotForgottenForTheManyURLsThatOccurOnce fills the table many times over.
func TestATrapIsNotForgottenForTheManyURLsThatOccurOnce(t *testing.T) {
	t.Parallel()
	traps, p := newTraps(), policy(func(p *frontier.Policy) { p.MaxQueries = 50 })
	trap := func() frontier.Reason { return traps.refuses(frontier.Host("http://a.test").URL("/?q="+word()), &p) }
	for range 40 {
		trap()
	}
	for i := range 3 * maxTemplates {
		traps.refuses(frontier.Host("http://b.test").URL(fmt.Sprintf("/%d?q=1", i)), &p)
	}
	for range 20 {
		trap()
	}
	if why := trap(); why != frontier.ManyQueries {
		t.Errorf("the trap: %q", why)
	}
	if n := len(traps.templates.places); n > maxTemplates || n != traps.templates.order.Len() {
		t.Errorf("%d templates, %d in order", n, traps.templates.order.Len())
	}
}

func TestTheHonestWebIsNotRefused(t *testing.T) {
	const pages = 2000
	web := webtest.New(webtest.Config{Seed: 3, PagesPerHost: pages, Links: 12, PageBytes: 1 << 10})
	p := policy(func(p *frontier.Policy) { p.Delay, p.EchoAfter = 0, 10 })
	inBubble(t, p, web.ServeHTTP, func(x *trial) {
		x.seed("http://h0000.localhost/")
		x.run()
		x.settled(int64(pages), 0)
		x.refused(map[frontier.Reason]int64{frontier.BadScheme: x.stats().Refused[frontier.BadScheme]})
	})
}

func TestZeroTurnsTheRulesOff(t *testing.T) {
	t.Parallel()
	traps, p := newTraps(), policy(func(p *frontier.Policy) { p.MaxDates, p.MaxQueries = 0, 0 })
	for i := range 20_000 {
		for _, form := range []string{"/cal/%d-05-17", "/cal?year=%d&month=1", "/list?q=%d"} {
			u := frontier.Host("http://a.test").URL(fmt.Sprintf(form, 1000+i%9000))
			if why := traps.refuses(u, &p); why != "" {
				t.Fatalf("%s: %s", u, why)
			}
		}
	}
}

func TestTheHighestLimitsRefuseNothing(t *testing.T) {
	t.Parallel()
	p := policy(func(p *frontier.Policy) { p.MaxDates, p.MaxQueries = math.MaxInt, math.MaxInt })
	for _, form := range []string{"/cal/2006-01-02", "/list?q=2006x01x02"} {
		if n := passed(t, p, 5000, "", func(i int) string { return daysBefore(i).Format(form) }); n != 5000 {
			t.Errorf("%s: %d of 5000 were let pass", form, n)
		}
	}
}

func TestDistinctCountsToItsLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 5, 16, 17, 400, 4000, 10_000, 1_000_000} {
		var c distinct
		n := 0
		for ; n < 2*limit+10; n++ {
			hash := rand.Uint64()
			if c.add(hash, limit) > limit {
				break
			}
			c.add(hash, limit) // which makes no difference
		}
		if low, high := limit-limit/8-1, limit+limit/8+1; n < low || n > high {
			t.Errorf("limit %d was reached at %d", limit, n)
		}
	}
}

func BenchmarkRefuses(b *testing.B) {
	p := frontier.DefaultPolicy()
	for _, path := range []string{"/guide/intro/start.html", "/s3/12345.html", "/view?n=25&s=5", "/2024/05/17/a-title", "/p/1?sid=8f2d01ab77"} {
		b.Run(strings.ReplaceAll(path, "/", "|"), func(b *testing.B) {
			traps, u := newTraps(), frontier.Host("http://www.example.com").URL(path)
			b.ReportAllocs()
			for b.Loop() {
				traps.refuses(u, &p)
			}
		})
	}
}

func TestWhatASitemapListsIsNoTrap(t *testing.T) {
	var urls []string
	for i := range 20 {
		urls = append(urls, fmt.Sprintf("http://a.test/view?topic=%d", i))
	}
	p := policy(func(p *frontier.Policy) { p.Delay, p.MaxQueries = 0, 5 })
	inBubble(t, p, files(map[string]string{"a.test/s.xml": urlset(urls...)}), func(x *trial) {
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.settled(21, 0)
	})
}
