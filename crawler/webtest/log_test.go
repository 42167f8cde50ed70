package webtest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// at is a request to a host from one millisecond to another.
func at(host, path string, from, to int) Request {
	ms := func(n int) time.Time { return time.UnixMilli(1_000_000 + int64(n)) }
	return Request{Host: host, Path: path, Start: ms(from), End: ms(to), Status: 200}
}

func TestGapsAndConcurrencyOfALog(t *testing.T) {
	t.Parallel()
	l := NewLog(
		at("b:1", "/3", 350, 360), // in any order
		at("b:1", "/1", 0, 200),
		at("b:1", "/2", 100, 340),
		at("b:1", "/robots.txt", 60, 110),
		at("a:1", "/", 0, 10),
		at("a:1", "/", 10, 10),
		at("a:1", "/x", 500, 900),
		at("c:1", "/robots.txt", 7, 8),
	)
	for _, tt := range []struct {
		name          string
		log           *Log
		host          string
		gap           time.Duration
		paced         bool
		open, request int
	}{
		{"overlapping requests", l, "b:1", 40 * time.Millisecond, true, 3, 4},
		{"without robots.txt", l.Pages(), "b:1", 100 * time.Millisecond, true, 2, 3},
		{"one ends as the next starts", l, "a:1", 10 * time.Millisecond, true, 1, 3},
		{"a single request has no gap", l, "c:1", 0, false, 1, 1},
		{"none but robots.txt", l.Pages(), "c:1", 0, false, 0, 0},
		{"a host never asked", l, "d:1", 0, false, 0, 0},
	} {
		gap, paced := tt.log.MinGap(tt.host)
		open, requests := tt.log.MaxConcurrent(tt.host), len(tt.log.Requests(tt.host))
		if gap != tt.gap || paced != tt.paced || open != tt.open || requests != tt.request {
			t.Errorf("%s: gap %v %v, %d at once, %d requests", tt.name, gap, paced, open, requests)
		}
	}
	if host, gap := l.Worst(); host != "a:1" || gap != 10*time.Millisecond {
		t.Errorf("worst is %s with %v", host, gap)
	}
	if host, _ := NewLog(at("c:1", "/", 0, 1)).Worst(); host != "" {
		t.Errorf("worst without gaps is %s", host)
	}
	if got := l.Pages().Hosts(); !slices.Equal(got, []string{"a:1", "b:1"}) {
		t.Errorf("hosts %v", got)
	}
	if all, pages := l.Total(), l.Pages().Total(); all != 8 || pages != 6 {
		t.Errorf("%d requests, %d for pages", all, pages)
	}
}

func TestCountIsOfOneURL(t *testing.T) {
	t.Parallel()
	l := NewLog(at("a:1", "/", 0, 1), at("a:1", "/", 2, 3), at("a:1", "/?q", 4, 5), at("b:1", "/robots.txt", 0, 1))
	for url, want := range map[string]int{"http://a:1/": 2, "http://a:1/?q": 1, "http://a:1/none": 0, "http://c:1/": 0, "http://b:1/robots.txt": 1, "": 0} {
		if got := l.Count(url); got != want {
			t.Errorf("%s: %d, want %d", url, got, want)
		}
	}
	if got := l.Pages().Count("http://b:1/robots.txt"); got != 0 {
		t.Errorf("robots.txt counted as a page: %d", got)
	}
}

func TestALiveLogCountsWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(true, nil)
		first := l.begin("a:1", "/")
		time.Sleep(30 * time.Millisecond) // virtual
		second := l.begin("a:1", "/")
		first(200)
		time.Sleep(20 * time.Millisecond)
		third := l.begin("a:1", "/")
		second(200)
		third(200)
		if gap, ok := l.MinGap("a:1"); gap != 20*time.Millisecond || !ok {
			t.Errorf("gap %v, %v", gap, ok)
		}
		if n := l.MaxConcurrent("a:1"); n != 2 {
			t.Errorf("%d at once", n)
		}
		if n := l.Count("http://a:1/"); n != 3 || len(l.Requests("a:1")) != 0 {
			t.Errorf("counted %d, kept %d requests", n, len(l.Requests("a:1")))
		}
	})
}

func TestABadLogLineIsNamed(t *testing.T) {
	t.Parallel()
	const good = "h:1 10 20 200 /a b\n"
	if l, err := ReadLog(strings.NewReader(good)); err != nil || l.Count("http://h:1/a b") != 1 {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"h:1 10 20 200", "h:1 x 20 200 /", "", "h:1 10 20 99999999999999999999 /", strings.Repeat("x", 2<<20)} {
		if _, err := ReadLog(strings.NewReader(good + bad + "\n")); err == nil {
			t.Errorf("%.40q is read", bad)
		} else if len(bad) < 100 && !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add("h:1 10 20 200 /a\nh:1 10 10 404 /robots.txt\n")
	f.Add("h -1 -9223372036854775808 2 ")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ReadLog(strings.NewReader(text))
		if err != nil {
			return
		}
		n := 0
		for _, host := range l.Hosts() {
			for _, r := range l.Requests(host) {
				n++
				line := appendLine(nil, r)
				if back, err := parseLine(strings.TrimSuffix(string(line), "\n")); err != nil || back != r {
					t.Errorf("%q is %+v, and back %+v, %v", line, r, back, err)
				}
			}
		}
		if n != l.Total() {
			t.Errorf("%d requests, Total %d", n, l.Total())
		}
	})
}
