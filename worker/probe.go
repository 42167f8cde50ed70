package worker

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
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
	mostAnswers = 20  // to draw them from
)

// probe is a question that is to be asked of a host, a few times.
type probe struct {
	of    *crowd
	shape uint64
	model frontier.URL // a page of the crowd
	param bool         // the URL that cannot exist differs in a parameter, not in the path
	whole bool         // the crowd is of the whole host
	word  string       // the nonsense in the URL asked for last

	answers int
	first   map[uint64]bool // links of the first answer
	drawn   []uint64        // those of others which the first has not

	underWay bool // guarded by traps.mu, like of
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

// conclude notes what a probe has shown. Without an answer it is unknown.
func (t *traps) conclude(p *probe, state crowdState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.due, p.model.Host())
	switch c := p.of; {
	case state == watched:
		c.draw(p.drawn)
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
	path, query, hasQuery := strings.Cut(p.model.Path(), "?")
	if p.param {
		last := strings.LastIndexByte(query, '&') + 1
		name, value, _ := strings.Cut(query[last:], "=")
		return p.model.Host().URL(path + "?" + query[:last] + name + "=" + p.nonsense(len(value)))
	}
	if from, to := drawnFolder(path); p.whole && to > 0 {
		return p.model.Host().URL(path[:from] + redrawn(path[from:to]) + p.model.Path()[to:])
	}
	whole := strings.TrimSuffix(path, "/")
	slash := strings.LastIndexByte(whole, '/') + 1
	if whole == "" {
		slash = len(path)
	}
	end := path[max(len(whole), slash):] // a slash, or an extension
	if dot := strings.LastIndexByte(path, '.'); end == "" && dot > slash {
		end = path[dot:]
	}
	path = path[:slash] + p.nonsense(len(path)-slash-len(end)) + end
	if hasQuery {
		path += "?" + query
	}
	return p.model.Host().URL(path)
}

// drawnFolder finds a folder whose name was drawn at random, as a session's is: path[from:to]; to is 0 if there is none.
func drawnFolder(path string) (from, to int) {
	for {
		end := strings.IndexByte(path[from+1:], '/')
		if end < 0 {
			return 0, 0
		}
		end += from + 1
		if looksDrawn(path[from+1:end], 16, false) {
			return from + 1, end
		}
		from = end
	}
}

// redrawn is another name of that kind: digits for digits, and letters that are hexadecimal digits too.
func redrawn(name string) string {
	other := []byte(name)
	for i, c := range other {
		switch {
		case '0' <= c && c <= '9':
			other[i] = '0' + byte(rand.IntN(10))
		case c >= 'A':
			other[i] = c&0x20 | 'A' + byte(rand.IntN(6))
		}
	}
	return string(other)
}

// nonsense is a word that nobody chose, of about the same length as another: pages may quote it.
func (p *probe) nonsense(length int) string {
	word := make([]byte, max(12, min(length, 64)))
	for i := range word {
		word[i] = 'a' + byte(rand.IntN(26))
	}
	p.word = string(word)
	return p.word
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
	case v.plan.Scope.Judge(&e) != "" || !allows(v.ruling, u):
		v.w.traps.conclude(p, unknown)
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
	shape, links := v.likeness(u, resp)
	if shape == p.shape && len(links) > 0 {
		p.draw(v.w.traps.seed, links)
	}
	switch {
	case shape != p.shape, len(links) == 0, len(p.drawn) < p.answers-1:
		v.w.traps.conclude(p, honest)
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

// unquoted returns the keys of links. Honest pages too make up some of what was asked for: a choice of languages, a
// printed form. So the nonsense is left out of them, unless most quote it, and not as that choice does, in a query.
func (p *probe) unquoted(links []frontier.URL) (keys []string) {
	quoting := 0
	for _, link := range links {
		key := link.Key()
		if p.word != "" && !p.param {
			path := strings.IndexByte(key+"?", '?')
			key = key[:path] + strings.ReplaceAll(key[path:], p.word, "~")
		}
		if keys = append(keys, key); p.word != "" && strings.Contains(key, p.word) {
			quoting++
		}
	}
	if 2*quoting <= len(keys) && quoting > 0 {
		for i, key := range keys {
			keys[i] = strings.ReplaceAll(key, p.word, "~")
		}
	}
	return keys
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
	doc := parser.HTML(resp.Body, kind, parser.Options{Agent: v.w.Token})
	base := frontier.NewBase(u, doc.Base)
	for _, link := range doc.Links {
		to, err := base.Resolve(link.URL)
		if err != nil || to.Host() != u.Host() {
			continue
		}
		if e := (frontier.Entry{URL: to}); v.plan.Scope.Judge(&e) == "" && allows(v.ruling, to) {
			links = append(links, to)
		}
	}
	return shapeOf(resp.Status, doc), links
}

// shapeOf is a page's shape with its status: the links of all are followed, but a 404 page is not like a page that there is.
func shapeOf(status int, doc *parser.Document) uint64 { return doc.Shape ^ uint64(status)<<32 }
