package webtest

import "strings"

// filler is text made once, from which pages are cut: copying is what makes a page cheap.
type filler struct {
	text string
	cuts []int // cuts[i] is the beginning of the first word at or after byte i*cutEvery
}

const cutEvery = 32

// words are plain ones and, so that parsers have something to do, marked-up and escaped ones.
var words = strings.Fields(`a about after again all almost also always among and another any are as at back be because
been before began being below between both but by came can come could day did do down each early end enough even ever
every far few find first follow for found from gave give go good great had half hand has have he help her here high him
his home house how if important in into is it its just keep kind know large last later leave left letter life light like
line little long look made make man many may mean men might mind more most move much must name near need never new next
night no not nothing now number of off often old on once one only open or other our out over own page part people place
point put quite rather read right river said same saw say second see seem set several she should show side since small
so some something sometimes soon still stood story such take tell than that the their them then there these they thing
think this those thought three through time to together told too took turn two under until up upon us use very walk want
was watch water way we well went were what when where which while who whole why will with without word work world would
write year you young your <em>only</em> <strong>must</strong> <code>a&lt;b</code> <b>not</b> R&amp;D caf&eacute; größer
été ten&nbsp;km &ldquo;so&rdquo; <span>here</span> <i>perhaps</i>`)

// newFiller makes text for the pages of cfg: enough for a whole page from any point in its first half.
func newFiller(cfg Config) filler {
	d := (&Web{cfg: cfg}).dice(place{}, saltText)
	size := 2*cfg.PageBytes + 8<<10
	var f filler
	b := make([]byte, 0, size+64)
	for sentence := 0; len(b) < size; sentence-- {
		if len(b) >= len(f.cuts)*cutEvery {
			f.cuts = append(f.cuts, len(b))
		}
		if sentence == 0 {
			sentence = 5 + d.below(20)
			b = append(b, "And "...)
		}
		b = append(b, words[d.below(len(words))]...)
		if sentence == 1 {
			b = append(b, '.')
		}
		b = append(b, ' ')
	}
	f.text = string(b)
	return f
}

// append appends about n bytes of whole words from some point of the text; n is at most half of it.
func (f *filler) append(b []byte, n int, d *dice) []byte {
	length := n / cutEvery
	start := d.below(len(f.cuts) - length)
	return append(b, f.text[f.cuts[start]:f.cuts[start+length]]...)
}
