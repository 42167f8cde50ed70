package worker

import (
	"hash/maphash"
	"slices"
	"strings"

	"trawl/frontier"
)

// crowd are the pages of one shape and one class: of a folder, of a path with any query, or of a whole host.
//
// A site that answers anything with such a page (a 404 page that says 200, a shop that sells every size of every word)
// has no end if each has new links. No count can tell it from an honest site of ten thousand like pages, but URLs that
// cannot exist can: two are asked for, when there is a crowd, at the host's pace like any other. Links that stay are no
// harm, nor is a list that shows its first page for page=nonsense. But if both are answered with the same shape again, the
// second with links that the first has not, then some more are asked for, and the links of all answers are drawn.
//
// An honest site does that too if its page for what there is not names some pages that there are. Those come back: its
// pages link to them, or were they themselves. If there were n links on its pages, h of them among the m drawn, there may
// be n*m/h in all, as with fish in a pond. If there seem to be too many, the crowd echoes: links of such pages are refused
// from then on. So a trap that mixes known pages with new ones has an end too, only a later one.
type crowd struct {
	pages int
	state crowdState
	tries int      // probes that failed
	read  []uint64 // pages, until links are drawn

	drawn []uint64 // links that did not come back yet
	draws int      // all of them
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

const (
	mostLike = 500 // times Policy.EchoAfter: pages that a site may seem to have; 25,000
	chance   = 5   // hits that a site may lack by chance: one of 10,000 pages lacks more once in 70,000 times
)

func (c *crowd) weight() int { return c.pages }

// add counts a page. Links may never be drawn, as of a host whose pages are all in one folder that says nothing: so it
// remembers no more pages than a site may have for certain.
func (c *crowd) add(page uint64, most int) {
	if c.pages++; c.state <= asked && len(c.read) < most {
		c.read = append(c.read, page)
	}
}

// draw takes the links of answers to nonsense.
func (c *crowd) draw(links []uint64) {
	read := c.read
	c.conclude(watched)
	c.draws = len(links)
	c.drawn = slices.DeleteFunc(links, func(link uint64) bool { return slices.Contains(read, link) })
}

// find takes a page, or a link on one, and tells whether there seem to be too many.
func (c *crowd) find(link uint64, most int) bool {
	if i := slices.Index(c.drawn, link); i >= 0 {
		c.drawn = slices.Delete(c.drawn, i, i+1)
	}
	hits := c.draws - len(c.drawn)
	return c.links.add(link, most) > (hits+chance)*most/c.draws
}

// conclude sets what is known, and forgets what that needed.
func (c *crowd) conclude(state crowdState) {
	c.state, c.read, c.drawn, c.links = state, nil, nil, distinct{}
}

// meet counts a page that was read, and tells whether it is an echo. After so many of one shape a probe is due. It returns
// those crowds that are to know where the page leads to.
func (t *traps) meet(u frontier.URL, shape uint64, links, after int) (watchers []*crowd, echoes bool) {
	if links == 0 || after <= 0 {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	page := maphash.String(t.seed, u.Key())
	class, query := classOf(u)
	known := 0
	for _, class := range [2]string{class, ""} { // "": its host
		c := t.crowds.get(t.crowdKey(u.Host(), class, shape))
		c.add(page, mostLike*after)
		switch {
		case c.state == echoing || c.state == honest: // what is so of the folder says enough
			return watchers, c.state == echoing
		case c.state == watched:
			watchers = append(watchers, c)
		case c.state == unknown && c.pages >= max(after*(1+c.tries), 2*known): // of a host with one folder too
			t.ask(&probe{of: c, shape: shape, model: u, param: query && class != "", whole: class == ""})
		}
		known = c.pages
	}
	return watchers, false
}

// watch tells crowds of one of their pages, and where it leads to.
func (t *traps) watch(watchers []*crowd, page frontier.URL, found []frontier.Entry, after int) {
	if len(watchers) == 0 {
		return
	}
	links := []uint64{maphash.String(t.seed, page.Key())}
	for i := range found {
		if u := found[i].URL; u.Host() == page.Host() {
			links = append(links, maphash.String(t.seed, u.Key()))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range watchers {
		for _, link := range links {
			if c.state == watched && c.find(link, mostLike*after) {
				c.conclude(echoing)
			}
		}
	}
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
