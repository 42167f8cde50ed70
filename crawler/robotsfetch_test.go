package crawler

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheHeaderShortensHowLongRobotsServe(t *testing.T) {
	const keep = 12 * time.Hour
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, test := range []struct {
		header string // NAME: VALUE, parted by "|"
		keep   time.Duration
		want   time.Duration
	}{
		{"", 0, keep},
		{"", 24 * time.Hour, 24 * time.Hour},
		{"Cache-Control: public, Max-Age=3600", 0, time.Hour},
		{"Cache-Control: max-age=\"3600\"|Age: 600", 0, 50 * time.Minute},
		{"Cache-Control: public|Cache-Control: max-age=7200", 0, 2 * time.Hour},
		{"Cache-Control: max-age=99999999999999999999", 0, keep},
		{"Cache-Control: max-age=-1", 0, keep},
		{"Cache-Control: max-age=60", 0, 5 * time.Minute},
		{"Cache-Control: max-age=60", 2 * time.Minute, 2 * time.Minute},
		{"Cache-Control: max-age=7200, no-cache", 0, 5 * time.Minute},
		{"Cache-Control: no-store", 0, 5 * time.Minute},
		{"Expires: +1h", 0, time.Hour},
		{"Expires: 0", 0, 5 * time.Minute},
		{"Expires: +1h|Cache-Control: max-age=7200", 0, 2 * time.Hour},
	} {
		t.Run(test.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status := http.StatusOK
				f, wait := local(t, func(w http.ResponseWriter, _ *http.Request) {
					for line := range strings.SplitSeq(test.header, "|") {
						if name, value, ok := strings.Cut(line, ": "); ok {
							w.Header().Add(name, strings.ReplaceAll(value, "+1h", date(time.Hour)))
						}
					}
					w.WriteHeader(status)
				})
				defer wait()
				r, err := NewRobots(f, RobotsConfig{Token: "trawl", Keep: test.keep})
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Until(get(t, r, "http://a.example").Expires()).Round(time.Second); got != test.want {
					t.Errorf("rules serve for %v, want %v", got, test.want)
				}
				status = http.StatusNotFound
				if got := time.Until(get(t, r, "http://b.example").Expires()).Round(time.Second); got != test.want {
					t.Errorf("a 404 serves for %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestAnOriginThatLeadsToAHostWhosePaceIsFullIsAskedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wait := local(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "a.example" {
				http.Redirect(w, r, "http://b.example:81/x", http.StatusFound)
				return
			}
			fmt.Fprint(w, "User-agent: *\nDisallow: /private\n")
		})
		defer wait()
		r := newRobots(t, f)
		var paced []string
		full := true
		pace := func(_ context.Context, url string) error {
			paced = append(paced, url)
			if full && strings.Contains(url, "b.example") {
				return Later(3 * time.Second)
			}
			return nil
		}
		ask := func() *Ruling {
			ruling, err := r.Get(t.Context(), "http://a.example", pace)
			if err != nil {
				t.Fatal(err)
			}
			return ruling
		}
		ruling := ask()
		if ok, _ := ruling.Allowed("/x"); ok || !ruling.Busy() || time.Until(ruling.Expires()) != 3*time.Second {
			t.Errorf("allowed %v, busy %v, again in %v", ok, ruling.Busy(), time.Until(ruling.Expires()))
		}
		time.Sleep(3 * time.Second)
		if again := ask(); !again.Busy() || again.Failures() != 0 {
			t.Errorf("busy %v, %d failures: an appointment is none", again.Busy(), again.Failures())
		}
		full = false
		time.Sleep(3 * time.Second)
		ruling = ask()
		if ok, _ := ruling.Allowed("/private"); ok || ruling.Busy() || ruling.Unreachable() != nil {
			t.Errorf("allowed %v, busy %v, %v", ok, ruling.Busy(), ruling.Unreachable())
		}
		want := []string{"http://a.example/robots.txt", "http://b.example:81/x", "http://b.example:81/x", "http://b.example:81/x"}
		if !slices.Equal(paced, want) {
			t.Errorf("%q", paced)
		}
	})
}

func TestOneRobotsToWhichManyLeadIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		f, wait := local(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "all.example" {
				http.Redirect(w, r, "http://all.example/common.txt", http.StatusFound)
				return
			}
			asked.Add(1)
			fmt.Fprint(w, "User-agent: *\nDisallow: /private\n")
		})
		defer wait()
		r, err := NewRobots(f, RobotsConfig{Token: "trawl"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if ok, _ := get(t, r, fmt.Sprintf("http://h%d.example", i)).Allowed("/private"); ok {
				t.Errorf("%d: allowed", i)
			}
		}
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
		time.Sleep(13 * time.Hour)
		if get(t, r, "http://h1.example"); asked.Load() != 2 {
			t.Errorf("asked %d times when it had expired", asked.Load())
		}
	})
}

func TestRobotsThatHangCostOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wait := local(t, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(12 * time.Second):
				http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
			case <-r.Context().Done():
			}
		})
		defer wait()
		begin := time.Now()
		ruling := get(t, newRobots(t, f), "http://a.example")
		wantKind(t, ruling.Unreachable(), KindTimeout)
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("took %v, want the 30s of one request", took)
		}
	})
}

// The redirect of a robots.txt is not resolved by the URL standard's parser, which knows all these for an address.
func TestRobotsThatLeadToAnAddressReachNothing(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer canary.Close()
	_, port, _ := net.SplitHostPort(canary.Listener.Addr().String())
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Hostname() != "site.test" {
			t.Errorf("the proxy was asked for %s", r.URL)
		}
		http.Redirect(w, r, r.Header.Get("To"), http.StatusFound)
	}))
	defer proxy.Close()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.Header.Get("To"), http.StatusFound)
	}))
	defer site.Close()
	through, _ := url.Parse(proxy.URL)
	for _, host := range []string{
		"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "LOCALHOST.", "127.1", "2130706433",
		"0x7f000001",
		"0X7F.1", "017700000001", "0177.0.0.1", "127.0.0.1.", "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1", "ｌocalhost", "%31%32%37.0.0.1",
		"a@127.0.0.1", "10.0.0.1", "169.254.169.254",
	} {
		for _, c := range []Config{{}, {Proxy: through}} {
			c.Header = http.Header{"To": {"http://" + host + ":" + port + "/robots.txt"}}
			c.AllowNet = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
			c.Named = func(addr string) bool { return addr == "site.test:80" || addr == site.Listener.Addr().String() }
			c.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
				if slices.Contains([]string{"localhost", "localhost.", "site.test"}, name) {
					return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
				}
				return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
			}
			origin := site.URL
			if c.Proxy != nil {
				origin = "http://site.test"
			}
			get(t, newRobots(t, newFetcher(t, c)), origin)
			if reached.Load() > 0 {
				t.Fatalf("%s: reached", host)
			}
		}
	}
}

// FuzzFreshness: whatever a header says, robots.txt serves for a time within our bounds, and not at all for longer than
// a date of expiry.
func FuzzFreshness(f *testing.F) {
	f.Add("max-age=3600, public", "", "5", "")
	f.Add("", "Fri, 20 Nov 2026 12:00:00 GMT", "", "Fri, 20 Nov 2026 11:00:00 GMT")
	f.Add("no-cache=\"x\"", "0", "99999999999", "Mon, 01 Jan 0001 00:00:00 GMT")
	r := &Robots{cfg: RobotsConfig{}.withDefaults()}
	f.Fuzz(func(t *testing.T, control, expires, age, date string) {
		h := http.Header{"Cache-Control": {control}, "Expires": {expires}, "Age": {age}, "Date": {date}}
		if got := r.serves(h); got < robotsBrief || got > robotsFresh {
			t.Errorf("%q: serves for %v", h, got)
		}
		life, ok := freshness(h, time.Now())
		if at, err := http.ParseTime(expires); err == nil && ok && control == "" && date == "" && life-time.Second > max(0, time.Until(at)) {
			t.Errorf("%q: fresh for %v", h, life)
		}
	})
}
