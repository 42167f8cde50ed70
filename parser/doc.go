// Package parser turns bytes of the web into what a crawl acts on: the links and title of an HTML page, and the rules
// of a robots.txt. It does no I/O, reads no clock, keeps no state between calls and logs nothing; everything in it may
// be called from many goroutines.
//
// Its input is hostile. No input makes it panic, fail, or take more than linear time; memory is bounded by the size of
// the input and the limits named here ([MaxLinks], [MaxLink], [MaxTitle], [MaxRobots]).
//
// # Pages
//
// [HTML] finds tags with a scanner of its own rather than building the tree of the document: a page's links are known
// from its tags, and the tree costs more than ten times as much. What the tree builder would move about or drop (an
// anchor in a table, a frame outside a frameset) is found where it was written. The scanner does know where a tag is
// only text: in comments, scripts, styles, text areas and the like, and in the CDATA sections of SVG and MathML.
// Scripting counts as off, so noscript holds links.
//
// A page is read as bytes in its own charset, and only values with bytes above 0x7F are transcoded, so that the usual
// page is not copied. UTF-16 and ISO-2022-JP, which hide tags from a reader of bytes, are transcoded as a whole.
//
// Of link elements, those are links that lead to pages: rel next and prev, canonical, and alternate unless its type says
// that it is none. The first base element with an href is the page's, even if it is empty. Each meta refresh leads
// somewhere, also in noscript. "nofollow" is said by rel, of a link; and of a page by a meta element for all robots or
// for ours, and by the X-Robots-Tag header ([RobotsHeader]). Whether to obey is the caller's business.
//
// Images, style sheets, scripts and media are links only if [Options] asks for them: what elements load by src, srcset,
// href, poster, data and background. What style sheets and style attributes load by url() is not read, nor are URLs that
// hold their data themselves ("data:").
//
// Deliberately absent: resolving a link, which takes the page's own URL; forms; links that only a script would make.
//
// # Fields
//
// An [Extractor] builds the tree of a page, by a library. The standard's rules make large trees of small pages, and
// selectors can take quadratic time: pages that would go out of hand are not read, which [Extractor.Fields] says.
//
// # Sitemaps
//
// [Sitemap] streams: memory depends neither on the length of a sitemap nor on that of anything in it. Its scanner is not
// that of encoding/xml, which holds texts and attributes of any length and gives up at the first bad character.
//
// # Robots
//
// [ParseRobots] follows RFC 9309 and keeps only the rules of one agent; [Robots.Allowed] matches them. What to make of
// a robots.txt that could not be fetched is the caller's business: it has no rules in it.
package parser
