package worker

import (
	"testing"

	"trawl/frontier"
)

// FuzzSpots wants questions that are asked of a host to be URLs of it, and others than their model.
func FuzzSpots(f *testing.F) {
	for _, path := range []string{
		"/", "//", "/a/b.html", "/s/550e8400-e29b-41d4-a716-446655440000/p", "/page/3/", "/thread-5012.html?page=2&v=0.8417005147661428",
		"/?q", "/?a=1&&b=%2F&=", "/%41-1234567/x;y=13cb1e4f18", "/.x/..%2F/7",
	} {
		f.Add(path, "/a/b/c?x=1", false)
		f.Add(path, path, true)
	}
	f.Fuzz(func(t *testing.T, path, other string, whole bool) {
		model, err := frontier.ParseURL("http://a.test" + path)
		some, err2 := frontier.ParseURL("http://a.test" + other)
		if err != nil || err2 != nil || model.Host() != "http://a.test" || some.Host() != model.Host() {
			t.Skip("no URLs of one host")
		}
		_, all, query := classesOf(model)
		c := &crowd{param: query, whole: whole, some: some}
		p := probe{of: c, model: model, spots: spotsOf(model, c)}
		if len(p.spots) == 0 || len(p.spots) > mostSpots || all == "?" != query {
			t.Fatalf("%d spots of class %q", len(p.spots), all)
		}
		for ; len(p.spots) > 0; p.spots = p.spots[1:] {
			u := p.url()
			if back, err := frontier.ParseURL(u.String()); err == nil && back.Host() != model.Host() || u == model {
				t.Fatalf("%q, %+v: %q, %v", path, p.spots[0], u, err)
			}
			p.unquoted([]frontier.URL{u, some})
		}
	})
}

func TestWhatIsDrawnIsNeverWhatItStandsFor(t *testing.T) {
	t.Parallel()
	const few = "A0,,,,,,,,0"
	for range 10_000 {
		if (spot{0, len(few), aDraw}).fill(few) == few {
			t.Fatal("a question that is no question")
		}
	}
}
