package worker

import (
	"hash/maphash"
	"slices"
	"strings"

	"trawl/frontier"
)

// crowd are the pages of one shape and one class: of a folder, of a path with any query, or those of a whole host that have
// a query, or none. Pages whose shapes are rare, as long as they are, make up a crowd too.
//
// A site that answers anything with such a page (a 404 page that says 200, a shop that sells every size of every word)
// has no end if each has new links. No count can tell it from an honest site of ten thousand like pages, but URLs that
// cannot exist can: two are asked for, when there is a crowd, at the host's pace like any other, for each part of the URL in
// which its pages differ. Links that stay are no harm, nor is a list that shows its first page for page=nonsense. But if
// both are answered with a page, the second with links that the first has not, then some more are asked for, and the links
// of all answers are drawn.
//
// An honest site does that too if its page for what there is not names some pages that there are. Those come back: its
// pages link to them, or were they themselves. If there were n links on its pages, h of them among the m drawn, there may
// be n*m/h in all, as with fish in a pond. If there seem to be too many, the crowd echoes: links of such pages are refused
// from then on, and what they led to in their class is not fetched any more. So a trap that mixes known pages with new ones
// has an end too, only a later one.
type crowd struct {
	pages int
	state crowdState
	tries int          // probes that failed
	param bool         // its pages have a query
	whole bool         // it is of a host
	some  frontier.URL // the latest of its pages
	read  []uint64     // its pages, until it is known what it is

	drawn []uint64 // links that did not come back yet
	draws int      // all of them
	most  int      // pages that the site may seem to have
	links distinct // on its pages, since they were drawn
}

type crowdState uint8

const (
	unknown crowdState = iota
	asked              // a probe of it is due, or under way
	watched            // links are drawn
	echoing
	honest  // the site does not answer anything with it, or not with new links
	unasked // that cannot be found out
)

// Of times Policy.EchoAfter:
const (
	mostLike   = 500  // pages that a site may seem to have; 25,000
	mostUnlike = 4000 // when what there is not looks like none of them
	whenRare   = 4    // pages of rare shapes, until they are asked about
)

const (
	chance   = 5       // hits that a site may lack by chance: one of 10,000 pages lacks more once in 70,000 times
	anyShape = 0       // of pages whose shapes are rare
	maxMarks = 1 << 18 // of pages that lead nowhere: 10 MB
)

func (c *crowd) weight() int { return c.pages }

// add counts a page. Links may never be drawn, as of a host whose pages are all in one folder that says nothing: so it
// remembers no more pages than a site may have for certain.
func (c *crowd) add(page uint64, most int) {
	if c.pages++; c.state <= watched && len(c.read) < most {
		c.read = append(c.read, page)
	}
}

// draw takes the links of answers to nonsense.
func (c *crowd) draw(p *probe) {
	c.state, c.draws, c.most = watched, len(p.drawn), mostLike*p.after
	if p.unlike {
		c.most = mostUnlike * p.after
	}
	c.drawn = slices.DeleteFunc(p.drawn, func(link uint64) bool { return slices.Contains(c.read, link) })
}

// find takes a page, or a link on one, and tells whether there seem to be too many.
func (c *crowd) find(link uint64) bool {
	if i := slices.Index(c.drawn, link); i >= 0 {
		c.drawn = slices.Delete(c.drawn, i, i+1)
	}
	hits := c.draws - len(c.drawn)
	return c.links.add(link, c.most) > (hits+chance)*c.most/c.draws
}

// conclude sets what is known, and forgets what that needed.
func (c *crowd) conclude(state crowdState) {
	c.state, c.some, c.read, c.drawn, c.links = state, frontier.URL{}, nil, nil, distinct{}
}

