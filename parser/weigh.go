package parser

// maxWeight bounds the tree that is built of a page: its elements and attributes, and the work of making it. Pages have
// a few thousand; the tree of one that has so many takes some 100 MB.
const maxWeight = 500_000

// weigher estimates from the tags of a page how large its tree becomes. That takes more than to count them, for three
// rules of the HTML standard make large trees, or long work, of small pages: formatting elements that were never ended
// are made again in each block after them (section 13.2.4.3), the attributes of further html and body elements are
// looked up among those of the first, and end tags without a start are looked for in all open elements.
type weigher struct {
	scan    scanner
	foreign foreign
	total   int
	active  [len(formatting)]int // attributes and elements, of each kind that have not been ended
	count   [len(formatting)]int // how many
	floor   [len(formatting)]int // how many are outside of the table cell or object at hand, where no end tag reaches them
	again   int                  // sum of active
	root    int                  // attributes of html and body
}

// formatting are the elements that are made again.
var formatting = [...]string{"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}

// isHeavy tells whether the tree of a page in UTF-8 would be larger than maxWeight. It is an estimate, on the high side.
func isHeavy(page []byte) bool {
	w := weigher{scan: scanner{buf: page, ends: true}}
	for w.total <= maxWeight && w.scan.next() {
		w.see()
	}
	return w.total > maxWeight
}

// see weighs the tag at hand.
func (w *weigher) see() {
	s := &w.scan
	isForeign := w.foreign.see(s)
	s.ends = true
	name, weight := s.name, 1+s.attributes
	w.total += weight + w.again
	if !isForeign && !s.end && s.tag.isRaw() {
		s.rawText()
	}
	var low [8]byte
	if len(name) > len(low) {
		return
	}
	switch name := string(lower(low[:0], name)); name {
	case "html", "body":
		w.root += weight
		w.total += w.root
	case "td", "th", "caption", "applet", "object", "marquee", "template":
		w.floor = w.count
	case "table":
		w.floor = [len(formatting)]int{}
	default:
		w.format(name, s.end, weight)
	}
}

// format weighs a formatting element, if it is one.
func (w *weigher) format(name string, end bool, weight int) {
	for i, f := range formatting {
		switch {
		case f != name:
		case end:
			w.end(i)
		default:
			if f == "a" || f == "nobr" { // it ends the one before it
				w.end(i)
			}
			w.count[i]++
			w.active[i] += weight
			w.again += weight
		}
	}
}

// end takes off a formatting element that has ended. Which of its name it is, is not known: one of medium weight.
func (w *weigher) end(i int) {
	if w.count[i] > w.floor[i] {
		weight := w.active[i] / w.count[i]
		w.count[i]--
		w.active[i] -= weight
		w.again -= weight
	}
}
