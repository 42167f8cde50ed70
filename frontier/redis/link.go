package redis

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// maxConns is how many connections a process has at most, however many calls it makes at once. The server has one
// thread for them all, so that few keep it busy (BenchmarkConnections); some of them wait for a replica. Four processes
// stay below a limit of 40, with room for people.
const maxConns = 8

// How long a server may take. They add up to the time in which a failover is noticed.
const (
	dialTimeout = 3 * time.Second // with the questions to sentinels and nodes before it
	nodeTimeout = time.Second     // of one such question, and for the first word on a connection
	readTimeout = 3 * time.Second
	roomTimeout = 10 * time.Second // for one of our connections to be free
	fullTimeout = 5 * time.Second  // before we try again to have as many, see errFull
	fullPause   = 25 * time.Millisecond
)

// link is the way to the server that holds a crawl: always one server, found anew when it may be another. Its client's
// connections all lead to that one; commands fail with frontier.ErrUnavailable's causes until it is found.
type link struct {
	place  *address
	keys   []string // the crawl's prefix
	client *goredis.Client
	turn   chan struct{} // whoever holds it looks for the server
	nodes  []string      // whom to ask for it, by turn's holder alone; first the one that answered last
	room   chan struct{} // a place for each connection that we may have; commands take one

	mu      sync.Mutex
	server  string             // its host:port or socket; empty: to be found
	latest  string             // that was found
	age     int                // counts how often that was another one
	conns   map[*conn]struct{} // all that are open
	run     string             // see runID
	members replicas
	waits   bool      // for a replica, see durable.go
	refused int       // places taken out of room since the server is full
	full    time.Time // when it said so
}

// newLink makes a link. It connects when it is first used.
func newLink(place *address, keys []string, durability string) *link {
	logging.Disable() // go-redis prints to stderr what it also returns
	l := &link{
		place: place, keys: keys, turn: make(chan struct{}, 1), room: make(chan struct{}, maxConns),
		nodes: place.nodes, conns: map[*conn]struct{}{}, waits: durability == durabilityWait,
	}
	for range maxConns {
		l.room <- struct{}{}
	}
	opt := baseOptions(place)
	opt.DB, opt.PoolSize = place.db, maxConns
	opt.ReadTimeout, opt.WriteTimeout, opt.DialTimeout = readTimeout, readTimeout, dialTimeout
	opt.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx), nil }
	opt.OnConnect = func(ctx context.Context, c *goredis.Conn) error { return l.greet(ctx, c, durability == durabilityAuto) }
	l.client = goredis.NewClient(opt)
	l.client.AddHook(l)
	return l
}

// baseOptions are those of every client. None sends a command twice by itself: a push repeated there would not know any
// more how many URLs were new.
func baseOptions(place *address) *goredis.Options {
	return &goredis.Options{
		Username: place.user, Password: place.password,
		MaxRetries: -1, DialerRetries: 1, PipelinePoolSize: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dial connects to the server. A failure is returned as a connection that fails: the pool would answer with one that it
// remembers for a second, when the server has been found elsewhere.
func (l *link) dial(ctx context.Context) net.Conn {
	server, err := l.find(ctx)
	if err != nil {
		return brokenConn{err: err}
	}
	raw, err := l.place.dial(ctx, l.place.network(), server)
	if err != nil {
		l.forget(server)
		return brokenConn{err: err}
	}
	c := &conn{Conn: raw, link: l, server: server}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != "" && l.server != server {
		raw.Close()
		return brokenConn{err: fmt.Errorf("%s does not hold the crawl any more", server)}
	}
	l.conns[c] = struct{}{}
	if s, ok := raw.(syscall.Conn); ok {
		return sysConn{c, s}
	}
	return c
}

// find tells where the server is. One call at a time looks for it; connections to an earlier one are closed.
func (l *link) find(ctx context.Context) (string, error) {
	if server := l.known(); server != "" {
		return server, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if server := l.known(); server != "" {
		return server, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	server, err := l.locate(ctx)
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = server
	if l.latest != server {
		l.latest, l.members = server, replicas{}
		l.age++
	}
	l.drop(func(c *conn) bool { return c.server != server })
	return server, nil
}

// known is the server, if it need not be looked for.
func (l *link) known() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.server
}

// forget has the server looked for again. Connections to it stay, for it may be found to be the same.
func (l *link) forget(server string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == server {
		l.server = ""
	}
}

// leave forgets the server and closes all connections to it: it said that it does not hold the crawl.
func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = ""
	l.drop(func(*conn) bool { return true })
}

// drop closes connections. Calls under way on them fail. The caller holds mu, which conn.Close would
// take: so it closes what is within.
func (l *link) drop(which func(*conn) bool) {
	for c := range l.conns {
		if which(c) {
			c.Conn.Close()
			delete(l.conns, c)
		}
	}
}

// close gives up the connections.
func (l *link) close() error { return l.client.Close() }

// misfit is an outage that waiting does not end, as far as Open can tell: the server is not of the kind that the URL
// says. It has no Unwrap, of which the client would make use.
type misfit struct{ text string }

func (m *misfit) Error() string { return m.text }

// misfitf makes one.
func misfitf(format string, args ...any) error { return &misfit{fmt.Sprintf(format, args...)} }
