package webtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Classes that are merely odd.
var oddTraits = []trait{
	{class: "busy", does: "429 with Retry-After in seconds, at first", front: done, page: busyPages, busy: http.StatusTooManyRequests},
	{class: "busy-date", does: "503 with a date as Retry-After, at first", front: done, page: busyPages, busy: http.StatusServiceUnavailable},
	{class: "escapes", does: "terminal escapes in all that can be shown", front: done, page: escapes},
	{class: "cookies", does: "another cookie of 4 KiB with each page", front: done, page: cookies},
}

// busyTimes is how many requests a busy host refuses.
const busyTimes = 2

// busyPages are / and 20 more. A date has whole seconds, so it is the next one: the pause is not shorter than said.
func busyPages(v *visit) {
	pause := v.server.web.cfg.Busy
	switch {
	case v.status == http.StatusServiceUnavailable:
		v.Header().Set("Retry-After", time.Now().Add(pause+time.Second).UTC().Format(http.TimeFormat))
		v.plainStatus(v.status)
	case v.status != 0:
		v.Header().Set("Retry-After", strconv.Itoa(int(pause/time.Second)))
		v.plainStatus(v.status)
	default:
		v.twenty()
	}
}

// twenty answers with one of 21 pages that link to each other.
func (v *visit) twenty() {
	if n := number(strings.TrimPrefix(v.path, "/p/"), 0); v.path != "/" && (n < 1 || n > 20) {
		v.notFound()
		return
	}
	links := make([]string, 20)
	for i := range links {
		links[i] = "/p/" + strconv.Itoa(i+1)
	}
	v.html("page", "one of a few", links...)
}

// escape would colour, move and rename a terminal, and break a line.
const escape = "\x1b[31mred\x1b]0;owned\x07\x9b2J\r\b\u202e\u2028"

func escapes(v *visit) {
	switch v.path {
	case "/header": // net/http sends what it is given, but for line ends
		v.Header()["X-Odd"] = []string{"\x1b[31mred\x07"}
		v.Header()["Content-Type"] = []string{"text/html; charset=\x1b[31m"}
		v.Write(smallPage("header", "", nil))
	case "/to":
		v.redirect("/target\x1b[31m\x07")
	case "/to-escaped":
		v.redirect("/target%1b[31m%0a%07")
	case "/":
		v.html(escape, escape, "/header", "/to", "/to-escaped", "/path"+escape, "/%1b[2J%0d%0a", "/?q="+escape, "http://"+escape+"/", "\x1b[31mhttp://x/")
	default:
		v.html(escape, escape)
	}
}

func cookies(v *visit) {
	name := newName()
	v.Header().Add("Set-Cookie", name+"="+strings.Repeat("c", 4000)+"; Path=/")
	v.twenty()
}
