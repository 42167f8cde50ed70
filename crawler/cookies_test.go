package crawler

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
)

func TestCookiesAreBounded(t *testing.T) {
	t.Parallel()
	longest, n := 0, 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		longest = max(longest, len(r.Header.Get("Cookie")))
		for i := range 100 {
			n++
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprintf("c%d", n), Value: strings.Repeat("x", 40*i)})
		}
	})
	jar, _ := cookiejar.New(nil)
	f := newFetcher(t, Config{Jar: jar})
	for range 20 {
		fetch(t, f, s.URL).Release()
	}
	if longest == 0 || longest > maxCookieHeader {
		t.Errorf("%d bytes of cookies were sent", longest)
	}
	u, _ := parseURL(s.URL, false)
	if kept := len(jar.Cookies(u)); kept == 0 || kept > cookiesPerHost {
		t.Errorf("%d cookies are kept", kept)
	}
}

func TestACookieThatIsKnownIsRenewed(t *testing.T) {
	t.Parallel()
	n, got := 0, ""
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Cookie")
		n++
		http.SetCookie(w, &http.Cookie{Name: "turn", Value: fmt.Sprint(n)})
	})
	jar, _ := cookiejar.New(nil)
	f := newFetcher(t, Config{Jar: jar})
	for range 3 {
		fetch(t, f, s.URL).Release()
	}
	if got != "turn=2" {
		t.Errorf("the third request had the cookies %q", got)
	}
}
