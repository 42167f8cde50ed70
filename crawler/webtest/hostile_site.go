package webtest

import (
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Classes that have URLs without end.
var siteTraits = []trait{
	{class: "calendar", does: "/calendar?month=&year=, without end", front: done, page: calendar},
	{class: "calendar-path", does: "/cal/2031/05/, without end", front: done, page: calendarPath},
	{class: "calendar-seconds", does: "/day/1795000000, without end", front: done, page: calendarSeconds},
	{class: "deeper", does: "links to a/ and b/ on every page", front: done, page: deeper("a/", "b/")},
	{class: "deeper-names", does: "links to new folders on every page", front: done, page: deeperNames},
	{class: "session-query", does: "a new ?sid= in every link", front: done, page: session("/p/%d?sid=%s")},
	{class: "session-param", does: "a new ;jsessionid= in every link", front: done, page: session("/p/%d;jsessionid=%s")},
	{class: "session-path", does: "a new folder of a session in every link", front: done, page: session("/s/%[2]s/p/%[1]d")},
	{class: "facets", does: "every combination of 8 query parameters", front: done, page: facets},
	{class: "soft404", does: "one page at every URL", front: done, page: soft404(false)},
	{class: "soft404-echo", does: "one page at every URL, and it says which", front: done, page: soft404(true)},
	{class: "one-page", does: "one page at every URL, with relative links", front: done, page: deeper(trees...)},
	{class: "echo-list", does: "a list of very many URLs, and a page at every URL", front: done, page: echoList},
	{class: "redirect-self", does: "a redirect to itself", front: settled, page: hops(map[string]string{"/": "/"})},
	{class: "redirect-loop", does: "two redirects to each other", front: done, page: hops(map[string]string{"/": "/a", "/a": "/b", "/b": "/a"})},
	{class: ping, does: "two hosts that redirect to each other", front: done, page: toOther(pong)},
	{class: pong, does: "two hosts that redirect to each other", front: settled, page: toOther(ping)},
	{class: "redirect-endless", does: "each redirect leads to the next", front: done, page: endlessRedirects},
	{class: "redirect-odd", does: "redirects to file:, javascript: and other schemes", front: done, page: oddRedirects},
}

const (
	ping Class = "redirect-ping"
	pong Class = "redirect-pong"
)

// month is one month of a calendar, counted from the year 0.
type month int

func (m month) title() string { return fmt.Sprintf("%d-%02d", m/12, m%12+1) }

func calendar(v *visit) {
	link := func(m month) string { return fmt.Sprintf("/calendar?month=%d&amp;year=%d", m%12+1, m/12) }
	u, _ := url.Parse(v.path)
	at := number(u.Query().Get("year"), 2024)*12 + number(u.Query().Get("month"), 5) - 1
	v.month(month(at), link)
}

func calendarPath(v *visit) {
	link := func(m month) string { return fmt.Sprintf("/cal/%d/%02d/", m/12, m%12+1) }
	at := 2031*12 + 4
	if part := strings.Split(v.path, "/"); len(part) > 3 {
		at = number(part[2], 2031)*12 + number(part[3], 5) - 1
	}
	v.month(month(at), link)
}

func (v *visit) month(m month, link func(month) string) {
	v.html(m.title(), "All days of "+m.title()+" are free.", link(m-1), link(m+1), link(m-12), link(m+12))
}

// calendarSeconds counts days from a second in which no quarter of an hour begins.
func calendarSeconds(v *visit) {
	const day, first = 24 * 60 * 60, 1_795_000_000
	at := number(strings.TrimPrefix(v.path, "/day/"), first)
	v.html("a day", fmt.Sprintf("Day %d is free.", at/day), fmt.Sprintf("/day/%d", at-day), fmt.Sprintf("/day/%d", at+day), fmt.Sprintf("/day/%d", at+7*day))
}

func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return n
}

var trees = []string{"oak/", "elm/", "ash/", "fir/", "yew/", "bay/"}

