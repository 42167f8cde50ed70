package crawler

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// names is a DNS of its own: a name that is not in it does not exist.
type names map[string][]string

func (n names) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, a := range n[host] {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	if addrs == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// canary is a server that nobody may reach.
func canary(t *testing.T) (port string, touched *atomic.Bool) {
	touched = new(atomic.Bool)
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	s.Config.ConnState = func(net.Conn, http.ConnState) { touched.Store(true) }
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port(), touched
}

func TestTheGuardKeepsOffWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	port, touched := canary(t)
	dns := names{"rebind.example": {"127.0.0.1"}, "mapped.example": {"::ffff:127.0.0.1"}, "six.example": {"::1"}}
	f := newFetcher(t, Config{AllowNet: []netip.Prefix{}, Resolve: dns.resolve})
	for _, host := range []string{
		"127.0.0.1", "127.8.9.10", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"localhost", "LOCALHOST", "localhost.", "a.b.localhost", "rebind.example", "mapped.example", "six.example",
		"10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"169.254.169.254", "192.0.0.192", "168.63.129.16", "192.0.2.1", "240.0.0.1",
		"0x7f000001", "0x7F.1", "2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "017700000001", "0",
		"[fe80::1%25lo]", "[::ffff:169.254.169.254]", "[64:ff9b:1::7f00:1]", "[::ffff:0:127.0.0.1]", "[100::1]",
		"[fd00:ec2::254]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:db8::1]",
	} {
		_, err := f.Fetch(t.Context(), "http://"+host+":"+port+"/")
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindAddress {
			t.Errorf("%s: error %v, want kind %q", host, err, KindAddress)
		}
	}
	if touched.Load() {
		t.Error("a connection was made")
	}
}

// Of a name with several addresses those that are not public are not tried when the others fail.
func TestAMixedAnswerLeadsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	port, touched := canary(t)
	dns := names{"a.example": {"127.0.0.9", "127.0.0.1"}, "b.example": {"::ffff:127.0.0.1", "127.0.0.9", "::1"}}
	// 127.0.0.9, where nobody listens, stands for a public address.
	f := newFetcher(t, Config{AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}, Resolve: dns.resolve})
	for host := range dns {
		if _, err := f.Fetch(t.Context(), "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s: fetched", host)
		}
	}
	if touched.Load() {
		t.Error("a connection was made")
	}
}

