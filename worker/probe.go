package worker

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

// crowd are the pages of one shape and one class: of a folder, of a path with any query, or of a whole host.
//
// A site that answers anything with such a page (a 404 page that says 200, a shop that sells every size of every word)
// has no end if each has new links. No count can tell it from an honest site of ten thousand like pages, but a URL that
// cannot exist can: two of them are asked for, when there is a crowd, at the host's pace like any other. If both are
// answered with the same shape again, and with different links, the crowd echoes: the links of such pages are refused
// from then on. Links that stay are no harm; a list that shows its first page for page=nonsense is no trap either.
type crowd struct {
	pages int
	state crowdState
	tries int // probes that failed
}

type crowdState uint8

const (
	unknown crowdState = iota
	asked              // a probe of it is due, or under way
	echoing
	honest  // the site does not answer anything with it
	unasked // that cannot be found out
)

func (c *crowd) weight() int { return c.pages }

// maxTries of a probe that comes to nothing: a timeout, an error of the server.
const maxTries = 3

// probe is a question that is to be asked of a host.
type probe struct {
	of    *crowd
	shape uint64
	model frontier.URL    // a page of the crowd
	param bool            // the URL that cannot exist differs in a parameter, not in the path
	whole bool            // the crowd is of the whole host
	links map[uint64]bool // of the first answer
	word  string          // the nonsense in the URL asked for last

	underWay bool // guarded by traps.mu, like of
}

// meet counts a page that was read, and tells whether it is an echo. After so many of one shape a probe is due.
func (t *traps) meet(u frontier.URL, shape uint64, links, after int) (echoes bool) {
	if links == 0 || after <= 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	class, query := classOf(u)
	for _, class := range [2]string{class, ""} { // "": its host
		c := t.crowds.get(t.crowdKey(u.Host(), class, shape))
		c.pages++
		if c.state == echoing || c.state == asked || c.state == honest { // what is so of the folder says enough
			return c.state == echoing
		}
		if c.state == unknown && c.pages >= after*(1+c.tries) {
			t.ask(&probe{of: c, shape: shape, model: u, param: query && class != "", whole: class == ""})
		}
	}
	return false
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

func (t *traps) crowdKey(host frontier.Host, class string, shape uint64) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(string(host))
	h.WriteString(class)
	maphash.WriteComparable(&h, shape)
	return h.Sum64()
}

// classOf returns a URL's folder, or its whole path when it has a query.
func classOf(u frontier.URL) (class string, query bool) {
	path, _, query := strings.Cut(u.Path(), "?")
	if query {
		return path, true
	}
	return path[:max(strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/')+1, len("/"))], false
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

// conclude notes what a probe has shown.
func (t *traps) conclude(p *probe, state crowdState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.due, p.model.Host())
	if p.of.state = state; state == unknown {
		if p.of.tries++; p.of.tries == maxTries {
			p.of.state = unasked
		}
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
		v.w.traps.conclude(p, unknown)
		return true
	}
	v.heed(p, u, resp)
	return true
}

// heed draws the conclusion from the answer to a probe, or asks again.
func (v *visit) heed(p *probe, u frontier.URL, resp *crawler.Response) {
	shape, links := v.likeness(u, resp, p.quoted)
	if shape != p.shape || len(links) == 0 {
		v.w.traps.conclude(p, honest)
		return
	}
	if p.links == nil {
		p.links = links
		v.w.traps.again(p)
		return
	}
	state := honest
	if p.differs(links) {
		state = echoing
		v.w.Log.Debug("answers anything", "host", v.l.Host, "like", p.model)
	}
	v.w.traps.conclude(p, state)
}

// differs tells whether two answers lead to different places. Some links of honest pages contain their own URL; more of
// them do where that is only wrong in a parameter.
func (p *probe) differs(links map[uint64]bool) bool {
	fresh := 0
	for link := range links {
		if !p.links[link] {
			fresh++
		}
	}
	if p.param {
		return 2*fresh > len(links)
	}
	return 4*fresh >= len(links)
}

// quoted tells whether a link has the URL that was asked for in its query.
func (p *probe) quoted(link frontier.URL) bool {
	_, query, _ := strings.Cut(link.Path(), "?")
	return !p.param && p.word != "" && strings.Contains(query, p.word)
}

// likeness returns a page's shape and its links to its own host; 0 if it is none that was found. A panic is no likeness.
// Links that the page only makes up of what was asked for, as a choice of languages does, are not among them.
func (v *visit) likeness(u frontier.URL, resp *crawler.Response, quoted func(frontier.URL) bool) (shape uint64, links map[uint64]bool) {
	defer func() {
		if recover() != nil {
			shape, links = 0, nil
		}
	}()
	kind := resp.Header.Get("Content-Type")
	if resp.Status != http.StatusOK || !parser.IsHTML(kind, resp.Body) {
		return 0, nil
	}
	doc := parser.HTML(resp.Body, kind, parser.Options{Agent: v.w.Token})
	base := frontier.NewBase(u, doc.Base)
	links = map[uint64]bool{}
	for _, link := range doc.Links {
		if to, err := base.Resolve(link.URL); err == nil && to.Host() == u.Host() && !quoted(to) {
			links[maphash.String(v.w.traps.seed, to.String())] = true
		}
	}
	return doc.Shape, links
}