// deeper has the same relative links on every page.
func deeper(links ...string) func(*visit) {
	return func(v *visit) {
		v.html("folder", fmt.Sprintf("%d folders down.", strings.Count(v.path, "/")), links...)
	}
}

func deeperNames(v *visit) {
	deeper(newName()+"/", newName()+"/")(v)
}

// newName is a word that was not there before.
func newName() string { return strconv.FormatUint(rand.Uint64(), 36) }

// session has 20 pages, and a new session in each link to one.
func session(form string) func(*visit) {
	return func(v *visit) {
		links := make([]string, 20)
		for i := range links {
			links[i] = fmt.Sprintf(form, i, fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()))
		}
		_, after, _ := strings.Cut(v.path, "p/")
		n := strings.TrimRight(after[:min(2, len(after))], ";?")
		v.html("page "+html.EscapeString(n), strings.Repeat("what page "+html.EscapeString(n)+" has to say ", 20), links...)
	}
}

// facets links to every page that differs by one parameter.
func facets(v *visit) {
	u, _ := url.Parse(v.path)
	now := u.Query()
	var links []string
	for _, name := range []string{"brand", "color", "fit", "page", "price", "size", "sort", "stock"} {
		for value := range 5 {
			next := url.Values{name: {strconv.Itoa(value)}}
			for k, of := range now {
				if k != name {
					next[k] = of
				}
			}
			links = append(links, "/list?"+html.EscapeString(next.Encode()))
		}
	}
	v.html("results", fmt.Sprintf("results for %d choices", len(now)), links...)
}

// soft404 answers every URL with one page. It has new links, as an error page with its suggestions does.
func soft404(echo bool) func(*visit) {
	return func(v *visit) {
		text := strings.Repeat("There is nothing here, but see what else we have. ", 10)
		if echo {
			text = "You asked for " + html.EscapeString(v.path) + ". " + text
		}
		links := make([]string, 5)
		for i := range links {
			links[i] = "/" + newName() + "/" + newName() + ".html"
		}
		v.html("welcome", text, links...)
	}
}

// echoList lists what soft404 would answer.
func echoList(v *visit) {
	if v.path != "/" {
		soft404(true)(v)
		return
	}
	v.Header().Set("Content-Type", htmlType)
	v.eachLink(v.many()/2, func(b []byte, _ int) []byte { return append(append(b, "/list/"...), newName()...) })
}

// hops redirects by a table.
func hops(to map[string]string) func(*visit) {
	return func(v *visit) {
		if next, ok := to[v.path]; ok {
			v.redirect(next)
			return
		}
		v.notFound()
	}
}

func toOther(class Class) func(*visit) {
	return func(v *visit) {
		web := v.server.web
		i := slices.Index(web.cfg.Hostile, class)
		if i < 0 {
			v.notFound()
			return
		}
		v.redirect(string(web.appendHostileURL(nil, i, v.server.port)))
	}
}

func endlessRedirects(v *visit) {
	v.redirect("/r/" + strconv.Itoa(1+number(strings.TrimPrefix(v.path, "/r/"), 0)))
}

// oddRedirects has a redirect to each of many places where no crawler goes.
func oddRedirects(v *visit) {
	targets := []string{
		"file:///etc/passwd", "javascript:alert(1)", "data:text/html,<a href=/in-data>x</a>", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/",
		"about:blank", "mailto:a@example.com", "ws://127.0.0.1/", "//", "http://", "http:///", "http://:80/", "::", "", "unix:/run/x.sock",
	}
	if v.path == "/" {
		links := make([]string, len(targets))
		for i := range links {
			links[i] = "/to/" + strconv.Itoa(i)
		}
		v.html("redirects", "", links...)
		return
	}
	i := number(strings.TrimPrefix(v.path, "/to/"), -1)
	if i < 0 || i >= len(targets) {
		v.plainStatus(http.StatusNotFound)
		return
	}
	v.redirect(targets[i])
}
