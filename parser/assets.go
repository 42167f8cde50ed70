package parser

import "bytes"

// assetElement takes an HTML element that loads something.
func (r *reader) assetElement() {
	switch r.scan.tag {
	case tagImg:
		r.asset(Image, attrSrc)
		r.srcset(attrSrcset)
	case tagSource: // src in video and audio, srcset in picture
		r.asset(Media, attrSrc)
		r.srcset(attrSrcset)
	case tagMedia:
		r.asset(Media, attrSrc)
		r.asset(Image, attrPoster)
	case tagEmbed:
		r.asset(Embed, attrSrc)
	case tagObject:
		r.asset(Embed, attrData)
	case tagInput:
		if v, _ := r.value(attrType); equalFold(v, []byte("image")) {
			r.asset(Image, attrSrc)
		}
	case tagBackground:
		r.asset(Image, attrBackground)
	}
}

// foreignAsset takes an element of SVG that loads something. SVG 2 prefers href to the older xlink:href.
func (r *reader) foreignAsset() {
	kind := Image
	switch r.scan.tag {
	case tagScript:
		kind = Script
	case tagImg, tagUse:
	default:
		return
	}
	if _, ok := r.scan.attr(attrHref); ok {
		r.asset(kind, attrHref)
	} else {
		r.asset(kind, attrXlink)
	}
}

// linkAssets takes what a link element loads. Its nofollow, like that of all assets, is none: nobody follows them.
func (r *reader) linkAssets(rel rels) {
	if rel.stylesheet {
		r.asset(Style, attrHref)
	}
	if rel.resource {
		r.asset(Resource, attrHref)
		r.srcset(attrImageSrcset)
	}
}

// asset adds the URL in an attribute of the tag at hand, unless nothing has to be fetched for it.
func (r *reader) asset(k Kind, a attribute) {
	if raw, ok := r.scan.attr(a); !ok || isData(trimSpace(raw)) { // looked at before megabytes are decoded
		return
	}
	if v, _ := r.url(a); isLoaded(v) {
		r.add(k, v, false)
	}
}

// srcset adds the candidates in an attribute of the tag at hand.
func (r *reader) srcset(a attribute) {
	v, ok := r.value(a)
	for ok && len(v) > 0 && !r.doc.Truncated {
		var url []byte
		if url, v = candidate(v); isLoaded(url) {
			r.add(Image, r.encodeQuery(url), false)
		}
	}
}

// isLoaded tells whether an asset has to be fetched: it is no place on the page itself, whatever the base, and is not
// written in the URL.
func isLoaded(url []byte) bool { return len(url) > 0 && url[0] != '#' && !isData(url) }

func isData(url []byte) bool { return len(url) >= 5 && equalFold(url[:5], []byte("data:")) }

// candidate takes the first URL from a srcset, and returns what follows it (HTML standard, "parse a srcset attribute").
// A URL may have commas in it but not at its end. nil: a browser would not use this candidate, or there is no more.
func candidate(b []byte) (url, rest []byte) {
	for len(b) > 0 && (isSpace(b[0]) || b[0] == ',') {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil, nil
	}
	n := 0
	for n < len(b) && !isSpace(b[n]) {
		n++
	}
	url, rest = b[:n], b[n:]
	if trimmed := bytes.TrimRight(url, ","); len(trimmed) < len(url) {
		return trimmed, rest
	}
	descriptors, rest := cutDescriptors(rest)
	if !areDescriptors(descriptors) {
		url = nil
	}
	return url, rest
}

// cutDescriptors cuts off what stands before the comma that ends a candidate. Commas in parentheses, which are for
// descriptors to come, do not.
func cutDescriptors(b []byte) (descriptors, rest []byte) {
	inParens := false
	for i, c := range b {
		switch {
		case c == '(':
			inParens = true
		case c == ')':
			inParens = false
		case c == ',' && !inParens:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// areDescriptors tells whether a browser takes a candidate with these descriptors: a width or a density, or a width and
// a height.
func areDescriptors(b []byte) bool {
	var w, x, h int
	for word := range bytes.FieldsFuncSeq(b, func(c rune) bool { return c < 0x80 && isSpace(byte(c)) }) {
		number := word[:len(word)-1]
		switch word[len(word)-1] {
		case 'w':
			w += one(isWidth(number))
		case 'h':
			h += one(isWidth(number))
		case 'x':
			x += one(isDensity(number))
		default:
			return false
		}
	}
	return w <= 1 && h <= 1 && x <= 1 && w+x <= 1 && h <= w
}

// one counts a good descriptor as one, and a bad one as more than there may be.
func one(ok bool) int {
	if ok {
		return 1
	}
	return 2
}

// isWidth tells a valid non-negative integer that is not zero.
func isWidth(b []byte) bool {
	zero := true
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
		zero = zero && c == '0'
	}
	return !zero
}

// isDensity tells a valid floating-point number of HTML that is not negative: "1.5", ".5", "2e0", "-0".
func isDensity(b []byte) bool {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	whole, b := cutDigits(b)
	var fraction []byte
	if len(b) > 0 && b[0] == '.' {
		if fraction, b = cutDigits(b[1:]); len(fraction) == 0 {
			return false
		}
	}
	if len(whole)+len(fraction) == 0 || negative && len(bytes.Trim(whole, "0"))+len(bytes.Trim(fraction, "0")) > 0 {
		return false
	}
	if len(b) > 0 && b[0]|0x20 == 'e' {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		exponent, rest := cutDigits(b)
		return len(exponent) > 0 && len(rest) == 0
	}
	return len(b) == 0
}

func cutDigits(b []byte) (digits, rest []byte) {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return b[:n], b[n:]
}
