package webtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Classes whose robots.txt is hostile. Their pages are good.
var robotsTraits = []trait{
	{class: "robots-hangs", does: "robots.txt never answers", front: dead, page: threePages, robots: silent},
	{class: "robots-500", does: "robots.txt answers 500", front: dead, page: threePages, robots: robotsStatus(http.StatusInternalServerError)},
	{class: "robots-429", does: "robots.txt answers 429", front: dead, page: threePages, robots: robotsStatus(http.StatusTooManyRequests)},
	{class: "robots-redirects", does: "robots.txt redirects 10 times", front: settled, page: robotsRedirected, robots: robotsRedirected},
	{class: "robots-large", does: "600 KiB of robots.txt, which forbids /secret/", front: done, page: secretPages, robots: robotsLarge, never: "/secret/"},
	{class: "robots-stars", does: "600 KiB of rules with stars, and long URLs", front: done, page: longURLs, robots: robotsStars},
	{class: "robots-html", does: "robots.txt is HTML", front: done, page: threePages, robots: threePages},
	{class: "robots-nul", does: "robots.txt has NULs", front: done, page: threePages, robots: robotsNUL},
	{class: "robots-endless", does: "robots.txt has no end", front: done, page: threePages, robots: robotsEndless},
}

func threePages(v *visit) { v.html("page", "a good page", "/1", "/2", "/3") }

func robotsStatus(status int) func(*visit) {
	return func(v *visit) { v.plainStatus(status) }
}

// robotsRedirected leads from robots.txt through ten redirects to one that forbids everything.
func robotsRedirected(v *visit) {
	n := 0
	if v.path != "/robots.txt" {
		digits, ok := strings.CutPrefix(v.path, "/rules/")
		if !ok {
			threePages(v)
			return
		}
		n = number(digits, 10)
	}
	if n < 10 {
		v.redirect("/rules/" + strconv.Itoa(n+1))
		return
	}
	v.text("User-agent: *\nDisallow: /\n")
}

func secretPages(v *visit) { v.html("page", "a good page", "/1", "/secret/1", "/secret/2") }

// robotsLarge has its only rule in the last of the first 500 KiB, which RFC 9309 (section 2.5) wants to be read.
func robotsLarge(v *visit) {
	v.Header().Set("Content-Type", "text/plain")
	const comment = "# nothing to see in this line of 32\n"
	v.repeat(comment, 490<<10/len(comment))
	v.repeat("User-agent: *\nDisallow: /secret/\n", 1)
	v.repeat(comment, 110<<10/len(comment))
}

// longURLs has 4 of them on every page.
func longURLs(v *visit) {
	links := make([]string, 4)
	for i := range links {
		links[i] = fmt.Sprintf("/%s%d", strings.Repeat("aeiou", 350), i)
	}
	v.html("page", "a good page", links...)
}

// robotsStars has rules for which each of those URLs is searched to its end.
func robotsStars(v *visit) {
	v.Header().Set("Content-Type", "text/plain")
	v.repeat("User-agent: *\n", 1)
	v.each(600<<10/len("Disallow: /*aeiou10000aeiou\n"), func(b []byte, i int) []byte {
		return fmt.Appendf(b, "Disallow: /*aeiou%daeiou\n", i)
	})
}

func robotsNUL(v *visit) { v.text("\x00User-agent: *\x00\nDisallow: /\x00private\n\xff\xfe\x00\n") }

func robotsEndless(v *visit) {
	v.Header().Set("Content-Type", "text/plain")
	v.repeat("User-agent: nobody\nDisallow: /\n", -1)
}
