package crawler

import (
	"net/http"
	"net/url"
	"sync"
)

// Bounds of cookies (RFC 6265, section 6.1, asks for as much at least). The jar of net/http/cookiejar has none: a site
// could fill memory with it, and make requests as long as it likes.
const (
	maxCookie        = 4096     // bytes of name and value
	cookiesPerHost   = 50       // names that a host may set
	cookiesInAll     = 5000     // names that all hosts may set: 20 MiB at most
	maxCookieHeader  = 16 << 10 // bytes sent with a request
	cookiesPerAnswer = 2 * cookiesPerHost
)

// boundedJar keeps a jar within bounds: what is over them is not kept, or not sent.
type boundedJar struct {
	http.CookieJar

	mu    sync.Mutex
	names map[string]map[string]bool // that hosts have set
	all   int                        // of them
}

func newBoundedJar(jar http.CookieJar) *boundedJar {
	return &boundedJar{CookieJar: jar, names: map[string]map[string]bool{}}
}

// SetCookies implements http.CookieJar.
func (j *boundedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var kept []*http.Cookie
	for _, c := range cookies[:min(len(cookies), cookiesPerAnswer)] {
		if len(c.Name)+len(c.Value) <= maxCookie && j.admits(u.Hostname(), c.Name) {
			kept = append(kept, c)
		}
	}
	if len(kept) > 0 {
		j.CookieJar.SetCookies(u, kept)
	}
}

// admits tells whether a host may set a cookie of that name. Names are never taken off the list: a site that sets ever
// new ones has had its share.
func (j *boundedJar) admits(host, name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	names := j.names[host]
	switch {
	case names[name]:
		return true
	case j.all >= cookiesInAll, len(names) >= cookiesPerHost:
		return false
	case names == nil:
		names = map[string]bool{}
		j.names[host] = names
	}
	names[name] = true
	j.all++
	return true
}

// Cookies implements http.CookieJar: those that fit into a request, in the order of the jar, the longest paths first.
func (j *boundedJar) Cookies(u *url.URL) []*http.Cookie {
	cookies := j.CookieJar.Cookies(u)
	size := 0
	for i, c := range cookies {
		if size += len(c.Name) + len(c.Value) + len("=; "); size > maxCookieHeader {
			return cookies[:i]
		}
	}
	return cookies
}
