package crawler

import (
	"container/list"
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
)

// origin is what a connection leads to: no other host, scheme or port is asked over it.
type origin struct{ scheme, addr string }

// pool keeps connections for the next request. It never waits for one: a request that finds none has it made. And it
// never sends a request again: what a connection says of a request is final.
//
// Its lock is held while no method of a connection is called, for those may call back.
type pool struct {
	transport *http.Transport // makes connections, and does nothing else
	max       int             // connections without a request that are kept

	mu     sync.Mutex
	closed bool
	ready  map[origin][]*link // those that may take a request; used from the end
	idle   list.List          // of *link: those of ready without a request, used last in front
	timer  *time.Timer        // for the one that is idle longest; nil: none is
}

// link is one connection: of HTTP/1.1, for one request at a time, or of HTTP/2.
type link struct {
	*http.ClientConn
	origin origin
	raw    *conn
	h2     bool

	// Guarded by pool.mu.
	users  int
	ready  bool          // it is in pool.ready
	broken bool          // not to be used again; closed by the last of its users
	place  *list.Element // in pool.idle
	since  time.Time     // of being idle
}

func newPool(t *http.Transport, max int) *pool {
	return &pool{transport: t, max: max, ready: make(map[origin][]*link)}
}

// take returns a connection for one request, which must be followed by release.
func (p *pool) take(ctx context.Context, o origin, fresh bool) (*link, error) {
	if !fresh {
		for l, users := p.pick(o); l != nil; l, users = p.pick(o) {
			if l.takes(users) {
				return l, nil
			}
			p.refused(l)
		}
	}
	return p.dial(ctx, o)
}

// takes tells whether the link takes so many requests at once.
//
// They are not reserved, though net/http offers that: when a server lowers its limit there can be too many reservations
// for any of them to begin, and all wait. Without, the next begins when one ends.
func (l *link) takes(users int) bool {
	if !l.h2 {
		return l.Err() == nil
	}
	before := l.InFlight()
	available := l.Available() // none once it was told to go away
	return users <= available+min(before, l.InFlight())
}

// pick returns the link of an origin that was used last, and the number of its users with this one.
func (p *pool) pick(o origin) (l *link, users int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := p.ready[o]
	if len(links) == 0 {
		return nil, 0
	}
	l = links[len(links)-1]
	if !l.h2 {
		p.remove(l)
	}
	p.wake(l)
	l.users++
	return l, l.users
}

// refused takes out of use what took no request: it is closed, was told to go away, or has all the requests that its
// server allows. The latter is put back when one of those ends.
func (p *pool) refused(l *link) {
	p.mu.Lock()
	p.remove(l)
	l.users--
	unused := l.users == 0
	p.mu.Unlock()
	if unused {
		l.Close()
	}
}

// dial makes a connection. It takes no longer than ctx, which does not end the connection. Nobody shares it before its
// first request has ended: until then the server may not have said how many requests it allows.
func (p *pool) dial(ctx context.Context, o origin) (*link, error) {
	l := &link{origin: o, users: 1}
	ctx = httptrace.WithClientTrace(withRaw(ctx, &l.raw), &httptrace.ClientTrace{
		TLSHandshakeDone: func(s tls.ConnectionState, _ error) { l.h2 = s.NegotiatedProtocol == "h2" },
	})
	var err error
	if l.ClientConn, err = p.transport.NewClientConn(ctx, o.scheme, o.addr); err != nil {
		return nil, err
	}
	if l.h2 {
		l.raw.meter.start()
	}
	l.SetStateHook(func(*http.ClientConn) {
		if l.Err() != nil {
			p.drop(l)
		}
	})
	return l, nil
}

// release says that a request, its body included, has ended. Of a link that is broken nothing more is expected.
func (p *pool) release(l *link, broken bool) {
	broken = broken || !l.h2 && l.Available() == 0 // the body was not read to its end, or the server closes
	p.mu.Lock()
	l.users--
	l.broken = l.broken || broken || p.closed
	var unwanted []*link
	if l.broken {
		p.remove(l)
		if l.users == 0 {
			unwanted = []*link{l}
		}
	} else {
		unwanted = p.keep(l)
	}
	p.mu.Unlock()
	closeAll(unwanted)
}

// keep makes a link ready, and returns those for which there is no room any more.
func (p *pool) keep(l *link) (unwanted []*link) {
	p.add(l)
	if l.users > 0 {
		return nil
	}
	l.place, l.since = p.idle.PushFront(l), time.Now()
	for p.idle.Len() > p.max {
		unwanted = append(unwanted, p.discard())
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTimeout, p.sweep)
	}
	return unwanted
}

// sweep closes what has been idle for too long.
func (p *pool) sweep() {
	p.mu.Lock()
	var old []*link
	p.timer = nil
	for e := p.idle.Back(); e != nil && p.timer == nil; e = p.idle.Back() {
		if left := idleTimeout - time.Since(e.Value.(*link).since); left > 0 {
			p.timer = time.AfterFunc(left, p.sweep)
		} else {
			old = append(old, p.discard())
		}
	}
	p.mu.Unlock()
	closeAll(old)
}

// discard takes the link that is idle longest out of the pool.
func (p *pool) discard() *link {
	l := p.idle.Back().Value.(*link)
	p.wake(l)
	p.remove(l)
	l.broken = true
	return l
}

// drop forgets a link that has ended by itself.
func (p *pool) drop(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.broken = true
	p.wake(l)
	p.remove(l)
}

func (p *pool) add(l *link) {
	if links := p.ready[l.origin]; !l.ready {
		l.ready, p.ready[l.origin] = true, append(links, l)
	}
}

func (p *pool) remove(l *link) {
	if !l.ready {
		return
	}
	l.ready = false
	links := p.ready[l.origin]
	if len(links) == 1 {
		delete(p.ready, l.origin)
		return
	}
	i := len(links) - 1 // where pick found it; a proxy can have thousands
	for links[i] != l {
		i--
	}
	p.ready[l.origin] = slices.Delete(links, i, i+1)
}

// wake takes a link off the list of idle ones.
func (p *pool) wake(l *link) {
	if l.place != nil {
		p.idle.Remove(l.place)
		l.place = nil
	}
}

// close closes the links that are idle; the others are closed when they are released.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	closeAll(p.discardAll())
}

func (p *pool) discardAll() (all []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.idle.Len() > 0 {
		all = append(all, p.discard())
	}
	return all
}

func closeAll(links []*link) {
	for _, l := range links {
		l.Close()
	}
}
