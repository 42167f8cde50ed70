package parser

import "strings"

// RobotsHeader reads the X-Robots-Tag headers of a response for the agent with the given product token: what they say
// to all agents and to this one, taken together. "googlebot: nofollow, noindex" is for another.
func RobotsHeader(values []string, token string) (noindex, nofollow bool) {
	for _, value := range values {
		forUs := true
		for part := range strings.SplitSeq(value, ",") {
			if name, rest, ok := strings.Cut(part, ":"); ok {
				name = strings.TrimSpace(name)
				if takesValue(name) || ProductToken(name) != nil {
					continue
				}
				forUs, part = strings.EqualFold(name, token), rest
			}
			if forUs {
				i, f := directives(part)
				noindex, nofollow = noindex || i, nofollow || f
			}
		}
	}
	return noindex, nofollow
}

// takesValue tells the directives that are followed by a colon, as the names of agents are.
func takesValue(directive string) bool {
	switch strings.ToLower(directive) {
	case "unavailable_after", "max-snippet", "max-image-preview", "max-video-preview":
		return true
	}
	return false
}

// directives reads words such as "noindex, follow", parted by commas or white space.
func directives(content string) (noindex, nofollow bool) {
	isSeparator := func(r rune) bool { return r == ',' || r < 0x80 && isSpace(byte(r)) }
	for word := range strings.FieldsFuncSeq(content, isSeparator) {
		switch strings.ToLower(word) {
		case "noindex":
			noindex = true
		case "nofollow":
			nofollow = true
		case "none":
			noindex, nofollow = true, true
		}
	}
	return noindex, nofollow
}
