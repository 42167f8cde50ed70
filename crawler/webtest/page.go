package webtest

import "strconv"

// appendPage appends the HTML of a page. References to hosts have the port, which has its colon. Cost: about 5 us for
// 30 KB and 60 links; allocates only when b is too small.
func (w *Web) appendPage(b []byte, p place, port string) []byte {
	var room [128]place
	links, nav := w.links(room[:0], p)
	h := &pageWriter{b: b, web: w, from: p, port: port, dice: w.dice(p, saltText)}
	end := len(b) + w.cfg.PageBytes - len(pageEnd)
	h.head()
	for i, to := range links[:nav] {
		h.navLink(i, to)
	}
	h.str("</ul></nav>\n<main>\n")
	rest := links[nav:]
	for i, to := range rest {
		h.text((end - len(h.b)) / (len(rest) - i + 1))
		h.link(to)
	}
	h.text(end - len(h.b))
	if p.kind == page && p.n == 0 {
		h.hostileLinks()
	}
	h.str(pageEnd)
	return h.b
}

// Both ends of a page have things that are no links to follow. Whoever follows one anyway asks for /trap/.
const (
	pageStart = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>`
	headEnd = `</title>
<style>body{max-width:60em;margin:auto} a > b{color:#036}</style>
<script>var late = "<a href='/trap/script'>late<\/a>"; if (1 < 2 && late) { late = null }</script>
</head><body>
<!-- <a href="/trap/comment">an old link</a> -->
<nav><ul>
`
	pageEnd = `</main>
<footer><a name="end"></a><a href="mailto:nobody@example.com">Write to us</a> &copy; nobody &mdash; ` +
		`<a href="javascript:void(0)">top</a> <textarea><a href="/trap/textarea">x</a></textarea></footer>
</body></html>
`
)

// pageWriter writes one page.
type pageWriter struct {
	b    []byte
	web  *Web
	from place
	port string
	dice dice
}

func (h *pageWriter) str(s string) { h.b = append(h.b, s...) }
func (h *pageWriter) num(n int)    { h.b = strconv.AppendInt(h.b, int64(n), 10) }

func (h *pageWriter) head() {
	h.str(pageStart + "Page ")
	h.num(h.from.n)
	h.str(" &ndash; ")
	h.b = h.web.appendHost(h.b, h.from.host)
	h.str(headEnd)
}

// navLink writes the i-th navigation link. It does not look at the page it is on: that is what navigation is.
func (h *pageWriter) navLink(i int, to place) {
	h.str(`<li class="item"><a class="nav" href="`)
	if i%8 == 7 {
		h.origin("http://", to.host)
	}
	h.b = appendPath(h.b, to, "&amp;")
	h.str(`">Section `)
	h.num(i)
	h.str("</a></li>\n")
}

// link writes a link in the text, in one of the ways links are written.
func (h *pageWriter) link(to place) {
	roll := h.dice.below(1 << 16)
	quote := byte('"')
	if roll&7 == 0 {
		quote = '\''
	}
	h.str("<p>See <a href=")
	h.b = append(h.b, quote)
	h.reference(to, roll>>3&15)
	if roll>>7&7 == 0 {
		h.str("#part-")
		h.num(roll >> 10 & 7)
	}
	h.b = append(h.b, quote)
	h.str(` title="more &amp; more">number `)
	h.num(to.n)
	h.str("</a>.</p>\n")
}

// reference writes a reference to a page; way is a number in 0..15.
func (h *pageWriter) reference(to place, way int) {
	other := to.host != h.from.host
	switch {
	case way < 2:
		h.origin("//", to.host)
	case other || way < 4:
		h.origin("http://", to.host)
	case way == 4: // slashes may be entities too
		h.origin("http:&#x2F;&#47;", to.host)
	case way < 9:
		h.relative(to)
		return
	}
	h.b = appendPath(h.b, to, "&amp;")
}

// relative writes a reference relative to the page's folder.
func (h *pageWriter) relative(to place) {
	folder := h.from.kind == private || h.from.n != 0 && !inQuery(h.from.n)
	switch {
	case h.sibling(to):
		h.num(to.n)
		h.str(".html")
		return
	case folder:
		h.str("..")
	default:
		h.str(".")
	}
	h.b = appendPath(h.b, to, "&amp;")
}

// sibling tells whether p is in the same folder as the page, by a name without a query.
func (h *pageWriter) sibling(p place) bool {
	named := func(p place) bool { return p.kind == page && p.n != 0 && !inQuery(p.n) }
	return named(p) && named(h.from) && p.n%sections == h.from.n%sections
}

func (h *pageWriter) origin(scheme string, host int) {
	h.str(scheme)
	h.b = h.web.appendHost(h.b, host)
	h.str(h.port)
}

// text writes a paragraph of about n bytes, or nothing when there is no room for one.
func (h *pageWriter) text(n int) {
	const tags = len("<p></p>\n")
	if n < tags+2*cutEvery {
		return
	}
	h.str("<p>")
	h.b = h.web.filler.append(h.b, n-tags, &h.dice)
	h.str("</p>\n")
}
