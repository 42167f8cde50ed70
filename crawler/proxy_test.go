package crawler

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// socksServer is a SOCKS5 proxy that notes what it is asked for and answers every request itself. With a password it
// wants that.
type socksServer struct {
	listener net.Listener
	password string

	mu    sync.Mutex
	asked []string
}

func newSocksServer(t *testing.T, password string) *socksServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socksServer{listener: l, password: password}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				s.serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return s
}

func (s *socksServer) serve(c net.Conn) {
	r := bufio.NewReader(c)
	take := func(n byte) string {
		b := make([]byte, n)
		io.ReadFull(r, b)
		return string(b)
	}
	takeLong := func() string { return take(take(1)[0]) }
	take(1)
	takeLong() // methods
	if s.password != "" {
		c.Write([]byte{5, 2})
		take(1)
		takeLong()
		if takeLong() != s.password {
			c.Write([]byte{1, 1})
			return
		}
		c.Write([]byte{1, 0})
	} else {
		c.Write([]byte{5, 0})
	}
	var target string
	switch take(4)[3] {
	case 1:
		a, _ := netip.AddrFromSlice([]byte(take(4)))
		target = a.String()
	case 3:
		target = takeLong()
	case 4:
		a, _ := netip.AddrFromSlice([]byte(take(16)))
		target = a.String()
	}
	take(2) // port
	s.mu.Lock()
	s.asked = append(s.asked, target)
	s.mu.Unlock()
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	for {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

func (s *socksServer) url(scheme string) *url.URL {
	u := &url.URL{Scheme: scheme, Host: s.listener.Addr().String()}
	if s.password != "" {
		u.User = url.UserPassword("me", s.password)
	}
	return u
}

// The proxy of a name that moves is asked for the address that was judged; with socks5h the name is its own affair.
func TestASOCKSProxyIsAskedForWhatWasVetted(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string]string{"socks5": "8.8.8.8", "socks5h": "public.example"} {
		s := newSocksServer(t, "")
		var asked atomic.Int32
		f := newFetcher(t, Config{
			AllowNet: []netip.Prefix{},
			Proxy:    s.url(scheme),
			Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
				switch {
				case host == "private.example":
					return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
				case asked.Add(1) == 1:
					return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
				}
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			},
		})
		for range 2 { // the second over the first one's connection
			if r := fetch(t, f, "http://public.example/"); string(r.Body) != "ok" {
				t.Errorf("%s: body %q", scheme, r.Body)
			}
		}
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:10.0.0.1]", "private.example", "2130706433", "127.1"} {
			_, err := f.Fetch(t.Context(), "http://"+host+"/")
			wantKind(t, err, KindAddress)
		}
		s.mu.Lock()
		if len(s.asked) != 1 || s.asked[0] != want {
			t.Errorf("%s: asked for %q, want %s once", scheme, s.asked, want)
		}
		s.mu.Unlock()
	}
}

func TestASOCKSProxyIsGivenItsPassword(t *testing.T) {
	t.Parallel()
	s := newSocksServer(t, "hunter2")
	f := newFetcher(t, Config{Proxy: s.url("socks5"), Resolve: names{"a.example": {"8.8.8.8"}}.resolve})
	fetch(t, f, "http://a.example/")
	wrong := s.url("socks5")
	wrong.User = url.UserPassword("me", "hunter3")
	f = newFetcher(t, Config{Proxy: wrong, Resolve: names{"a.example": {"8.8.8.8"}}.resolve})
	_, err := f.Fetch(t.Context(), "http://a.example/")
	wantKind(t, err, KindProxy)
	if strings.Contains(err.Error(), "hunter3") {
		t.Errorf("error %v shows the password", err)
	}
}

// seen notes the header of each request.
type seen struct {
	mu      sync.Mutex
	headers []http.Header
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers = append(s.headers, r.Header.Clone())
}

func (s *seen) last() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[len(s.headers)-1]
}

func TestSecretsAreSentToNamedHostsAlone(t *testing.T) {
	t.Parallel()
	var here, there, secure seen
	named, other := newServer(t, here.ServeHTTP), newServer(t, there.ServeHTTP)
	tls := newH2Server(t, secure.ServeHTTP, nil)
	secrets := []string{
		"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "x-auth", "X-CSRF-Token", "Client-Secret",
		"Session-Id", "X-Password",
	}
	c := Config{
		Insecure: true,
		Header:   http.Header{"X-Plain": {"1"}},
		Named: func(addr string) bool {
			return addr == named.Listener.Addr().String() || addr == tls.Listener.Addr().String()
		},
	}
	for _, name := range secrets {
		c.Header[name] = []string{"hunter2"}
	}
	f := newFetcher(t, c)
	for range 2 {
		fetch(t, f, named.URL)
		fetch(t, f, tls.URL)
		fetch(t, f, other.URL) // what a redirect of the named host would be, too
		for _, name := range secrets {
			if got := here.last().Get(name); got != "hunter2" {
				t.Errorf("the named host saw %s: %q", name, got)
			}
			if got := secure.last().Get(name); got != "hunter2" {
				t.Errorf("the named host saw %s: %q over HTTP/2", name, got)
			}
			if got := there.last().Get(name); got != "" {
				t.Errorf("another host saw %s", name)
			}
		}
		if here.last().Get("X-Plain") != "1" || there.last().Get("X-Plain") != "1" {
			t.Error("a header that is no secret was not sent")
		}
	}
	c.Named = nil
	fetch(t, newFetcher(t, c), named.URL)
	if here.last().Get("Cookie") != "" {
		t.Error("a secret was sent though no host was named")
	}
}

