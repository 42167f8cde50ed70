package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

const (
	foundAtOnce  = 500     // links of a sitemap that are held before they are handed on
	mostAtOnce   = 5000    // links of a page that are reported with it: while they are accepted, all other acks wait
	bytesAtOnce  = 1 << 20 // of them
	mostSitemaps = 1000    // of one robots.txt
	mostVouched  = 256     // hosts that a sitemap's reader remembers, and of which it looks for a note

	// What a site's own links lead to goes first: that says more of it than its list of pages, or than what others link to.
	listed   frontier.Priority = 1
	foreign  frontier.Priority = 1
	ratedLow frontier.Priority = 2 // by the site itself
)

// wantsSitemaps tells whether those that the host's robots.txt names are to be read.
func (v *visit) wantsSitemaps() bool {
	p := v.plan.Policy
	return p.Sitemaps && p.Scope != frontier.ScopePage && p.Depth != 0 && v.plan.Scope.Has(v.l.Host)
}

// announce makes known the sitemaps that a robots.txt names, before anybody may learn that it was read. They may be of
// other hosts; their pages are of this one. It returns false when the lease is lost.
func (v *visit) announce(ctx context.Context, ruling *crawler.Ruling) bool {
	robots := v.l.Host.URL("/robots.txt")
	l := links{v: v}
	base := frontier.NewBase(robots, "")
	lines := ruling.Sitemaps()
	for _, line := range lines[:min(len(lines), mostSitemaps)] {
		u, err := base.Resolve(line)
		if err != nil {
			v.w.Log.Debug("sitemap", "host", v.l.Host, "err", err)
			continue
		}
		l.offer(frontier.Entry{URL: u, Via: robots.String(), Priority: listed, Sitemap: true})
		if len(l.found) == foundAtOnce && !l.handOn(ctx) {
			return false
		}
	}
	return len(l.found) == 0 || l.handOn(ctx)
}

// handOn has the frontier accept the links found so far. It returns false when the lease was lost.
func (l *links) handOn(ctx context.Context) bool {
	l.v.acks.take()
	defer l.v.acks.yield()
	if !l.v.ack(ctx, frontier.Report{Found: l.found}) {
		return false
	}
	l.found = make([]frontier.Entry, 0, foundAtOnce)
	if l.elsewhere {
		l.v.w.rouse()
	}
	return true
}

// handOnMost hands on what are too many links for one ack. It returns false when the lease was lost.
func (l *links) handOnMost(ctx context.Context) bool {
	all := l.found
	for n := atOnce(all); n < len(all); n = atOnce(all) {
		l.found, all = all[:n], all[n:]
		if !l.handOn(ctx) {
			return false
		}
	}
	l.found = all
	return true
}

// atOnce is how many of those entries one ack may bring: a batch of the store has the acks of many hosts.
func atOnce(all []frontier.Entry) (n int) {
	for bytes := 0; n < min(len(all), mostAtOnce) && bytes < bytesAtOnce; n++ {
		bytes += len(all[n].URL.String())
	}
	return n
}

// isSitemap tells whether an answer is to be read as a sitemap: it was asked for as one, or looks like one.
func (v *visit) isSitemap(it *frontier.Item, resp *crawler.Response) bool {
	return it.Sitemap || v.plan.Policy.Sitemaps && resp.Status/100 == 2 && parser.IsSitemap(resp.Body)
}

// listing reads a sitemap, whose entries are too many to be held at once.
type listing struct {
	*links
	base    *frontier.Base
	depth   int            // of pages
	next    frontier.Entry // what all its sitemaps have in common
	named   string         // the authority whose robots.txt named it, if one did
	vouched map[frontier.Host]bool
	notes   int  // so many were looked for
	over    bool // reading is to end: the crawl does, or the lease is lost
}

// sitemap reads a sitemap. It returns false when reading came to no end: the crawl did, or the lease was lost.
func (l *links) sitemap(ctx context.Context, rec *crawler.Record, resp *crawler.Response) bool {
	if resp.Status/100 != 2 {
		return true
	}
	s := l.newListing()
	info, err := parser.Sitemap(bodyOf(resp), resp.Header.Get("Content-Type"), func(e parser.SitemapEntry) bool {
		if !s.over {
			s.take(ctx, e)
		}
		return !s.over
	})
	if s.over {
		return false
	}
	l.refuseMany(frontier.BadURL, info.Bad, info.Example)
	l.refuseMany(frontier.TooLong, info.TooLong, info.Example)
	rec.Truncated = info.Truncated
	if err != nil && !resp.Truncated {
		rec.Error = &crawler.RecordError{Kind: "sitemap", Detail: sitemapError(info, err)}
	}
	return true
}

