package parser

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// candidatesByTheBook parses a srcset by the very steps of the HTML standard ("parse a srcset attribute").
func candidatesByTheBook(s string) (urls []string) {
	const space = " \t\n\f\r"
	for {
		s = strings.TrimLeft(s, space+",")
		if s == "" {
			return urls
		}
		n := strings.IndexAny(s+" ", space)
		url, descriptors := s[:n], []string(nil)
		if s = s[n:]; strings.HasSuffix(url, ",") {
			url = strings.TrimRight(url, ",")
		} else {
			descriptors, s = descriptorsByTheBook(s)
		}
		if goodByTheBook(descriptors) {
			urls = append(urls, url)
		}
	}
}

// descriptorsByTheBook is the descriptor tokenizer.
func descriptorsByTheBook(s string) (list []string, rest string) {
	current, parens := "", false
	flush := func() {
		if current != "" {
			list = append(list, current)
		}
		current = ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case parens:
			current += s[i : i+1]
			parens = c != ')'
		case strings.IndexByte(" \t\n\f\r", c) >= 0:
			flush()
		case c == ',':
			flush()
			return list, s[i+1:]
		default:
			current += s[i : i+1]
			parens = c == '('
		}
	}
	flush()
	return list, ""
}

// goodByTheBook is the descriptor parser.
func goodByTheBook(descriptors []string) bool {
	width, density, height := false, false, false
	for _, d := range descriptors {
		number, last := d[:len(d)-1], d[len(d)-1]
		digits := strings.Trim(number, "0123456789") == ""
		positive := digits && strings.Trim(number, "0") != ""
		switch last {
		case 'w':
			if !positive || width || density {
				return false
			}
			width = true
		case 'x':
			f, err := strconv.ParseFloat(number, 64)
			isFloat := strings.Trim(number, "0123456789.eE+-") == "" && !strings.HasPrefix(number, "+") && !strings.Contains(number+"x", ".x") &&
				!strings.Contains(number, ".e") && !strings.Contains(number, ".E") && (err == nil || strings.Contains(err.Error(), "range"))
			if !isFloat || f < 0 || width || density || height {
				return false
			}
			density = true
		case 'h':
			if !positive || height || density {
				return false
			}
			height = true
		default:
			return false
		}
	}
	return !height || width
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		law, page string
		want      []string
	}{
		{"images", `<img src=/1 alt=x><image src=/2><input type=IMAGE src=/3><input src=/no><body background=/4><table background=/5><td background=/6>`,
			[]string{"image /1", "image /2", "image /3", "image /4", "image /5", "image /6"}},
		{"each candidate of srcset is one", `<img src=/1 srcset="/2 2x, /3,4 100w , /5"><picture><source srcset=" /6 ,/7"></picture>`,
			[]string{"image /1", "image /2", "image /3,4", "image /5", "image /6", "image /7"}},
		{"media", `<video src=/1 poster=/2><source src=/3><track src=/4></video><audio src=/5></audio>`,
			[]string{"media /1", "image /2", "media /3", "media /4", "media /5"}},
		{"scripts, of modules too, and what is in them is text", `<script src=/1>"<img src=/no>"</script><script type=module src=/2></script>`, []string{"script /1", "script /2"}},
		{"style sheets and other resources", `<link rel=stylesheet href=/1><link rel="alternate stylesheet" href=/2><link rel="shortcut icon" href=/3><link rel=apple-touch-icon href=/4><link rel=modulepreload href=/5><link rel=manifest href=/6><link rel=dns-prefetch href=/no>`,
			[]string{"style /1", "style /2", "resource /3", "resource /4", "resource /5", "resource /6"}},
		{"a preload may be of a set", `<link rel=preload as=image href=/1 imagesrcset="/2 1x,/3 2x">`, []string{"resource /1", "image /2", "image /3"}},
		{"embeds", `<embed src=/1><object data=/2></object>`, []string{"embed /1", "embed /2"}},
		{"SVG", `<svg><image href=/1 xlink:href=/no /><image xlink:href=/2 /><use href="/3#part"/><use href="#part"/><feImage href=/4 /><script href=/5></script><a href=/6></a></svg><use href=/no>`,
			[]string{"image /1", "image /2", "image /3#part", "image /4", "script /5", "a /6"}},
		{"what is written in the page is not loaded", `<img src="data:image/png;base64,AA" srcset="DATA:x,y 1x, /1 2x"><img src="&#100;ata:x"><img src=""><img src>`, []string{"image /1"}},
		{"a base makes no asset of a place on the page", `<base href=/b/><img src=""><svg><use href="#x"></svg><img src=/1>`, []string{"image /1"}},
		{"links of pages stay what they are", `<a href=/1><iframe src=/2></iframe><img src=/1><a href=/1>`, []string{"a /1", "iframe /2", "image /1"}},
		{"style sheets and style attributes are not read", `<style>@import "/no"; a { background: url(/no) }</style><p style="background: url(/no)">`, []string{}},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			for _, l := range HTML([]byte(test.page), "text/html; charset=utf-8", Options{Assets: true}).Links {
				if l.Kind.IsAsset() == (l.Kind < Image) || l.NoFollow {
					t.Errorf("%+v", l)
				}
				got = append(got, l.Kind.String()+" "+l.URL)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s:\ngot  %q\nwant %q", test.page, got, test.want)
			}
			checkAssets(t, []byte(test.page), "")
		})
	}
}

func TestCandidatesOfSrcset(t *testing.T) {
	t.Parallel()
	for srcset, want := range map[string][]string{
		"":                               nil,
		" , ,":                           nil,
		"a":                              {"a"},
		"a, b":                           {"a", "b"},
		"a,b":                            {"a,b"},
		"a,, b,":                         {"a", "b"},
		"/w_1,h_2/a.jpg 1x, /b,c.jpg 2x": {"/w_1,h_2/a.jpg", "/b,c.jpg"},
		"a 1x,b 2x":                      {"a", "b"},
		"a 100w 50h, b .5x, c 2e1x":      {"a", "b", "c"},
		"a 1q, b 0w, c -1x, d 1x 2x, e 1w 1x, f 5h, g 1.x, h +1x, i x": nil,
		"a (1x, 2x), b":   {"b"},
		"a ( , b":         nil,
		"a -0x\n,\fb 01w": {"a", "b"},
	} {
		if book := candidatesByTheBook(srcset); !slices.Equal(book, want) {
			t.Errorf("%q, by the book: got %q, want %q", srcset, book, want)
		}
		var got []string
		for url, rest := []byte(nil), []byte(srcset); len(rest) > 0; {
			if url, rest = candidate(rest); url != nil {
				got = append(got, string(url))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", srcset, got, want)
		}
	}
}
