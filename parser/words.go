package parser

// tag is a kind of element that the reader of a page acts on. All others are other. The order matters: of the first
// group the scanner keeps the attributes, of the second when assets are asked for, and tags that hold raw text are
// together (and iframe).
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
	// Elements that load something.
	tagImg        // img; image, which is the same in HTML, and another element in SVG
	tagSource     // source
	tagMedia      // audio, track, and video, whose poster no other has
	tagEmbed      // embed
	tagObject     // object
	tagInput      // input
	tagBackground // body, table and its parts
	tagUse        // use, feImage: SVG
	// Elements that matter for what is text and what is not. The first of them loads something too.
	tagScript
	tagTitle
	tagTextarea
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
	attrSrcset
	attrImageSrcset
	attrPoster
	attrData
	attrBackground
	numAttributes // at most 16
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
	case "img", "image":
		return tagImg
	case "source":
		return tagSource
	case "video", "audio", "track":
		return tagMedia
	case "embed":
		return tagEmbed
	case "object":
		return tagObject
	case "input":
		return tagInput
	case "body", "table", "thead", "tbody", "tfoot", "tr", "td", "th":
		return tagBackground
	case "use", "feimage":
		return tagUse
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
func (t tag) hasAttributes(assets bool) bool {
	return t != other && t <= tagAnnotation || assets && t > tagAnnotation && t <= tagScript
}

// isRaw tells whether the content of an HTML element is text without tags.
func (t tag) isRaw() bool {
	return t == tagIframe || t >= tagScript && t <= tagPlaintext
}

// lookupAttribute finds an attribute from its name, in whatever case; numAttributes if it does not matter.
func lookupAttribute(key []byte) attribute {
	var low [11]byte
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
	case "srcset":
		return attrSrcset
	case "imagesrcset":
		return attrImageSrcset
	case "poster":
		return attrPoster
	case "data":
		return attrData
	case "background":
		return attrBackground
	}
	return numAttributes
}
