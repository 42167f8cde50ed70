package worker

import (
	"hash/maphash"
	"net/http"

	"trawl/frontier"
)

// series are the URLs of one folder, or of one path with any query, that one page or sitemap leads to, or all those of a
// host that another one leads to. Pages can list 100,000 that are not there, or that are all the same, or with which their
// site answers anything: those say more, but nothing against what a sitemap lists.
type series struct {
	barren int    // of the latest in a row; echoes several times
	body   uint64 // of the latest
}

// maxSeries bounds traps.series; barrenAfter is how many in a row, times Policy.EchoAfter, are enough to know the rest: 1,000.
const (
	maxSeries   = 16_384
	barrenAfter = 20
	echoCounts  = 5
)

func (s *series) weight() int { return s.barren }

// yields notes what came of a URL that a page led to.
func (t *traps) yields(e *frontier.Entry, p *verdict) {
	if e.Seed || e.Via == "" || p.status == 0 {
		return
	}
	digest := ""
	if p.record != nil {
		digest = p.record.Digest
	}
	body, isGone := maphash.String(t.seed, digest), p.status == http.StatusNotFound || p.status == http.StatusGone
	isPage := p.status/100 == 2 && p.bytes > 0
	key := t.seriesKey(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.series.get(key)
	switch {
	case p.echo && e.Priority == 0:
		s.barren += echoCounts
	case isGone || isPage && body == s.body:
		s.barren++
	default:
		s.barren = 0
	}
	s.body = body
}

// isBarren tells whether nothing is to be expected of a URL, as nothing came of those before it.
func (t *traps) isBarren(e *frontier.Entry, after int) bool {
	if e.Seed || e.Via == "" || after <= 0 {
		return false
	}
	key := t.seriesKey(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.series.find(key)
	return s != nil && s.barren >= barrenAfter*after
}

func (t *traps) seriesKey(e *frontier.Entry) uint64 {
	if via, err := frontier.ParseURL(e.Via); err == nil && via.Host() != e.URL.Host() {
		return t.key(e.URL.Host(), "", maphash.String(t.seed, string(via.Host())))
	}
	class, _, _ := classesOf(e.URL)
	return t.key(e.URL.Host(), class, maphash.String(t.seed, e.Via))
}
