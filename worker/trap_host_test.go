package worker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// passed counts the URLs of a host that are not refused. It wants others to be refused for one reason.
func passed(t *testing.T, p frontier.Policy, n int, why frontier.Reason, url func(i int) string) (pass int) {
	t.Helper()
	traps := newTraps()
	for i := range n {
		switch got := traps.refuses(frontier.Host("http://a.test").URL(url(i)), &p); got {
		case "":
			pass++
		case why:
		default:
			t.Fatalf("%s: %s", url(i), got)
		}
	}
	return pass
}

func daysBefore(i int) time.Time {
	return time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -i)
}

// TestCalendarsOfManyTemplatesEnd has more calendars than one of a host, each of them within its own limit.
func TestCalendarsOfManyTemplatesEnd(t *testing.T) {
	t.Parallel()
	const calendars, days = 200, 100
	p := policy(func(p *frontier.Policy) { p.MaxDates = days })
	for name, form := range map[string]string{
		"of a room": "/room-%d/2006/01/02", "of a room, in a query": "/room?id=%d&checkin=2006-01-02", "by number below a day": "/2006-01-02/%d.html",
	} {
		t.Run(name, func(t *testing.T) {
			got := passed(t, p, calendars*days, frontier.Calendar, func(i int) string {
				return fmt.Sprintf(daysBefore(i/calendars).Format(form), i%calendars)
			})
			if most := hostDates*days*9/8 + several*calendars; got > most {
				t.Errorf("%d were let pass; want %d at most", got, most)
			}
		})
	}
}

func TestTimesOfADayAreOfItsCalendar(t *testing.T) {
	t.Parallel()
	p := frontier.DefaultPolicy()
	for _, form := range []string{
		"/e/2006-01-02/15:04", "/e/2006/01/02/15:04:05", "/e/2006/01/02/15:04.html", "/e?date=2006-01-02&time=15:04", "/e?date=2006-01-02&from=15|04",
		"/e?year=2006&month=01&day=02&hour=15", "/e/2006-01-02?hour=15&minute=04",
	} {
		got := passed(t, p, 4000, frontier.Calendar, func(i int) string {
			return strings.ReplaceAll(daysBefore(0).Add(time.Duration(-i)*time.Hour).Format(form), "|", "%3A")
		})
		if most := p.MaxDates * 9 / 8; got > most {
			t.Errorf("%s: %d of 4000 were let pass; want %d at most", form, got, most)
		}
	}
}

func TestCalendarsBySecondsEnd(t *testing.T) {
	t.Parallel()
	const second = 437 // of an hour, at which the server began to count
	p := frontier.DefaultPolicy()
	for _, form := range []string{"/e/S", "/e/S/list", "/view-S.html", "/e/S.html", "/e/S000", "/e?start=S", "/e?to=S000&from=S000", "/e?offset=S", "/e?t=S", "/e?timestamp=S", "/e?date=S000"} {
		back := passed(t, p, 4000, frontier.Calendar, func(i int) string {
			return strings.ReplaceAll(form, "S", strconv.FormatInt(daysBefore(i).Unix()+second, 10))
		})
		today := passed(t, p, 4000, frontier.Calendar, func(i int) string { // each page has a link to this second
			at := time.Now().Add(time.Duration(i)).Unix()
			if i%2 == 0 {
				at = daysBefore(i+10).Unix() + second
			}
			return strings.ReplaceAll(form, "S", strconv.FormatInt(at, 10))
		})
		on := passed(t, p, 4000, frontier.Calendar, func(i int) string {
			return strings.ReplaceAll(form, "S", strconv.FormatInt(time.Now().AddDate(3, 0, i).Truncate(time.Hour).Unix()+second, 10))
		})
		if most := p.MaxDates * 9 / 8; back > most || today-2000 > most || on > datesToTrust*9/8 {
			t.Errorf("%s: of 4000 back %d were let pass, of 2000 beside today %d, of 4000 on %d; want %d and %d at most", form, back, today-2000, on, most, datesToTrust*9/8)
		}
	}
}

