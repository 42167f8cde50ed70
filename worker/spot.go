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

// spotsOf are those of a URL in which pages of a crowd differ, the likeliest first: parameters, of a crowd that has them;
// else the last segment, and before that of a whole host the folders.
func spotsOf(model frontier.URL, c *crowd) (list []spot) {
	path, _, _ := strings.Cut(model.Path(), "?")
	switch {
	case c.param:
		list = paramSpots(model.Path(), len(path)+1, c.some)
	case c.whole:
		list = append(folderSpots(path, c.some), lastSpots(path)...)
	default:
		list = lastSpots(path)
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
	list := []spot{{from, to, aWord}}
	if mayBeDrawn(path[from:to]) {
		list[0].kind = aDraw
	}
	return append(list, numberSpots(path, from, to)...)
}

// numberSpots is the last number in a part, if it has one and is not drawn.
func numberSpots(s string, from, to int) []spot {
	if to-from >= 16 {
		return nil
	}
	for to > from && !isDigit(s[to-1]) {
		to--
	}
	begin := to
	for begin > from && isDigit(s[begin-1]) {
		begin--
	}
	if begin == to {
		return nil
	}
	return []spot{{begin, to, aNumber}}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// folderSpots are the folders that look drawn, and those that differ from the other's.
func folderSpots(path string, other frontier.URL) (list []spot) {
	otherPath, _, _ := strings.Cut(other.Path(), "?")
	rest := otherPath
	isLike := strings.Count(path, "/") == strings.Count(otherPath, "/")
	for from := 1; ; {
		end := strings.IndexByte(path[min(from, len(path)):], '/')
		if end < 0 {
			return list
		}
		end += from
		var theirs string
		theirs, rest = cutSegment(rest)
		name := path[from:end]
		switch {
		case mayBeDrawn(name):
			list = append([]spot{{from, end, aDraw}}, list...)
		case isLike && theirs != name && number(name, 1, 9) >= 0:
			list = append(list, spot{from, end, aNumber})
		case isLike && theirs != name && name != "":
			list = append(list, spot{from, end, aWord})
		}
		from = end + 1
	}
}

// paramSpots are the values of parameters that the other has otherwise, the last ones first; or the last value.
func paramSpots(s string, from int, other frontier.URL) (list []spot) {
	_, query, _ := strings.Cut(other.Path(), "?")
	theirs := strings.Split(query, "&")
	for more := true; more; {
		var param string
		param, _, more = strings.Cut(s[from:], "&")
		end := from + len(param)
		value := spot{from: from + strings.IndexByte(param, '=') + 1, to: end, kind: aWord}
		if mayBeDrawn(s[value.from:end]) {
			value.kind = aDraw
		}
		if !slices.Contains(theirs, param) || !more && len(list) == 0 {
			list = append(append([]spot{value}, numberSpots(s, value.from, value.to)...), list...)
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
		return drawnLike(was)
	}
	return nonsense(len(was))
}

// mayBeDrawn tells whether a name may be one that a machine drew, a UUID too.
func mayBeDrawn(name string) bool {
	return strings.IndexByte(name, '%') < 0 && looksDrawn(strings.ReplaceAll(name, "-", ""), 16, false)
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
