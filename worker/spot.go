package worker

import (
	"math/rand/v2"
	"slices"
	"strings"

	"trawl/frontier"
)

// spot is a part of a URL's path and query in whose place something goes that cannot be there.
type spot struct {
	from, to int
	kind     spotKind
}

type spotKind uint8

const (
	aWord   spotKind = iota // any part: a word that nobody chose
	aNumber                 // digits: a number that is too high
	aDraw                   // what a machine drew: another that it could have drawn
)

// mostSpots is in how many a crowd's question is put, if it is not answered before.
const mostSpots = 4

// spotsOf are those of a URL in which pages of a crowd differ, the likeliest first: parameters, of pages that have some; of a
// whole host, folders; and the last segment.
func spotsOf(model frontier.URL, c *crowd) (list []spot) {
	path, _, _ := strings.Cut(model.Path(), "?")
	if c.param {
		list = paramSpots(model.Path(), len(path)+1, c.some)
	}
	if c.whole {
		list = append(list, folderSpots(path, c.some)...)
	}
	if c.whole || !c.param {
		list = append(list, lastSpots(path)...)
	}
	return list[:min(len(list), mostSpots)]
}

// lastSpots are in the last segment: its name, and the number in that if it has one.
func lastSpots(path string) []spot {
	whole := strings.TrimSuffix(path, "/")
	from, to := strings.LastIndexByte(whole, '/')+1, len(whole)
	if whole == "" {
		from, to = len(path), len(path)
	} else if dot := strings.LastIndexByte(path, '.'); to == len(path) && dot > from {
		to = dot
	}
	return nameSpots(path, from, to)
}

// nameSpots are those in one name or value: the whole, and the last number in it, unless it is drawn.
func nameSpots(s string, from, to int) []spot {
	name := s[from:to]
	isLong := mayBeDrawn(name, 16)
	list := []spot{{from, to, aWord}}
	if isLong || mayBeDrawn(name, 8) && numbersIn(name) > 1 { // not thread-5012
		list[0].kind = aDraw
	}
	end := strings.LastIndexAny(name, "0123456789") + 1
	if isLong || end == 0 {
		return list
	}
	begin := end
	for begin > 0 && isDigit(name[begin-1]) {
		begin--
	}
	return append(list, spot{from + begin, from + end, aNumber})
}

// numbersIn counts the numbers in a name.
func numbersIn(name string) (n int) {
	for i := range len(name) {
		if isDigit(name[i]) && (i == 0 || !isDigit(name[i-1])) {
			n++
		}
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// folderSpots are in the folders that look drawn, and in those that differ from the other's.
func folderSpots(path string, other frontier.URL) (list []spot) {
	otherPath, _, _ := strings.Cut(other.Path(), "?")
	rest := otherPath
	isLike := strings.Count(path, "/") == strings.Count(otherPath, "/")
	for from := 1; from < len(path); {
		length := strings.IndexByte(path[from:], '/')
		if length < 0 {
			break
		}
		var theirs string
		theirs, rest = cutSegment(rest)
		end := from + length
		switch name := path[from:end]; {
		case mayBeDrawn(name, 16):
			list = append(nameSpots(path, from, end), list...)
		case isLike && theirs != name && name != "":
			list = append(list, nameSpots(path, from, end)...)
		}
		from = end + 1
	}
	return list
}

// paramSpots are the values of parameters that the other has otherwise, the last ones first; or the last value.
func paramSpots(s string, from int, other frontier.URL) (list []spot) {
	_, query, _ := strings.Cut(other.Path(), "?")
	theirs := strings.Split(query, "&")
	for more := true; more; {
		var param string
		param, _, more = strings.Cut(s[from:], "&")
		end := from + len(param)
		if !slices.Contains(theirs, param) || !more && len(list) == 0 {
			list = append(nameSpots(s, from+strings.IndexByte(param, '=')+1, end), list...)
		}
		from = end + 1
	}
	return list
}

// fill returns something for a spot in which there was a word.
func (s spot) fill(was string) string {
	switch s.kind {
	case aNumber:
		return string('1'+byte(rand.IntN(9))) + drawnLike("00000000")
	case aDraw:
		other := drawnLike(was)
		for other == was { // which has few letters and digits
			other = drawnLike(was)
		}
		return other
	}
	return nonsense(len(was))
}

// mayBeDrawn tells whether a name of so many characters may be one that a machine drew, a UUID too.
func mayBeDrawn(name string, atLeast int) bool {
	return strings.IndexByte(name, '%') < 0 && looksDrawn(strings.ReplaceAll(name, "-", ""), atLeast, false)
}

// drawnLike is another name of a kind: digits for digits, and letters that are hexadecimal digits too.
func drawnLike(name string) string {
	other := []byte(name)
	for i, c := range other {
		switch {
		case isDigit(c):
			other[i] = '0' + byte(rand.IntN(10))
		case c >= 'A':
			other[i] = c&0x20 | 'A' + byte(rand.IntN(6))
		}
	}
	return string(other)
}

// nonsense is a word that nobody chose, of about the same length as another.
func nonsense(length int) string {
	word := make([]byte, max(12, min(length, 64)))
	for i := range word {
		word[i] = 'a' + byte(rand.IntN(26))
	}
	return string(word)
}
