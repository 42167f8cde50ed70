package worker

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// date is what a URL has of a date.
type date struct {
	dated  bool
	sure   bool // nothing but a date is written so
	misfit bool // there are numbers in the form of a date that are none: /thread/5012/3, /item/204513
	bare   bool // a year is all there is, or in its place a number that is none
	second int  // of a quarter of an hour, from 1, if it is a time since 1970 and not sure; or millisecond; 0: it is none
	year   int
	month  int // or 0
}

// Years that a number is taken for when it is not sure that it is one.
const firstYear, lastYear = 1900, 2199

// note takes a year, and a month and a day or 0, as they stand in a URL. Some count months from 0.
func (d *date) note(year, month, day int, sure bool) {
	fits := month <= 12 && day <= 31 && (sure || month > 0 && firstYear <= year && year <= lastYear)
	switch {
	case !fits:
		d.misfit = true
	case !d.dated:
		d.dated, d.sure, d.year, d.month = true, sure, year, month
	}
}

// isLate tells whether the date is further in the future than anybody plans.
func (d *date) isLate() bool {
	t := time.Now().AddDate(yearsAhead, 0, 0)
	return d.year > t.Year() || d.year == t.Year() && d.month > int(t.Month())
}

// withoutDates appends a URL's path and query to dst, with tildes for dates and for what has their form, and tells what
// they are.
func withoutDates(dst, template []byte) (out []byte, d date) {
	path, query, hasQuery := strings.Cut(string(template), "?")
	dst = d.path(dst, path)
	if hasQuery {
		dst = d.query(append(dst, '?'), query)
	} else if !d.dated && !d.misfit {
		dst = d.lastYear(dst)
	}
	return dst, d
}

// lastYear reads a year that ends a path, or another number of four digits there: /archive/1987, /item/5012.html. Those
// behind another number are of tiles and threads.
func (d *date) lastYear(path []byte) []byte {
	end := len(path)
	if end > 0 && path[end-1] == '/' {
		end--
	}
	from := bytes.LastIndexByte(path[:end], '/') + 1
	if dot := bytes.LastIndexByte(path[from:end], '.'); dot >= 0 && end == len(path) {
		end = from + dot
	}
	year := number(string(path[from:end]), 4, 4)
	if year < 0 || digits(string(path[max(from-2, 0):])) > 0 || bytes.IndexByte(path, '~') >= 0 {
		return path
	}
	d.noteYear(year)
	return slices.Replace(path, from, end, '~')
}

// noteYear takes a year that stands alone.
func (d *date) noteYear(year int) {
	d.note(year, 1, 0, false)
	d.bare = true
}

// path reads the dates of a path: /2024/05, /2024/05/17, and those in one piece, at its end perhaps with an extension.
// A name beside them stays.
func (d *date) path(dst []byte, path string) []byte {
	for strings.HasPrefix(path, "/") {
		if end := d.folders(path); end > 0 {
			dst, path = append(dst, "/~"...), path[end:]
			continue
		}
		segment, rest := cutSegment(path)
		stem, ext := cutExtension(segment, rest)
		if d.dated && isClock(stem) && bytes.HasSuffix(dst, []byte("/~")) { // /2024-05-17/14:30
			dst, path = append(dst, ext...), rest
			continue
		}
		if d.value(segment, false) { // 17.05.2024 has no extension
			stem, ext = "~", ""
		} else if ext != "" && d.value(stem, false) {
			stem = "~"
		} else if name := d.suffix(stem); name != "" {
			stem = name + "~"
		}
		dst = append(append(append(dst, '/'), stem...), ext...)
		path = rest
	}
	return append(dst, path...) // an extension
}

// suffix reads a date that ends a name, and returns what is before it: events-2024-05-17, view-1715904000; "": there is
// none. It may be about that day only.
func (d *date) suffix(stem string) (name string) {
	if i := strings.IndexAny(stem, "-_") + 1; i > 1 && d.unix(stem[i:], false) { // one word: titles are templates of their own
		return stem[:i]
	}
	n := len(stem) - len("2006-01-02")
	if n < 2 || !beginsSuffix(stem[n-1:]) {
		return ""
	}
	sure := d.sure
	if !d.value(stem[n:], false) {
		return ""
	}
	d.sure = sure
	return stem[:n]
}

// beginsSuffix tells, at a few bytes, whether a part of a name could be such a date and the dash before it.
func beginsSuffix(s string) bool {
	if len(s) < len("-2006-01-02") || s[5] != '-' || s[8] != '-' || s[0] != '-' && s[0] != '_' {
		return false
	}
	year := number(s[1:5], 4, 4)
	return firstYear <= year && year <= lastYear
}

// beginsSeconds is beginsSuffix for seconds since 1970, or milliseconds, behind a dash.
func beginsSeconds(s string) bool {
	n := digits(s[1:])
	return (n == 10 || n == 13) && (n+1 == len(s) || strings.IndexByte("/.?", s[n+1]) >= 0)
}

