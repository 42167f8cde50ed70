package parser

// tag is a kind of element that the reader of a page acts on. All others are other. The order matters: the first group
// is the one whose attributes the scanner keeps, and tags that hold raw text are together (and iframe).
type tag uint8

const (
	other tag = iota
	// Elements whose attributes are read.
	tagA
	tagArea
	tagBase
	tagFrame
	tagIframe
	tagLink
	tagMeta
	tagAnnotation // annotation-xml
	// Elements that matter for what is text and what is not.
	tagTitle
	tagTextarea
	tagScript
	tagRaw // style, xmp, noembed, noframes
	tagPlaintext
	tagSVG
	tagMath
	tagSVGPoint  // foreignObject, desc: HTML inside SVG; so is title
	tagMathPoint // mi, mo, mn, ms, mtext: HTML inside MathML
)

// attribute is an attribute that the reader of a page acts on.
type attribute uint8

const (
	attrHref attribute = iota
	attrXlink
	attrSrc
	attrRel
	attrType
	attrName
	attrContent
	attrHTTPEquiv
	attrCharset
	attrEncoding
	numAttributes
)

// lookupTag finds the kind of a tag from its name, in whatever case.
func lookupTag(name []byte) tag {
	var low [14]byte
	if len(name) > len(low) {
		return other
	}
	switch string(lower(low[:0], name)) {
	case "a":
		return tagA
	case "area":
		return tagArea
	case "base":
		return tagBase
	case "frame":
		return tagFrame
	case "iframe":
		return tagIframe
	case "link":
		return tagLink
	case "meta":
		return tagMeta
	case "annotation-xml":
		return tagAnnotation
	case "title":
		return tagTitle
	case "textarea":
		return tagTextarea
	case "script":
		return tagScript
	case "style", "xmp", "noembed", "noframes":
		return tagRaw
	case "plaintext":
		return tagPlaintext
	case "svg":
		return tagSVG
	case "math":
		return tagMath
	case "foreignobject", "desc":
		return tagSVGPoint
	case "mi", "mo", "mn", "ms", "mtext":
		return tagMathPoint
	}
	return other
}

// hasAttributes tells whether attributes of the element matter.
func (t tag) hasAttributes() bool { return t != other && t <= tagAnnotation }

// isRaw tells whether the content of an HTML element is text without tags.
func (t tag) isRaw() bool {
	return t == tagIframe || t >= tagTitle && t <= tagPlaintext
}

// lookupAttribute finds an attribute from its name, in whatever case; numAttributes if it does not matter.
func lookupAttribute(key []byte) attribute {
	var low [10]byte
	if len(key) > len(low) {
		return numAttributes
	}
	switch string(lower(low[:0], key)) {
	case "href":
		return attrHref
	case "xlink:href":
		return attrXlink
	case "src":
		return attrSrc
	case "rel":
		return attrRel
	case "type":
		return attrType
	case "name":
		return attrName
	case "content":
		return attrContent
	case "http-equiv":
		return attrHTTPEquiv
	case "charset":
		return attrCharset
	case "encoding":
		return attrEncoding
	}
	return numAttributes
}
