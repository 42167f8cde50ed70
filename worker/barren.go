package worker

import (
	"hash/maphash"
	"net/http"

	"trawl/crawler"
	"trawl/frontier"
)

// series are the URLs of one folder, or of one path with any query, that one page or sitemap leads to. Pages can list
// 100,000 that are not there, or that are all the same.
type series struct {
	barren int    // of the latest in a row
	body   uint64 // of the latest
}

// maxSeries bounds traps.series; barrenAfter is how many in a row, times Policy.EchoAfter, are enough to know the rest: 1,000.
const (
	maxSeries   = 16_384
	barrenAfter = 20
)

func (s *series) weight() int { return s.barren }

// yields notes what came of a URL that a page led to.
func (t *traps) yields(e *frontier.Entry, resp *crawler.Response) {
	if e.Seed || e.Via == "" || resp == nil {
		return
	}
	body, isGone := maphash.Bytes(t.seed, resp.Body), resp.Status == http.StatusNotFound || resp.Status == http.StatusGone
	isPage := resp.Status/100 == 2 && len(resp.Body) > 0
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.series.get(t.seriesKey(e))
	if isGone || isPage && body == s.body {
		s.barren++
	} else {
		s.barren = 0
	}
	s.body = body
}

// isBarren tells whether nothing is to be expected of a URL, as nothing came of those before it.
func (t *traps) isBarren(e *frontier.Entry, after int) bool {
	if e.Seed || e.Via == "" || after <= 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.series.find(t.seriesKey(e))
	return s != nil && s.barren >= barrenAfter*after
}

func (t *traps) seriesKey(e *frontier.Entry) uint64 {
	class, _, _ := classesOf(e.URL)
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(e.Via)
	h.WriteString(string(e.URL.Host()))
	h.WriteString(class)
	return h.Sum64()
}
