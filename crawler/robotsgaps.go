package crawler

import (
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"
)

// gaps keep requests to a host apart that are sent for other hosts, whose robots.txt redirect there: without a lease of
// it, so that nobody else does. Thousands of hosts that redirect to one cannot make us a weapon.
type gaps struct {
	delay time.Duration

	mu    sync.Mutex
	hosts map[string]turn
}

// turn is whose turn at a host it is.
type turn struct {
	taken bool
	next  time.Time // if it is not: when it can be
	queue time.Time // when those who were turned away are all to have come back
}

// gapsMax bounds the hosts that gaps are known of; those over it share one.
const gapsMax = 10_000

// take gives the caller the turn at a host, until it is yielded; or tells how long to wait before trying again. Those who
// are turned away come back one after the other, twice the delay apart, as they will not be punctual.
func (g *gaps) take(host string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	host = g.room(host, now)
	t := g.hosts[host]
	if t.taken {
		t.next = now.Add(g.delay)
	}
	if now.Before(t.next) {
		if t.queue.Before(t.next) {
			t.queue = t.next
		}
		wait = t.queue.Sub(now)
		t.queue = t.queue.Add(2 * g.delay)
	} else {
		t.taken = true
	}
	g.hosts[host] = t
	return wait
}

// yield gives up the turn at hosts: others have it after the delay.
func (g *gaps) yield(hosts []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, host := range hosts {
		t, ok := g.hosts[host]
		if !ok {
			t, host = g.hosts[""], ""
		}
		t.taken, t.next = false, time.Now().Add(g.delay)
		g.hosts[host] = t
	}
}

// room returns the name under which a host is known; the empty one when there are too many.
func (g *gaps) room(host string, now time.Time) string {
	if g.hosts == nil {
		g.hosts = map[string]turn{}
	}
	if _, ok := g.hosts[host]; ok || len(g.hosts) < gapsMax {
		return host
	}
	maps.DeleteFunc(g.hosts, func(_ string, t turn) bool { return !t.taken && now.After(t.next) && now.After(t.queue) })
	if len(g.hosts) < gapsMax {
		return host
	}
	return ""
}

// hostname is that of a URL, in lower case; a port makes no other host of it.
func hostname(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