// meet counts a page that was read, and tells whether it is an echo. After so many of one shape a probe is due. It returns
// those crowds that are to know where the page leads to.
func (t *traps) meet(u frontier.URL, shape uint64, links, after int) (watchers []*crowd, echoes bool) {
	if links == 0 || after <= 0 {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	class, all, query := classesOf(u)
	page, known := t.mark(u, query), 0
	for i, class := range [...]string{class, all, class, all} {
		shape, due := shape, after
		if i == 2 && known >= after {
			break // its shape is not rare
		}
		if i >= 2 {
			shape, due = anyShape, whenRare*after
		}
		c := t.crowds.get(t.key(u.Host(), class, shape))
		if c.pages == 0 { // its key says so, and a probe that is under way may be reading it
			c.param, c.whole = query, class == all
		}
		c.add(page, mostLike*after)
		switch {
		case c.state == echoing || c.state == honest: // what is so of the folder says enough
			return watchers, c.state == echoing
		case c.state == watched:
			watchers = append(watchers, c)
		case c.state == unknown && c.pages >= max(due*(1+c.tries), 2*known): // of a host with one folder too
			t.ask(&probe{of: c, shape: shape, model: u, after: after, spots: spotsOf(u, c)})
		}
		known, c.some = c.pages, u
	}
	return watchers, false
}

// mark is what a page of a crowd, or a link, is known by.
func (t *traps) mark(u frontier.URL, param bool) uint64 {
	return maphash.String(t.seed, linkKey(u, param))
}

// watch tells crowds of one of their pages, and where it leads to.
func (t *traps) watch(watchers []*crowd, page frontier.URL, found []frontier.Entry) {
	if len(watchers) == 0 {
		return
	}
	marks := make([]uint64, 0, 1+len(found)) // those of the watchers have a query, or none
	for _, c := range watchers {
		marks = t.marksFor(c, page, found, marks[:0])
		t.tell(c, marks)
	}
}

// marksFor appends the marks of a page and of its links that may be to more pages of the crowd.
func (t *traps) marksFor(c *crowd, page frontier.URL, found []frontier.Entry, marks []uint64) []uint64 {
	marks = append(marks, t.mark(page, c.param))
	kin := c.kin(page)
	for i := range found {
		if u := found[i].URL; u.Host() == page.Host() && c.kin(u) == kin {
			marks = append(marks, t.mark(u, c.param))
		}
	}
	return marks
}

// tell gives a crowd that watches the marks of pages.
func (t *traps) tell(c *crowd, marks []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.state == watched && slices.ContainsFunc(marks, c.find) {
		t.echo(c)
	}
}

// kin is what pages of the crowd have in common with links that may be to more of it, as far as queries tell: of those that
// are on every page, to log in say, the query may be another each time.
func (c *crowd) kin(u frontier.URL) string {
	switch {
	case !c.param:
		return ""
	case c.whole:
		return paramNames(u)
	}
	class, _, _ := classesOf(u)
	return class
}

// echo concludes that a crowd does.
func (t *traps) echo(c *crowd) {
	t.echoes.add(c.read, c.whole)
	c.conclude(echoing)
}

// marks are what pages that lead nowhere are known by, and something about each. When they are too many all are forgotten.
type marks map[uint64]bool

func (m marks) add(pages []uint64, about bool) {
	if len(m)+len(pages) > maxMarks {
		clear(m)
	}
	for _, page := range pages {
		m[page] = about
	}
}

// isEchoed tells whether an entry was found, before that was known, on a page of a crowd that echoes, and seems to be one of
// them: of their class, or if that is a whole host, of the same form as that page. Or on a page that is repeated, within its
// folder.
func (t *traps) isEchoed(e *frontier.Entry) bool {
	if e.Seed || e.Sitemap {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.echoes)+len(t.repeats) == 0 {
		return false
	}
	via, err := frontier.ParseURL(e.Via)
	if err != nil || via.Host() != e.URL.Host() {
		return false
	}
	if t.repeats[maphash.String(t.seed, e.Via)] && isWithin(e.URL, via) {
		return true
	}
	class, _, query := classesOf(via)
	own, _, _ := classesOf(e.URL)
	whole, found := t.echoes[t.mark(via, query)]
	return found && (class == own || whole && formOf(via) == formOf(e.URL))
}

// form is what URLs have in common that are made by one rule, but for folders.
type form struct {
	segments int
	ext      string
	params   string
}

func formOf(u frontier.URL) form {
	path, _, _ := strings.Cut(u.Path(), "?")
	_, ext := cutExtension(path[strings.LastIndexByte(path, '/'):], "")
	return form{strings.Count(path, "/"), ext, paramNames(u)}
}

// paramNames are those of a query, each with an ampersand behind it.
func paramNames(u frontier.URL) string {
	_, query, more := strings.Cut(u.Path(), "?")
	var names strings.Builder
	for more {
		var param string
		param, query, more = strings.Cut(query, "&")
		name, _, _ := strings.Cut(param, "=")
		names.WriteString(name)
		names.WriteByte('&')
	}
	return names.String()
}

// key is that of what is known of the URLs of one class: about those of a shape, or those that one page leads to.
func (t *traps) key(host frontier.Host, class string, of uint64) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(string(host))
	h.WriteString(class)
	maphash.WriteComparable(&h, of)
	return h.Sum64()
}

// classesOf returns a URL's folder, or when it has a query its path with the question mark; and the class of all pages of a
// host that have a query, or have none.
func classesOf(u frontier.URL) (class, all string, query bool) {
	path, _, query := strings.Cut(u.Path(), "?")
	if query {
		return u.Path()[:len(path)+1], "?", true
	}
	return path[:max(strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/')+1, len("/"))], "", false
}