// folders reads a date whose parts are segments: a year, a month and perhaps a day, in any usual order, or a year and a
// week that is called so. It returns where they end; 0: there are none.
func (d *date) folders(path string) (end int) {
	first, rest := cutSegment(path)
	second, last := cutSegment(rest)
	third, after := cutSegment(last)
	day, ext := cutExtension(third, after)
	if d.week(first, second, day) {
		return len(path) - len(after) - len(ext)
	}
	if day != "" && d.parts('/', first, second, day, false) {
		return len(path) - len(after) - len(ext)
	}
	month, ext := cutExtension(second, last)
	if month != "" && d.parts('/', first, month, "", false) {
		return len(path) - len(last) - len(ext)
	}
	return 0
}

// cutSegment returns the first segment of a path, and what follows it, slash first.
func cutSegment(path string) (segment, rest string) {
	if path == "" {
		return "", ""
	}
	if end := strings.IndexByte(path[1:], '/'); end >= 0 {
		return path[1 : 1+end], path[1+end:]
	}
	return path[1:], ""
}

// cutExtension parts the name of a file, which is a path's last segment.
func cutExtension(segment, rest string) (stem, ext string) {
	if dot := strings.LastIndexByte(segment, '.'); rest == "" && dot >= 0 {
		return segment[:dot], segment[dot:]
	}
	return segment, ""
}

// query reads the dates of a query: those that stand in one value, and a year with a month, week or day.
func (d *date) query(dst []byte, query string) []byte {
	var parts dateParts
	for more := true; more; {
		var param string
		param, query, more = strings.Cut(query, "&")
		name, value, _ := strings.Cut(param, "=")
		if value != "" && (parts.take(name, value) || d.param(name, value)) {
			dst = append(append(dst, name...), "=~"...)
		} else {
			dst = append(dst, param...)
		}
		if more {
			dst = append(dst, '&')
		}
	}
	if parts.hasYear && parts.hasMore {
		d.note(parts.year, max(parts.month, 1), parts.day, parts.sure)
	} else if parts.hasYear && parts.sure && !d.dated && !d.misfit {
		d.noteYear(parts.year)
	}
	return dst
}

// param reads a date from one value: any that is written out, others where the name says so; or a time of day.
func (d *date) param(name, value string) bool {
	kind, sure := dateName(name)
	if kind != 0 && (isClock(value) || d.unix(value, sure)) {
		return true
	}
	for _, slash := range [...]string{"/", "%2F", "%2f"} { // 05/17/2024 is in one piece here
		value = strings.ReplaceAll(value, slash, "_")
	}
	if kind == 0 || kind == 't' {
		var other date
		return other.value(value, false) && other.sure && d.value(value, true)
	}
	return d.value(value, sure)
}

// dateParts are a date's, each in a parameter of its own.
type dateParts struct {
	hasYear, hasMore, sure bool
	year, month, day       int
}

func (p *dateParts) take(name, value string) bool {
	kind, sure := dateName(name)
	n := number(value, 1, 4)
	if kind == 'm' && n < 0 {
		n = monthOf(value)
	}
	switch {
	case n < 0:
		return false
	case kind == 'y' && len(value) == 4:
		p.hasYear, p.year, p.sure = true, n, sure
	case kind == 'm' && n < 100:
		p.hasMore, p.month = true, n
	case kind == 'd' && n < 100:
		p.hasMore, p.day = true, n
	case kind == 'w' && n < 54:
		p.hasMore = true
	case kind == 'h' && n < 60:
	default:
		return false
	}
	return true
}

// dateName tells what a parameter holds by its name: a year, month, week, day or a whole date (d too), an hour or minute,
// or a time since 1970 if it looks like one; 0: none of these. A single letter may mean anything else as well.
func dateName(name string) (kind byte, sure bool) {
	if len(name) == 1 {
		switch c := name[0] | 0x20; c {
		case 'y', 'm', 'w', 'd', 'h', 't':
			return c, false
		}
		return 0, false
	}
	for _, known := range dateWords {
		n, last := len(name)-len(known.word), len(known.word)-1
		if n >= 0 && name[len(name)-1]|0x20 == known.word[last] && strings.EqualFold(name[n:], known.word) {
			return known.kind, known.kind != 't'
		}
	}
	return 0, false
}

// dateWords end the names of parameters: year, cal-month, startDate.
var dateWords = []struct {
	word string
	kind byte
}{
	{"year", 'y'}, {"month", 'm'}, {"week", 'w'}, {"day", 'd'}, {"date", 'd'}, {"time", 'd'}, {"stamp", 'd'}, {"hour", 'h'}, {"minute", 'h'},
	{"start", 't'}, {"from", 't'}, {"since", 't'}, {"begin", 't'}, {"end", 't'}, {"to", 't'}, {"until", 't'}, {"offset", 't'},
}
