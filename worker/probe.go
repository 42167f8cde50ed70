package worker

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

const (
	maxTries    = 3   // of a probe that comes to nothing: a timeout, an error of the server
	mostDrawn   = 100 // links
	mostAnswers = 40  // to draw them from
)

// probe is a question that is to be asked of a host, a few times.
type probe struct {
	of    *crowd
	shape uint64       // anyShape: those of the crowd have no common one
	model frontier.URL // a page of the crowd
	after int          // Policy.EchoAfter
	spots []spot       // where nonsense goes, each in its turn
	word  string       // the nonsense in the URL asked for last

	answers int
	unlike  bool            // one was of a shape that no pages have
	first   map[uint64]bool // links of the first answer
	drawn   []uint64        // those of others which the first has not

	underWay bool // guarded by traps.mu, like of
}

// hasPages tells whether pages of a shape were seen of a host.
func (t *traps) hasPages(h frontier.Host, shape uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.crowds.find(t.key(h, "", shape)) != nil || t.crowds.find(t.key(h, "?", shape)) != nil
}

// ask makes a probe due, if no other of its host is. When there are too many, one is forgotten whose host may never be
// visited again. The caller holds mu.
func (t *traps) ask(p *probe) {
	if t.due[p.model.Host()] != nil {
		return
	}
	if len(t.due) >= maxDue {
		for host, old := range t.due {
			if !old.underWay {
				old.of.state = unknown
				delete(t.due, host)
				break
			}
		}
	}
	p.of.state = asked
	t.due[p.model.Host()] = p
}

// next takes the probe of a host, if one is due.
func (t *traps) next(h frontier.Host) *probe {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.due[h]
	if p == nil || p.underWay {
		return nil
	}
	p.underWay = true
	return p
}

// again puts a probe back that was not sent, or is to be sent twice.
func (t *traps) again(p *probe) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.underWay = false
}

// pass goes on to the next spot of a probe, when nothing was found in one; or concludes.
func (t *traps) pass(p *probe, state crowdState) {
	if len(p.spots) > 1 {
		p.spots, p.answers, p.unlike, p.first, p.drawn = p.spots[1:], 0, false, nil, nil
		t.again(p)
		return
	}
	t.conclude(p, state)
}

// conclude notes what a probe has shown. Without an answer it is unknown.
func (t *traps) conclude(p *probe, state crowdState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.due, p.model.Host())
	switch c := p.of; {
	case state == watched:
		c.draw(p)
	case state == unknown && c.tries+1 < maxTries:
		c.state = unknown
		c.tries++
	case state == unknown:
		c.conclude(unasked)
	default:
		c.conclude(state)
	}
}

// url returns a URL like the model that cannot exist.
func (p *probe) url() frontier.URL {
	path, s := p.model.Path(), p.spots[0]
	p.word = s.fill(path[s.from:s.to])
	return p.model.Host().URL(path[:s.from] + p.word + path[s.to:])
}

// probe sends a probe, if one is due. The caller has the turn, and a place; it is allowed to send a request now. false:
// it still is.
func (v *visit) probe(ctx context.Context) (sent bool) {
	p := v.w.traps.next(v.l.Host)
	if p == nil {
		return false
	}
	u := p.url()
	switch e := (frontier.Entry{URL: u}); {
	case v.isLate():
		v.w.traps.again(p)
		return false
	case v.plan.Scope.Judge(&e) != "" || !v.allows(v.ruling, u):
		v.w.traps.pass(p, unknown)
		return false
	}
	it := frontier.Item{Entry: frontier.Entry{URL: u}}
	began := time.Now()
	resp, err := v.request(ctx, &it, func() {})
	if err != nil && ctx.Err() != nil {
		v.w.traps.again(p)
		return true
	}
	v.feel(resp, err, time.Since(began))
	if resp != nil {
		defer resp.Release()
	}
	if failed := v.failure(&it, resp, err, began); failed != nil {
		v.pace.rest(failed.pause)
		if failed.stays { // it is not the site that did not answer, or not only this URL: that shows nothing
			v.w.traps.again(p)
		} else {
			v.w.traps.conclude(p, unknown)
		}
		return true
	}
	v.heed(p, u, resp)
	return true
}