// What is looked up is what is judged and what is dialled: a name that changes gains nothing.
func TestANameThatMovesToAPrivateAddressIsNotFollowed(t *testing.T) {
	t.Parallel()
	port, touched := canary(t)
	l, err := net.Listen("tcp", "127.0.0.9:"+port)
	if err != nil {
		t.Skip(err) // not every system has all of 127/8
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	s.Start()
	t.Cleanup(s.Close)
	var asked atomic.Int32
	f := newFetcher(t, Config{
		AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			if asked.Add(1) == 1 {
				return []netip.Addr{netip.MustParseAddr("127.0.0.9")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	})
	url := "http://rebind.example:" + port + "/"
	for range 3 { // on the first answer, though it is dialled again
		r, err := f.Fetch(WithFresh(t.Context()), url)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	f.dialer.resolver.answers = newCache[*answer](dnsMax) // as when it has expired
	_, err = f.Fetch(WithFresh(t.Context()), url)
	wantKind(t, err, KindAddress)
	if touched.Load() {
		t.Error("a connection was made")
	}
}

func TestAKeptConnectionOfANamedHostServesNoOther(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := newServer(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	dns := names{"named.example": {"127.0.0.1"}, "other.example": {"127.0.0.1"}}
	f := newFetcher(t, Config{
		AllowNet: []netip.Prefix{},
		Resolve:  dns.resolve,
		Named:    func(addr string) bool { return addr == "named.example:"+port },
	})
	fetch(t, f, "http://named.example:"+port)
	_, err := f.Fetch(t.Context(), "http://other.example:"+port)
	wantKind(t, err, KindAddress)
	if requests.Load() != 1 {
		t.Errorf("%d requests, want 1", requests.Load())
	}
}

func TestAnAllowedNetworkIsDialled(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	f := newFetcher(t, Config{AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	fetch(t, f, s.URL)
	_, err := f.Fetch(t.Context(), strings.Replace(s.URL, "127.0.0.1", "127.0.0.2", 1))
	wantKind(t, err, KindAddress)
}

func TestAnAllowedHostIsDialledOnItsPortOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, touched := canary(t)
	f := newFetcher(t, Config{
		AllowNet: []netip.Prefix{},
		Named:    func(addr string) bool { return addr == "localhost:"+u.Port() },
	})
	fetch(t, f, "http://localhost:"+u.Port())
	fetch(t, f, "http://LocalHost:"+u.Port())
	for _, other := range []string{"127.0.0.1:" + u.Port(), "localhost:" + port, "a.localhost:" + u.Port()} {
		_, err := f.Fetch(t.Context(), "http://"+other)
		wantKind(t, err, KindAddress)
	}
	if touched.Load() {
		t.Error("a connection was made")
	}
}

func TestTheNextAddressIsTriedWhenOneFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	dns := names{"two.example": {"127.0.0.9", "127.0.0.1"}, "mixed.example": {"10.0.0.1", "127.0.0.1"}}
	f := newFetcher(t, Config{Resolve: dns.resolve})
	fetch(t, f, "http://two.example:"+u.Port())
	fetch(t, f, "http://mixed.example:"+u.Port())
}

func TestTheGuardLooksAtWhatAProxyIsAskedFor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	proxy := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, r.RequestURI)
	})
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	dns := names{"private.example": {"10.0.0.1"}, "public.example": {"8.8.8.8"}}
	f := newFetcher(t, Config{Proxy: u, AllowNet: []netip.Prefix{}, Resolve: dns.resolve})
	for _, host := range []string{
		"127.0.0.1", "localhost", "x.localhost", "private.example", "[::1]", "[::ffff:10.0.0.1]",
		"2130706433", "127.1", "0x7f.1", "0x7f000001", "0177.0.0.1.", "10.0.0.0x1",
	} {
		_, err := f.Fetch(t.Context(), "http://"+host+"/")
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindAddress {
			t.Errorf("%s: error %v, want kind %q", host, err, KindAddress)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the proxy was asked %d times", n)
	}
	// One that it may be asked for, and one that only it can look up.
	for _, url := range []string{"http://public.example/a", "http://unknown.example/b"} {
		if r := fetch(t, f, url); string(r.Body) != url {
			t.Errorf("the proxy was asked for %q, want %q", r.Body, url)
		}
	}
}

func TestDNSIsAskedOncePerNameAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		dns := names{"known.example": {"127.0.0.1"}}
		r := resolver{answers: newCache[*answer](10)}
		r.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			asked.Add(1)
			time.Sleep(time.Second) // virtual: long enough for the others to come
			return dns.resolve(ctx, host)
		}
		for _, test := range []struct {
			host string
			kept time.Duration
		}{{"known.example", dnsPositive}, {"unknown.example", dnsNegative}} {
			asked.Store(0)
			for range 100 {
				go r.resolve(t.Context(), test.host)
			}
			time.Sleep(test.kept)
			r.resolve(t.Context(), test.host)
			if n := asked.Load(); n != 1 {
				t.Errorf("%s: asked %d times, want once", test.host, n)
			}
			time.Sleep(2 * time.Second)
			r.resolve(t.Context(), test.host)
			if n := asked.Load(); n != 2 {
				t.Errorf("%s: asked %d times after it expired, want twice", test.host, n)
			}
		}
	})
}

func TestADNSErrorHasItsKind(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "gone.example":
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		case "empty.example":
			return nil, nil
		}
		return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	}})
	for host, want := range map[string]Kind{"gone.example": KindNoHost, "empty.example": KindNoHost, "bad.example": KindDNS} {
		_, err := f.Fetch(t.Context(), "http://"+host)
		wantKind(t, err, want)
	}
}

func TestALookupGivenUpIsNotRemembered(t *testing.T) {
	t.Parallel()
	r := resolver{answers: newCache[*answer](10)}
	r.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.resolve(ctx, "a.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if _, err := r.resolve(t.Context(), "a.example"); err != nil {
		t.Errorf("the next lookup: %v", err)
	}
}
