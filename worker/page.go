package worker

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

// judge reads what came back for an item. A panic, which some page provoked, makes that page dead and nothing else.
func (v *visit) judge(it *frontier.Item, resp *crawler.Response) (p *verdict) {
	defer func() {
		if r := recover(); r != nil {
			p = v.dead(it, "panic", fmt.Sprintf("%v\n%s", r, debug.Stack()))
		}
	}()
	return v.read(it, resp)
}

// complete adds to a verdict, and to its record if it has one, what the response says by itself.
func (v *visit) complete(p *verdict, it *frontier.Item, resp *crawler.Response) {
	if resp != nil {
		p.status, p.bytes = resp.Status, int64(len(resp.Body))
	}
	if p.record != nil && resp != nil {
		p.record.Status = resp.Status
		p.record.FetchedAt = resp.Started
		p.record.DurationMS = resp.Duration.Milliseconds()
		p.record.ContentType = resp.Header.Get("Content-Type")
		p.record.Length = int64(len(resp.Body))
		p.record.Truncated = p.record.Truncated || resp.Truncated
		p.record.Digest = crawler.Digest(resp.Body)
	}
	v.w.Log.Debug("page", "url", it.URL, "status", p.status, "verdict", p.Verdict, "reason", p.Reason, "attempt", it.Attempt)
}

// record begins the record of an item.
func (v *visit) record(it *frontier.Item) *crawler.Record {
	return &crawler.Record{
		ID:        crawler.RecordID(v.w.Crawl.ID, it.URL.Key(), it.Generation),
		URL:       it.URL.String(),
		Host:      string(v.l.Host),
		FetchedAt: time.Now(),
		Depth:     it.Depth,
		Attempt:   it.Attempt,
		Via:       it.Via,
		Worker:    v.w.Name,
	}
}

// read takes from an answer what it leads to.
func (v *visit) read(it *frontier.Item, resp *crawler.Response) *verdict {
	l := links{v: v, from: it}
	p := &verdict{Outcome: frontier.Outcome{Verdict: frontier.Done}, record: v.record(it)}
	if to := resp.Header.Get("Location"); to != "" && resp.Status/100 == 3 {
		p.record.Redirect = l.redirect(to)
	} else if parser.IsHTML(resp.Header.Get("Content-Type"), resp.Body) {
		l.page(p.record, resp)
	}
	p.Found, p.Refused, p.elsewhere = l.found, l.refused, l.elsewhere
	return p
}

// links sorts the links of one page into those to follow and those refused.
type links struct {
	v         *visit
	from      *frontier.Item
	found     []frontier.Entry
	refused   []frontier.Refusal
	elsewhere bool
}

// redirect follows a Location. It is a URL of the frontier like any other: paced, filtered and fetched in its turn.
func (l *links) redirect(to string) string {
	u, err := frontier.NewBase(l.from.URL, "").Resolve(to)
	if err != nil {
		l.refuseBad(to, err)
		return short(to)
	}
	e := frontier.Entry{URL: u, Via: l.from.URL.String(), Depth: l.from.Depth, Hops: l.from.Hops + 1}
	if l.from.Seed && l.v.plan.Scope.SameSite(l.from.URL, u) {
		// example.com leads to www.example.com: that is the site that was meant.
		e.Seed = true
		l.v.plan.Scope.Add(u)
	}
	l.offer(e)
	return u.String()
}

// page reads an HTML page.
func (l *links) page(rec *crawler.Record, resp *crawler.Response) {
	doc := parser.HTML(resp.Body, resp.Header.Get("Content-Type"), l.v.w.Token)
	rec.Title, rec.Charset, rec.Truncated = doc.Title, doc.Charset, doc.Truncated
	if l.v.w.Extract != nil {
		rec.Fields = l.v.w.Extract(resp.Body, resp.Header.Get("Content-Type"))
	}
	_, nofollow := parser.RobotsHeader(resp.Header.Values("X-Robots-Tag"), l.v.w.Token)
	obey := !l.v.plan.Policy.IgnoreRobots
	nofollow = nofollow || doc.NoFollow
	base := frontier.NewBase(l.from.URL, doc.Base)
	via := l.from.URL.String()
	follows := make(map[string]bool, len(doc.Links)) // of each URL: one of its links may be followed
	l.found = make([]frontier.Entry, 0, len(doc.Links))
	rec.Links = make([]string, 0, len(doc.Links))
	for _, link := range doc.Links {
		u, err := base.Resolve(link.URL)
		if err != nil {
			l.refuseBad(link.URL, err)
			continue
		}
		follow := !obey || !nofollow && !link.NoFollow
		followed, known := follows[u.String()]
		if !known {
			rec.Links = append(rec.Links, u.String())
		}
		follows[u.String()] = follow || followed
		switch {
		case follow && !followed:
			l.offer(frontier.Entry{URL: u, Via: via, Depth: l.from.Depth + 1})
		case !follow && !known:
			l.refuse(frontier.ByNofollow, u.String())
		}
	}
}

// offer adds an entry to those found, if scope, limits and, as far as they are known here, robots rules allow it.
// The rules of a host that has not been asked for them yet are looked at when the URL is lent.
func (l *links) offer(e frontier.Entry) {
	reason := l.v.plan.Scope.Judge(&e)
	if reason == "" && !l.allowed(&e) {
		reason = frontier.ByRobots
	}
	if reason != "" {
		l.refuse(reason, e.URL.String())
		return
	}
	l.elsewhere = l.elsewhere || e.URL.Host() != l.v.l.Host
	l.found = append(l.found, e)
}

func (l *links) allowed(e *frontier.Entry) bool {
	ruling := l.v.ruling
	if host := e.URL.Host(); host != l.v.l.Host && l.v.plan.Robots != nil {
		known, ok := l.v.plan.Robots.Cached(string(host))
		if !ok || known.Unreachable() != nil {
			return true
		}
		ruling = known
	}
	if ruling == nil {
		return true
	}
	ok, _ := ruling.Allowed(e.URL.Path())
	return ok
}

// refuseBad counts a reference that is no URL to fetch.
func (l *links) refuseBad(ref string, err error) {
	reason := frontier.BadURL
	var bad *frontier.URLError
	if errors.As(err, &bad) {
		reason = bad.Reason
	}
	l.refuse(reason, ref)
}

func (l *links) refuse(reason frontier.Reason, url string) {
	for i := range l.refused {
		if l.refused[i].Reason == reason {
			l.refused[i].Count++
			return
		}
	}
	l.refused = append(l.refused, frontier.Refusal{Reason: reason, Count: 1, Example: short(url)})
}

// short cuts what somebody wrote where a URL belongs, which may be a picture of some megabytes, to a URL's length.
func short(ref string) string {
	return strings.ToValidUTF8(ref[:min(len(ref), frontier.MaxURLLen)], "")
}
