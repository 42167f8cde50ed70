package crawler

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// holders are servers that send some of a large body at once, and then a byte a second or nothing.
var holders = map[string]func(net.Conn){
	"of announced length": drip("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + strings.Repeat("x", 1<<20+100)),
	"of no length":        drip("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 600<<10)),
	"that stop": func(c net.Conn) {
		reply(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"+strings.Repeat("x", 900<<10))
		io.Copy(io.Discard, c)
	},
}

// asHosts serves by the name of the host that is dialled, up to its first dash.
func asHosts(hosts map[string]func(net.Conn)) (Config, func()) {
	var serving sync.WaitGroup
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		name, _, _ := strings.Cut(addr, "-")
		client, server := net.Pipe()
		serving.Go(func() {
			defer server.Close()
			hosts[name](server)
		})
		return client, nil
	}
	return Config{Dial: dial}, serving.Wait
}

func TestLargeBodiesArriveBesideServersThatHoldThemOpen(t *testing.T) {
	for name, hold := range holders {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, wait := asHosts(map[string]func(net.Conn){"holder": hold, "honest": func(c net.Conn) {
					reply(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 5<<20)) // with no length
				}})
				c.LargeBodies = 40 << 20 // less than they hold
				f := newFetcher(t, c)
				over, done := context.WithCancel(t.Context())
				var holding, honest sync.WaitGroup
				for i := range 50 {
					holding.Go(func() {
						time.Sleep(time.Duration(i) * time.Second / 2)
						for over.Err() == nil {
							if r, err := f.Fetch(over, fmt.Sprintf("http://holder-%d/", i)); err == nil {
								r.Release()
							}
							time.Sleep(time.Second) // as a host that fails rests
						}
					})
				}
				time.Sleep(25 * time.Second)
				for i := range 10 {
					honest.Go(func() {
						r, err := f.Fetch(t.Context(), fmt.Sprintf("http://honest-%d/", i))
						if err != nil {
							t.Errorf("host %d: %v", i, err)
							return
						}
						time.Sleep(100 * time.Millisecond) // it is read
						r.Release()
					})
				}
				honest.Wait()
				done()
				holding.Wait()
				f.Close()
				wait()
			})
		})
	}
}

func TestAServerThatHoldsALargeBodyOpenIsCutOffWhenOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wait := asHosts(map[string]func(net.Conn){"holder": holders["of no length"], "honest": func(c net.Conn) {
			reply(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 1<<20))
		}})
		c.LargeBodies = 1 << 20
		f := newFetcher(t, c)
		var holding sync.WaitGroup
		for i := range 2 { // the budget, and the place beside it
			holding.Go(func() {
				_, err := f.Fetch(t.Context(), fmt.Sprintf("http://holder-%d/", i))
				wantKind(t, err, KindTimeout)
			})
		}
		synctest.Wait()
		if r := fetch(t, f, "http://honest-0/"); r.Duration > 5*time.Second {
			t.Errorf("it took %v", r.Duration)
		}
		holding.Wait()
		f.Close()
		wait()
	})
}

func TestASlowLargeBodyHasItsTimeWhileNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		c, wait := piped(func(c net.Conn) {
			reply(c, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", size-20))
			for range 20 {
				time.Sleep(time.Second)
				io.WriteString(c, "x")
			}
		})
		c.LargeBodies = size
		f := newFetcher(t, c)
		if r := fetch(t, f, "http://a.example/"); len(r.Body) != size || r.Duration != 20*time.Second {
			t.Errorf("%d bytes in %v", len(r.Body), r.Duration)
		}
		f.Close()
		wait()
	})
}

// Who waits for memory is not read, and so not slow.
func TestABodyIsNotCutOffForAWaitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		c, wait := piped(func(c net.Conn) { reply(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", size)) })
		c.LargeBodies = 2 * size
		f := newFetcher(t, c)
		first, second := fetch(t, f, "http://a.example/"), fetch(t, f, "http://b.example/") // all there is
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { fetch(t, f, "http://c.example/").Release() })
		}
		time.Sleep(25 * time.Second)
		first.Release()
		second.Release()
		both.Wait()
		if f.bodies.large.left != 2*size || f.bodies.large.alone {
			t.Error("a share was not given back")
		}
		f.Close()
		wait()
	})
}
