package crawler

import (
	"bufio"
	"net"
	"net/url"
	"strings"
	"testing"
)

// What is written to the server is the URL's path and query, byte for byte, also where net/url would write it in
// another way or not at all.
func TestTheURLIsSentAsItIs(t *testing.T) {
	t.Parallel()
	address, targets := listenForTargets(t)
	f := newFetcher(t, Config{})
	for path, want := range map[string]string{
		"":                     "/",
		"?q":                   "/?q",
		"/a/b.html?x=1&y=%20":  "/a/b.html?x=1&y=%20",
		"/operator%.html":      "/operator%.html",
		"/100%?p=%zz%":         "/100%?p=%zz%",
		"/a|b^c`d{e}":          "/a|b^c`d{e}",
		"/q?a=|{}^\\\"":        "/q?a=|{}^\\\"",
		"//double//slash":      "//double//slash",
		"/a;b=c,d:e@f!$&'()*+": "/a;b=c,d:e@f!$&'()*+",
		"/%2F%2e%41":           "/%2F%2e%41",
		"/#fragment":           "/",
		"/a?":                  "/a?",
	} {
		r, err := f.Fetch(t.Context(), "http://"+address+path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		r.Release()
		if got := <-targets; got != want {
			t.Errorf("%s: sent %s, want %s", path, got, want)
		}
	}
}

func TestAHostIsLookedUpInASCII(t *testing.T) {
	t.Parallel()
	address, targets := listenForTargets(t)
	_, port, _ := net.SplitHostPort(address)
	f := newFetcher(t, Config{Resolve: names{"xn--bcher-kva.example": {"127.0.0.1"}}.resolve})
	for _, path := range []string{"/a", "/a|b"} {
		fetch(t, f, "http://bücher.example:"+port+path)
		if got := <-targets; got != path {
			t.Errorf("sent %s, want %s", got, path)
		}
	}
}

func TestAProxyIsSentTheWholeURLAsItIs(t *testing.T) {
	t.Parallel()
	address, targets := listenForTargets(t)
	f := newFetcher(t, Config{Proxy: &url.URL{Scheme: "http", Host: address}})
	for _, target := range []string{"http://93.184.215.14/plain", "http://93.184.215.14:81/lone%?a=|", "http://93.184.215.14//x%"} {
		r, err := f.Fetch(t.Context(), target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		r.Release()
		if got := <-targets; got != target {
			t.Errorf("%s: sent %s", target, got)
		}
	}
}

func TestWhatCouldSplitARequestIsNotSent(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, raw := range []string{"http://a/b c", "http://a/%\r\nX: y", "http://a/\x00", "http://a/\tb", "http:///x", "http://a b/", "/x", ""} {
		_, err := f.Fetch(t.Context(), raw)
		wantKind(t, err, KindURL)
	}
}

// listenForTargets answers requests on the address and tells the target of each. Go's own server would refuse some.
func listenForTargets(t *testing.T) (address string, targets chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	targets = make(chan string, 1)
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			target := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "GET "), " HTTP/1.1")
			targets <- target
			c.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
			c.Close()
		}
	}()
	return l.Addr().String(), targets
}
