package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

// judge reads what came back for an item. A panic, which some page provoked, makes that page dead and nothing else. It
// returns nil when reading came to no end.
func (v *visit) judge(ctx context.Context, it *frontier.Item, resp *crawler.Response) (p *verdict) {
	defer func() {
		if r := recover(); r != nil {
			p = v.dead(it, "panic", fmt.Sprintf("%v\n%s", r, debug.Stack()))
		}
	}()
	return v.read(ctx, it, resp)
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

// read takes from an answer what it leads to; nil: reading came to no end.
func (v *visit) read(ctx context.Context, it *frontier.Item, resp *crawler.Response) *verdict {
	l := links{v: v, from: it}
	p := &verdict{Outcome: frontier.Outcome{Verdict: frontier.Done}, record: v.record(it)}
	defer func() { v.pay(resp, l.refs, l.took) }()
	if to := resp.Header.Get("Location"); to != "" && resp.Status/100 == 3 {
		p.record.Redirect = l.redirect(to)
	} else if v.isSitemap(it, resp) {
		if !l.sitemap(ctx, p.record, resp) {
			return nil
		}
	} else if parser.IsHTML(resp.Header.Get("Content-Type"), resp.Body) {
		defer v.w.desks.sit(resp.Body)()
		l.page(p.record, resp)
		if !l.handOnMost(ctx) {
			return nil
		}
	}
	p.Found, p.Refused, p.elsewhere, p.echo = l.found, l.refused, l.elsewhere, l.echo
	return p
}

// links sorts the links of one page into those to follow and those refused.
type links struct {
	v         *visit
	from      *frontier.Item
	found     []frontier.Entry
	refused   []frontier.Refusal
	elsewhere bool
	echo      bool // the page is one of those that its site answers anything with
	finite    bool // it is a list that has an end: a sitemap
	refs      int  // on the page, links to anywhere
	took      time.Duration
}

// redirect follows a Location. It is a URL of the frontier like any other: paced, filtered and fetched in its turn.
func (l *links) redirect(to string) string {
	u, err := frontier.NewBase(l.from.URL, "").Resolve(escapeBytes(to))
	if err != nil {
		l.refuseBad(to, err)
		return short(to)
	}
	e := frontier.Entry{URL: u, Via: l.from.URL.String(), Depth: l.from.Depth, Hops: l.from.Hops + 1}
	if l.from.Sitemap {
		e.Sitemap, e.Priority = true, l.from.Priority
		e.Via = cmp.Or(l.from.Via, e.Via) // who named it
	}
	if l.from.Seed && l.v.plan.Scope.SameSite(l.from.URL, u) {
		// example.com leads to www.example.com: that is the site that was meant.
		e.Seed = true
		l.v.plan.Scope.Add(u)
	}
	l.offer(e)
	return u.String()
}

// escapeBytes escapes a reference that is no UTF-8, as headers can hold, byte by byte: the server means those.
func escapeBytes(ref string) string {
	if utf8.ValidString(ref) {
		return ref
	}
	var b strings.Builder
	for i := range len(ref) {
		if c := ref[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// page reads an HTML page.
func (l *links) page(rec *crawler.Record, resp *crawler.Response) {
	defer func(began time.Time) { l.took = time.Since(began) }(time.Now())
	doc := parser.HTML(resp.Body, resp.Header.Get("Content-Type"), parser.Options{Agent: l.v.w.Token, Assets: l.v.plan.Policy.Assets})
	l.refs = len(doc.Links)
	rec.Title, rec.Charset, rec.Truncated = doc.Title, doc.Charset, doc.Truncated
	if l.v.w.Extract != nil {
		var whole bool
		rec.Fields, whole = l.v.w.Extract(resp.Body, resp.Header.Get("Content-Type"))
		rec.Truncated = rec.Truncated || !whole
	}
	_, nofollow := parser.RobotsHeader(resp.Header.Values("X-Robots-Tag"), l.v.w.Token)
	obey := !l.v.plan.Policy.IgnoreRobots
	nofollow = nofollow || doc.NoFollow
	base := frontier.NewBase(l.from.URL, doc.Base)
	via := l.from.URL.String()
	after := l.v.plan.Policy.EchoAfter
	var watchers []*crowd
	watchers, l.echo = l.v.w.traps.meet(l.from.URL, shapeOf(resp.Status, doc), len(doc.Links), after)
	repeated := l.v.w.traps.isRepeated(l.from, resp.Body, after)
	follows := make(map[string]bool, len(doc.Links)) // of each URL: one of its links may be followed
	l.found = make([]frontier.Entry, 0, len(doc.Links))
	rec.Links = make([]string, 0, len(doc.Links))
	room := mostLinkBytes
	for _, link := range doc.Links {
		u, err := base.Resolve(link.URL)
		if err != nil {
			l.refuseBad(link.URL, err)
			continue
		}
		if room -= len(u.String()); room < 0 {
			rec.Truncated = true
			break
		}
		asset := link.Kind.IsAsset() // is no link: nofollow does not mean it
		follow := !obey || asset || !nofollow && !link.NoFollow
		followed, known := follows[u.String()]
		if !known {
			rec.Links = append(rec.Links, u.String())
		}
		follows[u.String()] = follow || followed
		switch {
		case follow && !followed && repeated && isRelative(link.URL):
			l.refuse(frontier.Echo, u.String())
		case follow && !followed:
			e := frontier.Entry{URL: u, Via: via, Depth: l.from.Depth + 1}
			if link.Kind == parser.Refresh { // is a redirect by other means
				e.Depth, e.Hops = l.from.Depth, l.from.Hops+1
			}
			l.take(e, asset)
		case !follow && !known:
			l.refuse(frontier.ByNofollow, u.String())
		}
	}
	l.v.w.traps.watch(watchers, l.from.URL, l.found)
}

// offer adds an entry to those found, if scope, limits and, as far as they are known here, robots rules allow it.
// The rules of a host that has not been asked for them yet are looked at when the URL is lent.
func (l *links) offer(e frontier.Entry) { l.judged(e, l.v.plan.Scope.Judge(&e)) }

// take offers what a page leads to, or is made of: that adds no depth.
func (l *links) take(e frontier.Entry, asset bool) {
	if !asset {
		l.offer(e)
		return
	}
	e.Depth = l.from.Depth
	l.judged(e, l.v.plan.Scope.JudgeAsset(&e, l.from.URL))
}

// judged goes on with an entry that scope and limits refuse for a reason, or do not.
func (l *links) judged(e frontier.Entry, reason frontier.Reason) {
	if reason == "" && !l.allowed(&e) {
		reason = frontier.ByRobots
	}
	if reason == "" {
		reason = l.trap(&e)
	}
	if reason != "" {
		l.refuse(reason, e.URL.String())
		return
	}
	if e.URL.Host() != l.v.l.Host {
		l.elsewhere = true
		if !e.Seed && !l.v.plan.Scope.SameSite(e.URL, l.v.l.Host.URL("/")) {
			e.Priority = max(e.Priority, foreign)
		}
	}
	l.found = append(l.found, e)
}

// trap tells whether an entry leads into a site without end, by what this worker knows.
func (l *links) trap(e *frontier.Entry) frontier.Reason {
	switch {
	case e.Sitemap && l.v.w.traps.sitemaps(e.URL) > maxSitemaps:
		return frontier.ManySitemaps
	case e.Sitemap || e.Seed || l.finite:
		return ""
	case l.echo:
		return frontier.Echo
	case e.URL.Host() != l.v.l.Host && !l.v.plan.Scope.IsSeed(e.URL.Host()) && l.isOneOfMany(e.URL):
		return frontier.ManyHosts
	}
	return l.v.w.traps.refuses(e.URL, &l.v.plan.Policy)
}

// isOneOfMany tells whether a link leads to a host of a domain that has too many: those that others name, or, unless it is
// the domain that is to be crawled, those that its own hosts name.
func (l *links) isOneOfMany(u frontier.URL) bool {
	p, namer := &l.v.plan.Policy, l.v.l.Host
	if p.Scope == frontier.ScopeDomain {
		namer = ""
	}
	return l.v.w.traps.isOneOfMany(u, namer, p.MaxDomainHosts)
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
	return l.v.allows(ruling, e.URL)
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

func (l *links) refuse(reason frontier.Reason, url string) { l.refuseMany(reason, 1, url) }

func (l *links) refuseMany(reason frontier.Reason, n int, example string) {
	if n == 0 {
		return
	}
	for i := range l.refused {
		if l.refused[i].Reason == reason {
			l.refused[i].Count += n
			return
		}
	}
	l.refused = append(l.refused, frontier.Refusal{Reason: reason, Count: n, Example: short(example)})
}

// short cuts what somebody wrote where a URL belongs, which may be a picture of some megabytes, to a URL's length.
func short(ref string) string {
	return strings.ToValidUTF8(ref[:min(len(ref), frontier.MaxURLLen)], "")
}
