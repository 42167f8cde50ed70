package webtest

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Class is a way in which a host is hostile. A hostile host has one of them, and otherwise behaves: its robots.txt
// allows everything and its pages are small, unless these are what is hostile.
type Class string

// Hostile is a hostile host of a server.
type Hostile struct {
	Class Class
	Does  string // in one line
	URL   string // of its front page, which the front pages of all honest hosts link to
	Front string // what must become of the front page: "done", "dead", or "settled", which is either
	Never string // no request may be for a path that begins so; empty: there is no such rule
}

// Classes returns all classes, in the order of their documentation:
//
//	endless-body      a body without end
//	bomb-gzip         10 GiB of zeros in gzip; bomb-deflate, bomb-brotli and bomb-zstd likewise
//	bomb-tree         300,000 tags in gzip at every URL
//	bomb-window       a zstd frame that asks for a window of 2 GiB
//	slow-headers      a byte of a header each second, without end
//	slow-body         a byte of the body each second, without end
//	large-headers     1 MiB of headers
//	endless-headers   headers without end
//	endless-interim   responses 103 without end
//	deep-nesting      Config.Many/2 nested elements
//	many-links        Config.Many links of a page to its host, where they answer 404
//	many-hosts        Config.Many/10 links of a page to as many hosts, at addresses where nobody listens
//	large-attribute   10 MiB of one attribute
//	garbage           NUL, invalid UTF-8 and broken tags, in text, links and the title
//	wrong-type        images called HTML, and HTML called something else
//	wrong-encoding    plain text that is called gzip
//	short-body        less body than Content-Length says
//	reset-early       a reset before any answer
//	reset-late        a reset after the headers
//	silent            no answer
//	stalls            a front page at once, and the 2 pages that it links to begin and do not end
//	closed            no connection: nobody listens
//	not-http          another protocol
//	calendar          /calendar?month=&year=, without end
//	calendar-path     /cal/2031/05/, without end
//	calendar-seconds  /day/1795000000, without end
//	deeper            links to a/ and b/ on every page
//	deeper-names      likewise, with new names
//	session-query     a new ?sid= in every link to the same 20 pages
//	session-param     likewise ;jsessionid=
//	session-path      likewise a folder
//	facets            every combination of 8 query parameters
//	soft404           one page at every URL, with some new links
//	soft404-echo      likewise, and it says which URL was asked for
//	one-page          one page at every URL, with relative links
//	echo-list         Config.Many/2 links of a page to its host, where every URL is answered
//	redirect-self     / redirects to /
//	redirect-loop     / redirects to /a, that to /b, that to /a
//	redirect-ping     / redirects to redirect-pong, which redirects back; both must be there
//	redirect-pong     see redirect-ping
//	redirect-endless  each redirect leads to the next
//	redirect-odd      redirects to file:, javascript: and other schemes
//	robots-hangs      robots.txt never answers
//	robots-500        robots.txt answers 500
//	robots-429        robots.txt answers 429
//	robots-redirects  robots.txt redirects 10 times
//	robots-large      600 KiB of robots.txt; within the first 500 KiB it forbids /secret/, to which the page links
//	robots-stars      600 KiB of rules with stars in robots.txt, and long URLs
//	robots-html       robots.txt is HTML
//	robots-nul        robots.txt has NULs
//	robots-endless    robots.txt has no end
//	ssrf              links and redirects to the canary and to private addresses, in all spellings
//	ssrf-robots       robots.txt redirects to the canary
//	ssrf-sitemap      sitemaps at the canary, and one that names URLs of it
//	busy              429 with Retry-After, in seconds, the first 2 times; 21 pages
//	busy-date         503 with Retry-After, a date, likewise
//	escapes           terminal escapes and control characters in titles, text, paths, headers and redirects
//	sitemap-deep      sitemap indexes, 10 deep
//	sitemap-cycle     sitemap indexes that name each other
//	sitemap-bomb      a sitemap of 10 GiB in gzip
//	sitemap-large     a sitemap of 5 Config.Many URLs, which answer 404
//	cookies           another cookie with each of 20 pages, 4 KiB each
func Classes() []Class {
	list := make([]Class, len(traits))
	for i, t := range traits {
		list[i] = t.class
	}
	return list
}

// trait is what a class does.
type trait struct {
	class  Class
	does   string
	front  string
	page   func(*visit)
	robots func(*visit) // nil: it allows everything
	busy   int          // the status of the first answers
	never  string
}

const (
	done    = "done"
	dead    = "dead"
	settled = "settled"
)

// traits are all classes. Nobody writes to it.
var traits = slices.Concat(bodyTraits, rawTraits, siteTraits, robotsTraits, privateTraits, oddTraits, sitemapTraits)

func (c Class) trait() (trait, bool) {
	i := slices.IndexFunc(traits, func(t trait) bool { return t.class == c })
	if i < 0 {
		return trait{}, false
	}
	return traits[i], true
}

