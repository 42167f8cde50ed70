// Package parser turns bytes of the web into what a crawl acts on: the links and title of an HTML page, and the rules
// of a robots.txt. It does no I/O, reads no clock, keeps no state between calls and logs nothing; everything in it may
// be called from many goroutines.
//
// Its input is hostile. No input makes it panic, fail, or take more than linear time; memory is bounded by the size of
// the input and the limits named here ([MaxLinks], [MaxTitle], [MaxRobots]).
//
// # Pages
//
// [HTML] finds tags with a scanner of its own rather than building the tree of the document: a page's links are known
// from its tags, and the tree costs more than ten times as much. What the tree builder would move about or drop (an anchor in
// a table, a frame outside a frameset) is found where it was written. The scanner does know where a tag is only text:
// in comments, scripts, styles, text areas and the like, and in the CDATA sections of SVG and MathML. Scripting counts
// as off, so noscript holds links.
//
// A page is read as bytes in its own charset, and only values with bytes above 0x7F are transcoded, so that the usual
// page is not copied. UTF-16 and ISO-2022-JP, which hide tags from a reader of bytes, are transcoded as a whole.
//
// Deliberately absent: resolving a link, which takes the page's own URL; images, style sheets, forms and whatever else
// a reader of the page does not follow; links that only a script would make.
//
// # Robots
//
// [ParseRobots] follows RFC 9309 and keeps only the rules of one agent; [Robots.Allowed] matches them. What to make of
// a robots.txt that could not be fetched is the caller's business: it has no rules in it.
package parser