func TestQueriesOfManyPathsEnd(t *testing.T) {
	t.Parallel()
	const paths, queries = 100, 80
	p := policy(func(p *frontier.Policy) { p.MaxQueries = queries })
	got := passed(t, p, paths*queries, frontier.ManyQueries, func(i int) string { return fmt.Sprintf("/list-%d?q=%d", i%paths, i/paths) })
	if most := hostQueries*queries*9/8 + several*paths; got > most {
		t.Errorf("%d were let pass; want %d at most", got, most)
	}
	got = passed(t, p, paths*queries, frontier.ManyQueries, func(i int) string { return fmt.Sprintf("/thing-%d?q=%d", i/several, i%several) })
	if got != paths*queries {
		t.Errorf("of paths with few queries %d of %d were let pass", got, paths*queries)
	}
}

// honestSites are the URLs of sites of some 20,000 pages, in an order in which a crawl may find them.
var honestSites = map[string]struct {
	pages int
	url   func(i int) string
}{
	"newspaper, articles": {20_000, func(i int) string { return daysBefore(i%11_000).Format("/2006/01/02/") + fmt.Sprintf("story-%d", i) }},
	"newspaper, columns": {18_000, func(i int) string {
		return daysBefore(i/20).Format("/2006/01/02/") + fmt.Sprintf("column-%d.html", i%20)
	}},
	"newspaper, days": {18_000, func(i int) string { return fmt.Sprintf("/section-%d/", i%20) + daysBefore(i/20).Format("2006-01-02/") }},
	"blog, months":    {20_000, func(i int) string { return fmt.Sprintf("/author-%d/", i/200) + daysBefore(i%200*30).Format("2006/01/") }},
	"photos by day": {17_500, func(i int) string {
		return daysBefore(i/25).Format("/gallery/2006-01-02/") + fmt.Sprintf("%d.html", i%25+1)
	}},
	"photos by name of day": {900, func(i int) string { return daysBefore(i).Format("/photos/Monday-January-2-2006") }},
	"API of many versions": {19_500, func(i int) string {
		return daysBefore(i%15*90).Format("/api/2006-01-02/") + fmt.Sprintf("resource-%d", i/15)
	}},
	"timetable":                 {9000, func(i int) string { return fmt.Sprintf("/stop/%d?time=%02d:%02d", i/1440, i%24, i/24%60) }},
	"posts by second":           {20_000, func(i int) string { return fmt.Sprintf("/entry/%d", 1_715_904_000-i*8641) }},
	"posts by second, in query": {9000, func(i int) string { return fmt.Sprintf("/entry?start=%d", 1_715_904_000-i*8641) }},
	"posts by millisecond":      {20_000, func(i int) string { return fmt.Sprintf("/p/%d", 1_715_904_000_123-i*8_641_777) }},
	"things of ten digits":      {20_000, func(i int) string { return fmt.Sprintf("/item/%d/photos", 1_000_000_000+i*31) }},
	"stories of ten digits":     {20_000, func(i int) string { return fmt.Sprintf("/news/story-%d", 1_000_000_000+i*31) }},
	"things of 13 digits":       {20_000, func(i int) string { return fmt.Sprintf("/item/%d", 2_000_000_000_500+i) }},
	"stories of 13 digits":      {20_000, func(i int) string { return fmt.Sprintf("/news/story-%d", 2_000_000_000_000+i) }},
	"forum":                     {19_500, func(i int) string { return fmt.Sprintf("/thread-%d?page=%d", i/15, i%15+1) }},
	"forum, one path":           {9000, func(i int) string { return fmt.Sprintf("/viewtopic.php?t=%d&start=%d", i/3, i%3*20) }},
	"wiki":                      {19_200, func(i int) string { return fmt.Sprintf("/wiki/Page_%d?oldid=%d", i/12, i) }},
	"shop":                      {20_000, func(i int) string { return fmt.Sprintf("/c/%d?color=%d&size=%d", i/100, i/10%10, i%10) }},
	"lists":                     {9000, func(i int) string { return fmt.Sprintf("/list?offset=%d", i*100) }},
	"tiles":                     {20_000, func(i int) string { return fmt.Sprintf("/tiles/%d/%d/%d.png", i/2000, i/50%40, i%50) }},
	"verses":                    {20_000, func(i int) string { return fmt.Sprintf("/bible/%d/%d/%d", i/360+1, i/30%12+1, i%30+1) }},
	"things by uuid":            {20_000, func(i int) string { return fmt.Sprintf("/item/550e8400-e29b-41d4-a716-%012x/photos", i*7919) }},
	"random things":             {2000, func(i int) string { return fmt.Sprintf("/random-%d/walk-%d", i, i) }},
	"days of the week":          {9000, func(i int) string { return fmt.Sprintf("/%s-%d", strings.ToLower(time.Weekday(i%7).String()), i) }},
}

