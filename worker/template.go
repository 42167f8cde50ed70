package worker

import "strings"

// A template is what a URL is but for the parts that a trap varies: the values of sessions, or dates. In their place is
// a tilde. A template is its own template, and not longer than what it is of.
//
// valueName is a name, in lower case, of a value that a machine drew, and how much is needed to believe that it did.
type valueName struct {
	name string
	min  int  // characters of a value
	sure bool // it is nothing else: letters alone will do, or digits
}

// Names of sessions.
var sessionNames = []valueName{
	{"phpsessid", 8, true}, {"jsessionid", 8, true}, {"sessionid", 8, true}, {"session_id", 8, true}, {"session-id", 8, true},
	{"sessid", 8, true}, {"oscsid", 8, true}, {"zenid", 8, true}, {"xtcsid", 8, true}, {"cfid", 4, true}, {"cftoken", 4, true},
	{"sid", 8, false}, {"sess", 8, false}, {"session", 8, false}, {"token", 8, false}, {"s", 24, false},
}

// Names of parameters that keep an answer from being taken twice, or say who sent a form: they mean nothing for a page.
var drawnNames = []valueName{
	{"rnd", 1, true}, {"random", 1, true}, {"nonce", 1, true}, {"nocache", 1, true}, {"cachebuster", 1, true}, {"cachebust", 1, true},
	{"rand", 5, true}, {"cb", 5, true}, {"_", 9, true}, {"ts", 9, true}, {"visit", 8, false}, {"visitor", 8, false},
}

// aspSession begins a name that ends as it likes.
const aspSession = "aspsessionid"

// isSession tells whether a parameter of that name and value is a session's.
func isSession(name, value string) bool {
	if len(name) > len(aspSession) && strings.EqualFold(name[:len(aspSession)], aspSession) {
		return looksDrawn(value, 8, true)
	}
	return looksLike(sessionNames, name, value)
}

// isDrawn tells whether a parameter is of no meaning for what is answered, as its value was drawn for this one link.
func isDrawn(name, value string) bool {
	if bare := strings.TrimLeft(name, "_"); len(bare) >= 4 && (strings.EqualFold(bare[:4], "csrf") || strings.EqualFold(bare[:4], "xsrf")) {
		return len(value) >= 8
	}
	value = strings.TrimPrefix(value, "0.") // Math.random()
	return looksLike(drawnNames, name, value) || (name == "s" || name == "S") && looksDrawn(value, 16, false) && strings.Trim(value, "0123456789abcdefABCDEF") == ""
}

// looksLike tells whether a name is one of those, and the value one of its values.
func looksLike(names []valueName, name, value string) bool {
	for i := range names {
		known := &names[i]
		if len(name) == len(known.name) && name[0]|0x20 == known.name[0]|0x20 && strings.EqualFold(name, known.name) {
			return looksDrawn(value, known.min, known.sure)
		}
	}
	return false
}

// looksDrawn tells values that a machine drew at random from words and numbers that mean something.
func looksDrawn(s string, atLeast int, sure bool) bool {
	letters, digits, cases := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z':
			letters++
		case 'A' <= c && c <= 'Z':
			letters++
			cases |= min(i, 1) // not only the first
		case c != ',' && c != '%' && (c != '-' && c != '_' || !sure): // uuids are rather the names of things
			return false
		}
	}
	switch {
	case len(s) < atLeast:
		return false
	case letters > 0 && digits > 0:
		return true
	case digits > 0:
		return sure || digits >= 12
	default:
		return letters > 0 && (sure || letters >= 16 || cases > 0 && s != strings.ToUpper(s))
	}
}

// withoutSessions appends a URL's path and query to dst, without the values of sessions, and tells whether there were any.
func withoutSessions(dst []byte, s string) (out []byte, found bool) {
	before, stops := "", "/;?"
	for s != "" {
		if s[0] == '?' {
			stops = "&;"
		}
		end := 1 + strings.IndexAny(s[1:], stops)
		if end == 0 {
			end = len(s)
		}
		part, folder := s[1:end], end < len(s) && s[end] == '/'
		from, to := sessionIn(part)
		if to == 0 && folder && len(before) > 1 && isSession(before, part) { // /sid/8d2f01ab/page; below /s are shared things
			from, to = 0, len(part)
		}
		dst = append(dst, s[0])
		if to > 0 {
			dst, found = append(append(append(dst, part[:from]...), '~'), part[to:]...), true
		} else {
			dst = append(dst, part...)
		}
		before, s = part, s[end:]
	}
	return dst, found
}

// sessionIn returns where in a segment or a parameter the value of a session is: part[from:to]; to is 0 if it is nowhere.
func sessionIn(part string) (from, to int) {
	if from = strings.Index(part, "(S("); from >= 0 && part[0] == '(' { // ASP.NET: (S(lit3py55t21z5v55vlm25s55))
		from += len("(S(")
		if n := strings.IndexByte(part[from:], ')'); n >= 8 {
			return from, from + n
		}
		return 0, 0
	}
	sign := strings.IndexByte(part, '=')
	if sign > 0 && isDrawn(part[:sign], part[sign+1:]) {
		return sign + 1, len(part)
	}
	if sign < 0 {
		sign = strings.LastIndexAny(part, "-:.") // sid-8d2f01ab
	}
	if sign > 0 && isSession(part[:sign], part[sign+1:]) {
		return sign + 1, len(part)
	}
	return 0, 0
}
