package worker

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"trawl/frontier"
)

// doors lead to servers, by host name: neither a port nor a scheme makes another server of it. Visits send requests there
// at their own pace. Besides them there are guests: whoever reads the robots.txt of a host that redirects to another one,
// of which it has no lease. There is one guest at a time; while it is there no visit of this worker sends a request, and
// gaps are kept before and after it. So thousands of hosts that redirect to one cannot make us a weapon. Of the visits of
// other workers nothing is known here.
type doors struct {
	mu    sync.Mutex
	names map[string]*door
	sweep int // so many are too many
}

type door struct {
	paces []*pace // of the visits
	guest bool
	delay time.Duration // between guests, at least
	came  time.Time     // when the guest did, or was let in
	left  time.Time     // when the latest guest left
	rests time.Time     // until then, for a visit that is over
	asked time.Time     // nobody before, whoever it is: the host asked a guest for a pause
	next  time.Time     // no guest before: visits come first
	queue time.Time     // when guests who were turned away are all to have come back
}

// guestPatience is how much longer than a gap a guest waits at a door, where it holds a place: a visit's request may be under
// way.
const guestPatience = 5 * time.Second

// enter makes the pace of a visit known.
func (d *doors) enter(h frontier.Host, p *pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.at(h.Hostname())
	at.paces = append(at.paces, p)
	p.keep(at.left)
	p.rest(time.Until(at.asked))
	if at.guest {
		p.receive()
	}
}

// leave forgets the pace of a visit, but for its latest gap or pause.
func (d *doors) leave(h frontier.Host, p *pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.at(h.Hostname())
	at.paces = slices.DeleteFunc(at.paces, func(other *pace) bool { return other == p })
	at.rests = later(at.rests, time.Now().Add(p.left()))
}

// take makes the caller the guest, until it leaves; it has to wait until the host is ready. Or it tells how long to stay
// away: those who are turned away come back one after the other, further apart than guests need to be, as they will not
// be punctual.
func (d *doors) take(name string, delay time.Duration) (wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.at(name)
	delay = max(delay, slack)
	for _, p := range at.paces {
		delay = max(delay, p.gap())
	}
	wait = at.wait()
	if at.guest || wait > delay+guestPatience {
		at.queue = later(at.queue, time.Now().Add(max(wait, delay)))
		wait = time.Until(at.queue)
		at.queue = at.queue.Add(3 * delay)
		return wait
	}
	at.guest, at.delay, at.came = true, delay, time.Now()
	for _, p := range at.paces {
		p.receive()
	}
	return 0
}

// wait is how long a guest has to wait at least. The caller holds mu.
func (at *door) wait() time.Duration {
	wait := max(time.Until(at.next), time.Until(at.rests), time.Until(at.asked))
	for _, p := range at.paces {
		wait = max(wait, p.vacant())
	}
	return wait
}

// ready tells the guest how long to wait before it looks again, with 0 that its request may be sent; or that it has waited
// for long enough.
func (d *doors) ready(name string) (wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, now := d.at(name), time.Now()
	wait = max(0, at.wait())
	if wait > 0 && now.Add(wait).After(at.came.Add(at.delay+guestPatience)) {
		return wait, false
	}
	if wait == 0 {
		at.came = now
	}
	return wait, true
}

// gap is the time between two requests of the guest.
func (d *doors) gap(name string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at(name).delay
}

// rest obeys a host that told the guest to leave it alone for so long.
func (d *doors) rest(name string, pause time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.at(name)
	at.asked = later(at.asked, time.Now().Add(pause))
	for _, p := range at.paces {
		p.rest(pause)
	}
}

// dismiss lets the guest go. If it sent a request, gaps begin; the next guest comes when visits have had as much of the
// host's time.
func (d *doors) dismiss(name string, sent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.at(name)
	at.guest = false
	if sent {
		at.left = time.Now()
		at.next = at.left.Add(2*at.delay + at.left.Sub(at.came))
	}
	for _, p := range at.paces {
		p.keep(at.left)
		p.dismiss()
	}
}

// manyDoors bounds the names that are known, but for those of the visits under way.
const manyDoors = 1 << 16

// at returns the door of a name. Now and then those are forgotten at which nothing happens any more. The caller holds mu.
func (d *doors) at(name string) *door {
	name = strings.TrimSuffix(name, ".")
	if at := d.names[name]; at != nil {
		return at
	}
	if len(d.names) >= max(d.sweep, 1024) {
		now := time.Now()
		maps.DeleteFunc(d.names, func(_ string, at *door) bool { return at.idle() && at.over(now) })
		if len(d.names) >= manyDoors {
			maps.DeleteFunc(d.names, func(_ string, at *door) bool { return at.idle() })
		}
		d.sweep = 2 * len(d.names)
	}
	at := &door{}
	d.names[name] = at
	return at
}

// idle tells whether nobody is at the door.
func (at *door) idle() bool { return len(at.paces) == 0 && !at.guest }

// over tells whether nothing that was so far keeps anybody waiting.
func (at *door) over(now time.Time) bool {
	return now.After(at.next) && now.After(at.rests) && now.After(at.asked) && now.After(at.queue)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