func TestAnHonestSiteOf20000PagesLosesNothing(t *testing.T) {
	t.Parallel()
	for name, site := range honestSites {
		t.Run(name, func(t *testing.T) {
			if got := passed(t, frontier.DefaultPolicy(), site.pages, "", site.url); got != site.pages {
				t.Errorf("%d of %d were let pass", got, site.pages)
			}
		})
	}
	t.Run("all of them, one page of twenty", func(t *testing.T) {
		traps, p := newTraps(), frontier.DefaultPolicy()
		for i := range 1000 {
			for _, site := range honestSites {
				u := frontier.Host("http://a.test").URL(site.url(i * site.pages / 1000))
				if why := traps.refuses(u, &p); why != "" {
					t.Fatalf("%s: %s", u, why)
				}
			}
		}
	})
}

// Hosts of one domain have an end: soon, if it is their own domain that names them and not the one to be crawled.
func TestHostsOfOneDomainHaveAnEnd(t *testing.T) {
	t.Parallel()
	most := frontier.DefaultPolicy().MaxDomainHosts
	hostsEnd(t, frontier.ScopeAny, "http://here.example.com", map[string]int{
		"http://x%d.example.com": most / ownHosts, "http://www.%d.example.co.uk": most, "http://example.org:%d": most,
	})
	hostsEnd(t, frontier.ScopeAny, "http://elsewhere.test", map[string]int{"http://x%d.example.com": most})
	hostsEnd(t, frontier.ScopeDomain, "http://here.example.com", map[string]int{"http://x%d.example.com": most})
}

// hostsEnd wants about so many hosts of a form to be let pass from the page of another, and as many as there are of those
// that count for nothing.
func hostsEnd(t *testing.T, s frontier.ScopeRule, here frontier.Host, want map[string]int) {
	p := policy(func(p *frontier.Policy) { p.Scope = s })
	scope, err := frontier.NewScope(p)
	if err != nil {
		t.Fatal(err)
	}
	scope.Add(frontier.Host("http://seed.example.com").URL("/"))
	l := links{v: &visit{w: &worker{traps: newTraps()}, plan: &Plan{Policy: p, Scope: scope}, l: frontier.Lease{Host: here}}}
	offer := func(host string) (taken bool) {
		before := len(l.found)
		l.offer(frontier.Entry{URL: frontier.Host(host).URL("/")})
		return len(l.found) > before
	}
	for form, want := range want {
		n := 0
		for i := range p.MaxDomainHosts * 3 / 2 {
			if offer(fmt.Sprintf(form, i+1)) {
				n++
			}
		}
		if n < want*7/8 || n > want*9/8 {
			t.Errorf("%s, from %s under scope %s: %d were let pass, want %d", form, here, s, n, want)
		}
	}
	free := []string{"http://example.com", "https://www.example.com", "http://seed.example.com", string(here)}
	if s == frontier.ScopeAny {
		free = append(free, "http://example.co.uk", "http://www.example.org", "http://x1.example.net")
		for i := range p.MaxDomainHosts * 2 {
			free = append(free, fmt.Sprintf("http://x.example-%d.com", i))
		}
	}
	for _, host := range free {
		if !offer(host) {
			t.Fatalf("%s is refused", host)
		}
	}
	if list := l.refused; len(list) != 1 || list[0].Reason != frontier.ManyHosts {
		t.Errorf("refused: %+v", list)
	}
}

// BenchmarkRefusesOfAHost has URLs that are counted for their host too.
func BenchmarkRefusesOfAHost(b *testing.B) {
	p := frontier.DefaultPolicy()
	for _, name := range []string{"shop", "photos by day"} {
		b.Run(name, func(b *testing.B) {
			traps, urls := newTraps(), make([]frontier.URL, honestSites[name].pages)
			for i := range urls {
				urls[i] = frontier.Host("http://www.example.com").URL(honestSites[name].url(i))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				traps.refuses(urls[i%len(urls)], &p)
			}
		})
	}
	for _, host := range []frontier.Host{"http://www.example.com", "http://x1.example.com"} {
		b.Run(host.Authority(), func(b *testing.B) {
			traps, u := newTraps(), host.URL("/")
			b.ReportAllocs()
			for b.Loop() {
				traps.isOneOfMany(u, "", p.MaxDomainHosts)
			}
		})
	}
}