// heed draws the conclusion from the answer to a probe, or asks again. A site has an end whose pages have less than one
// new link each.
func (v *visit) heed(p *probe, u frontier.URL, resp *crawler.Response) {
	defer v.w.desks.sit(resp.Body)()
	shape, links := v.likeness(u, resp)
	p.unlike = p.unlike || shape != p.shape && !v.w.traps.hasPages(p.model.Host(), shape)
	p.draw(v.w.traps.seed, links)
	switch {
	case len(links) == 0, len(p.drawn) < p.answers-1:
		v.w.traps.pass(p, honest)
	case p.answers < mostAnswers && len(p.drawn) < mostDrawn:
		v.w.traps.again(p)
	default:
		v.w.Log.Debug("seems to answer anything", "host", v.l.Host, "like", p.model)
		v.w.traps.conclude(p, watched)
	}
}

// draw takes the links of an answer that were not in one before.
func (p *probe) draw(seed maphash.Seed, links []frontier.URL) {
	isFirst := p.answers == 0
	p.answers++
	if isFirst {
		p.first = make(map[uint64]bool, len(links))
	}
	for _, key := range p.unquoted(links) {
		link := maphash.String(seed, key)
		switch {
		case isFirst:
			p.first[link] = true
		case !p.first[link] && len(p.drawn) < mostDrawn && !slices.Contains(p.drawn, link):
			p.drawn = append(p.drawn, link)
		}
	}
}

// unquoted returns what tells links apart. Honest pages too make up some of what was asked for: a choice of languages, a
// printed form. So the nonsense is left out of them, unless most quote it and it is at the end of a path, or in a query.
// Folders, and parameters of a whole host, may be ones that the site does not care for and hands on.
func (p *probe) unquoted(links []frontier.URL) (keys []string) {
	quoting, kin := 0, p.of.kin(p.model)
	for _, link := range links {
		key := linkKey(link, p.of.param)
		if strings.Contains(key, p.word) {
			quoting++
		}
		if p.of.kin(link) == kin {
			keys = append(keys, key)
		}
	}
	if quoting > 0 && (p.isRelative() || 2*quoting <= len(links)) {
		for i, key := range keys {
			keys[i] = strings.ReplaceAll(key, p.word, "~")
		}
	}
	return keys
}

// isRelative tells whether the spot is in what links are relative to, or may keep.
func (p *probe) isRelative() bool {
	if p.spots[0].from > strings.IndexByte(p.model.Path()+"?", '?') {
		return p.of.whole
	}
	after, _, _ := strings.Cut(p.model.Path()[p.spots[0].to:], "?")
	return strings.Contains(strings.TrimSuffix(after, "/"), "/")
}

// linkKey is the part of a URL that tells it from others of a crowd: the whole if those have a query, else the path. What is
// new there in a query only is a token, or what the rule for queries is for.
func linkKey(u frontier.URL, param bool) string {
	key := u.Key()
	if end := strings.IndexByte(key, '?'); end >= 0 && !param {
		return key[:end]
	}
	return key
}

// likeness returns a page's shape and those of its links to its own host that the crawl would follow; 0 if it is none that
// was found. A panic is no likeness.
func (v *visit) likeness(u frontier.URL, resp *crawler.Response) (shape uint64, links []frontier.URL) {
	defer func() {
		if recover() != nil {
			shape, links = 0, nil
		}
	}()
	kind := resp.Header.Get("Content-Type")
	if !parser.IsHTML(kind, resp.Body) {
		return 0, nil
	}
	began := time.Now()
	doc := parser.HTML(resp.Body, kind, parser.Options{Agent: v.w.Token})
	v.pay(resp, len(doc.Links), time.Since(began))
	base := frontier.NewBase(u, doc.Base)
	for _, link := range doc.Links {
		to, err := base.Resolve(link.URL)
		if err != nil || to.Host() != u.Host() {
			continue
		}
		if e := (frontier.Entry{URL: to}); v.plan.Scope.Judge(&e) == "" && v.allows(v.ruling, to) {
			links = append(links, to)
		}
	}
	return shapeOf(resp.Status, doc), links
}

// shapeOf is a page's shape with its status: the links of all are followed, but a 404 page is not like a page that there is.
func shapeOf(status int, doc *parser.Document) uint64 { return doc.Shape ^ uint64(status)<<32 }