// tunnel is a proxy with a password, for pages by CONNECT; it leads all of them to the target.
func tunnel(t *testing.T, target string, proxied *seen) *httptest.Server {
	return newServer(t, func(w http.ResponseWriter, r *http.Request) {
		proxied.ServeHTTP(w, r)
		if r.Header.Get("Proxy-Authorization") != "Basic bWU6aHVudGVyMg==" { // me:hunter2
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			return
		}
		there, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		w.WriteHeader(http.StatusOK)
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		go func() {
			io.Copy(there, here)
			there.Close()
		}()
		io.Copy(here, there)
	})
}

func TestAProxysPasswordIsForTheProxy(t *testing.T) {
	t.Parallel()
	var target, proxied seen
	s := newH2Server(t, target.ServeHTTP, nil)
	proxy := tunnel(t, s.Listener.Addr().String(), &proxied)
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "hunter2")
	c := Config{Insecure: true, Proxy: u, Resolve: names{}.resolve}
	f := newFetcher(t, c)
	if r := fetch(t, f, "https://a.example/"); r.Status != 200 || r.Proto != "HTTP/2.0" {
		t.Errorf("status %d, %s", r.Status, r.Proto)
	}
	if target.last().Get("Proxy-Authorization") != "" || proxied.last().Get("Proxy-Authorization") == "" {
		t.Error("the password went to the target, or not to the proxy")
	}
	fetch(t, f, "http://a.example/")
	if proxied.last().Get("Proxy-Authorization") == "" {
		t.Error("the password did not go to the proxy")
	}
	u.User = url.UserPassword("me", "hunter3")
	f = newFetcher(t, c)
	_, err = f.Fetch(t.Context(), "https://a.example/")
	wantKind(t, err, KindProxy)
	if text := err.Error(); strings.Contains(text, "hunter") || !strings.Contains(text, "407") {
		t.Errorf("error %v, want one with the status and no password", text)
	}
	_, err = f.Fetch(t.Context(), "http://a.example/")
	wantKind(t, err, KindProxy)
}

func TestAProxyThatCannotBeReachedIsAnErrorOfItsKind(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
		for _, proxy := range []string{"gone.example:80", "127.0.0.1:1"} {
			f := newFetcher(t, Config{Proxy: &url.URL{Scheme: scheme, Host: proxy}, Resolve: names{"a.example": {"8.8.8.8"}}.resolve})
			for _, target := range []string{"http://a.example/", "https://a.example/"} {
				_, err := f.Fetch(t.Context(), target)
				wantKind(t, err, KindProxy)
			}
		}
	}
}

// What a proxy says of a host is not the proxy's fault.
func TestAHostThatAProxyCannotReachIsAConnectError(t *testing.T) {
	t.Parallel()
	proxy := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = newFetcher(t, Config{Proxy: u, Resolve: names{}.resolve}).Fetch(t.Context(), "https://a.example/")
	wantKind(t, err, KindConnect)
}

func TestNoErrorShowsASecret(t *testing.T) {
	t.Parallel()
	secure := newH2Server(t, func(http.ResponseWriter, *http.Request) {}, nil)
	closed := httptest.NewServer(nil)
	closed.Close()
	odd := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(c, "nonsense\r\n\r\n")
		c.Close()
	})
	user := url.UserPassword("me", "hunter2")
	through := func(scheme, raw string) *url.URL {
		u, _ := url.Parse(raw)
		return &url.URL{Scheme: scheme, Host: u.Host, User: user}
	}
	secret := http.Header{"Authorization": {"hunter2"}}
	for _, test := range []struct {
		url string
		c   Config
	}{
		{"http://me:hunter2@[::1", Config{}},
		{"http://me:hunter2@a b/", Config{}},
		{"http://me:hunter2@%zz/", Config{}},
		{"http://me:hunter2@:x/", Config{}},
		{"ftp://me:hunter2@a/", Config{}},
		{strings.Replace(closed.URL, "//", "//me:hunter2@", 1), Config{}},
		{strings.Replace(secure.URL, "//", "//me:hunter2@", 1), Config{}}, // a bad certificate
		{strings.Replace(odd.URL, "//", "//me:hunter2@", 1), Config{Header: secret, Named: func(string) bool { return true }}},
		{"http://a.example/", Config{Proxy: through("http", closed.URL)}},
		{"https://a.example/", Config{Proxy: through("http", closed.URL)}},
		{"https://a.example/", Config{Proxy: through("http", odd.URL)}},
		{"https://a.example/", Config{Proxy: through("https", secure.URL)}},
		{"http://a.example/", Config{Proxy: through("socks5h", closed.URL)}},
		{"http://a.example/", Config{Proxy: through("socks5h", odd.URL)}},
	} {
		test.c.Resolve, test.c.Timeout = names{}.resolve, time.Second // SOCKS waits for more than the nonsense
		_, err := newFetcher(t, test.c).Fetch(t.Context(), test.url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s by proxy %v: error %v", test.url, test.c.Proxy, err)
		}
	}
	_, err := New(Config{UserAgent: "a", Header: http.Header{"Authorization": {"hunter2\n"}}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}