func sitemapError(info parser.SitemapInfo, err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is not whole")
	}
	if info.Entries == 0 {
		return err.Error()
	}
	return fmt.Sprintf("after %d entries: %v", info.Entries, err)
}

// bodyOf reads a body to its end, or to where it was cut.
func bodyOf(resp *crawler.Response) io.Reader {
	if resp.Truncated {
		return io.MultiReader(bytes.NewReader(resp.Body), cut{})
	}
	return bytes.NewReader(resp.Body)
}

// cut is the end of a body of which there was more.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (l *links) newListing() *listing {
	from := l.from
	l.finite = from.Sitemap
	s := &listing{
		links: l, base: frontier.NewBase(from.URL, ""), depth: from.Depth + 1,
		next:    frontier.Entry{Via: from.URL.String(), Depth: 1, Priority: listed, Sitemap: true},
		vouched: map[frontier.Host]bool{},
	}
	if !from.Sitemap {
		return s
	}
	s.depth, s.next.Depth = 1, from.Depth+1
	if from.Via != "" {
		s.next.Via = from.Via
	}
	if via, err := frontier.ParseURL(from.Via); err == nil && via.Path() == "/robots.txt" {
		s.named = via.Host().Authority()
	}
	// Under this scope the pages of a sitemap that the user named are those that are wanted.
	s.next.Seed = from.Seed && l.v.plan.Policy.Scope == frontier.ScopePage
	return s
}

// take takes an entry.
func (s *listing) take(ctx context.Context, e parser.SitemapEntry) {
	u, err := s.base.Resolve(e.Loc)
	switch {
	case err != nil:
		s.refuseBad(e.Loc, err)
	case e.Sitemap && !s.from.Sitemap: // nobody called that a sitemap: pages could list each other so without end
		s.refuse(frontier.SitemapDepth, u.String())
	case !s.vouches(ctx, u.Host()):
		s.refuse(frontier.SitemapHost, u.String())
	default:
		s.offer(s.entry(e, u))
	}
	s.over = s.over || ctx.Err() != nil || len(s.found) >= foundAtOnce && !s.handOn(ctx)
}

func (s *listing) entry(e parser.SitemapEntry, u frontier.URL) frontier.Entry {
	if e.Sitemap {
		next := s.next
		next.URL = u
		return next
	}
	page := frontier.Entry{URL: u, Via: s.from.URL.String(), Depth: s.depth, Priority: listed}
	if e.Priority < 0.5 {
		page.Priority = ratedLow
	}
	if s.next.Seed {
		page.Seed, page.Depth = true, 0
		s.v.plan.Scope.Add(u)
	}
	return page
}

// vouches tells whether the sitemap may speak for a host: it is its own, it is named by that host's robots.txt, or the
// user named both. http and https are one host here.
func (s *listing) vouches(ctx context.Context, h frontier.Host) bool {
	authority := h.Authority()
	if authority == s.from.URL.Host().Authority() || authority == s.named {
		return true
	}
	ok, known := s.vouched[h]
	if !known {
		if len(s.vouched) == mostVouched {
			clear(s.vouched)
		}
		ok = s.from.Seed && s.v.plan.Policy.Scope != frontier.ScopeAny && s.v.plan.Scope.Has(h) || s.isNamedBy(ctx, h)
		s.vouched[h] = ok
	}
	return ok
}

// isNamedBy tells whether a host's robots.txt, as far as it is known, names the sitemap.
func (s *listing) isNamedBy(ctx context.Context, h frontier.Host) bool {
	ruling := s.rulingOn(ctx, h)
	if ruling == nil {
		return false
	}
	base := frontier.NewBase(h.URL("/robots.txt"), "")
	lines := ruling.Sitemaps()
	for _, line := range lines[:min(len(lines), mostSitemaps)] {
		if u, err := base.Resolve(line); err == nil && u == s.from.URL {
			return true
		}
	}
	return false
}

// rulingOn returns what is known of a host here or, of some hosts that can be in scope, in the frontier; nil: nothing.
func (s *listing) rulingOn(ctx context.Context, h frontier.Host) *crawler.Ruling {
	if s.v.plan.Robots == nil {
		return nil
	}
	if ruling, ok := s.v.plan.Robots.Cached(string(h)); ok {
		return ruling
	}
	memory, shared := s.v.w.Frontier.(frontier.Memory)
	if !shared || s.notes == mostVouched || !s.v.plan.Scope.Has(h) {
		return nil
	}
	s.notes++
	ruling, serves, ok := s.v.recall(ctx, memory, h)
	s.over = s.over || !ok
	if !serves {
		return nil
	}
	return ruling
}