func (c Config) checkHostile() error {
	for i, class := range c.Hostile {
		if _, ok := class.trait(); !ok {
			return fmt.Errorf("no class %q", class)
		}
		if !c.ByAddress && slices.Contains(c.Hostile[:i], class) { // the class is the name
			return fmt.Errorf("class %q twice", class)
		}
	}
	return nil
}

// appendHostile appends the name of the i-th hostile host, without a port.
func (w *Web) appendHostile(b []byte, i int) []byte {
	if w.cfg.ByAddress {
		return strconv.AppendInt(append(b, "127.200.0."...), int64(1+i), 10)
	}
	return append(append(append(b, w.cfg.Hostile[i]...), '.'), w.cfg.Domain...)
}

// appendHostileURL appends the front page of the i-th hostile host.
func (w *Web) appendHostileURL(b []byte, i int, port string) []byte {
	b = w.appendHostile(append(b, "http://"...), i)
	if w.cfg.Hostile[i] == closed && !w.cfg.ByAddress {
		port = ":1" // tcpmux, which has no servers
	}
	return append(append(b, port...), '/')
}

// hostile finds a hostile host by an authority.
func (w *Web) hostile(authority string) (int, bool) {
	if len(w.cfg.Hostile) == 0 {
		return 0, false
	}
	name, _, err := net.SplitHostPort(authority)
	if err != nil {
		name = authority
	}
	var buf [64]byte
	for i := range w.cfg.Hostile {
		if string(w.appendHostile(buf[:0], i)) == name {
			return i, true
		}
	}
	return 0, false
}

// hostileLinks are those of an honest front page.
func (h *pageWriter) hostileLinks() {
	for i := range h.web.cfg.Hostile {
		h.str(`<p>And <a href="`)
		h.b = h.web.appendHostileURL(h.b, i, h.port)
		h.str(`">`)
		h.str(string(h.web.cfg.Hostile[i]))
		h.str("</a>.</p>\n")
	}
}

// Hostile returns the hostile hosts, in the order of Config.Hostile.
func (s *Server) Hostile() []Hostile {
	list := make([]Hostile, len(s.web.cfg.Hostile))
	for i, class := range s.web.cfg.Hostile {
		t, _ := class.trait()
		list[i] = Hostile{class, t.does, string(s.web.appendHostileURL(nil, i, s.port)), t.front, t.never}
	}
	return list
}

// visit is one request to a hostile host.
type visit struct {
	http.ResponseWriter
	server *Server
	host   int
	path   string // with its query
	status int    // of a host that is busy
}

// serveHostile answers a request, until the client has enough or the server is closed. Hostile answers are logged with
// status 0, but for those of busy hosts.
func (s *Server) serveHostile(rw http.ResponseWriter, r *http.Request, host int) {
	t, _ := s.web.cfg.Hostile[host].trait()
	v := &visit{ResponseWriter: rw, server: s, host: host, path: requestURI(r)}
	done := s.log.begin(r.Host, v.path)
	if !s.wait(r.Context()) {
		done(statusClientGone)
		return
	}
	serve := t.page
	if v.path == "/robots.txt" {
		serve = t.robots
		if serve == nil {
			serve = allowAll
		}
	} else if t.busy != 0 && s.asked[host].Add(1) <= busyTimes {
		v.status = t.busy
	}
	done(v.status)
	// Endless answers end with the client or with Close.
	http.NewResponseController(rw).SetWriteDeadline(time.Time{})
	serve(v)
}

func allowAll(v *visit) { v.text("User-agent: *\nDisallow:\n") }

func (v *visit) text(body string) {
	v.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.Write([]byte(body))
}

const htmlType = "text/html; charset=utf-8"

// html answers with a page: a title, a text and links, all of them already escaped.
func (v *visit) html(title, text string, links ...string) {
	v.Header().Set("Content-Type", htmlType)
	v.Write(smallPage(title, text, links))
}

func smallPage(title, text string, links []string) []byte {
	b := []byte(`<!DOCTYPE html><html><head><meta charset="utf-8"><title>` + title + "</title></head>\n<body><p>" + text + "</p>\n")
	for _, link := range links {
		b = append(append(append(b, `<a href="`...), link...), "\">x</a>\n"...)
	}
	return append(b, "</body></html>\n"...)
}

func (v *visit) redirect(to string) {
	v.Header()["Location"] = []string{to}
	v.WriteHeader(http.StatusFound)
}

func (v *visit) notFound() { v.plainStatus(http.StatusNotFound) }

func (v *visit) plainStatus(status int) {
	http.Error(v.ResponseWriter, http.StatusText(status), status)
}

// front tells whether the front page was asked for; everything else answers 404.
func (v *visit) front() bool {
	if v.path != "/" {
		v.notFound()
	}
	return v.path == "/"
}

// many is Config.Many.
func (v *visit) many() int { return v.server.web.cfg.Many }
