package frontiertest

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"trawl/frontier"
)

// world is what survives the process.
type world struct {
	mu     sync.Mutex
	clock  func() time.Time
	crawl  frontier.Crawl
	state  frontier.State
	hosts  []*host // in the order they were accepted
	byName map[frontier.Host]*host
	seen   map[string]*link // by key
	seeds  []frontier.Entry
	holds  map[string]int64 // name -> end
	dead   []*link          // in the order they died
	serial int              // last used number of tokens and turns

	members map[string]frontier.Member

	// fleet: workers in other processes hold the leases, so they are told apart by name, and two URLs that may be
	// poison are kept apart. In a store of one process all leases are that process's.
	fleet bool

	progress, cautious bool // see Model.Reopen

	strangerFirst bool // see Model.due

	retries, reclaimed int64
	refused, deadFor   map[frontier.Reason]int64
	examples           map[frontier.Reason][]string // of refused links, the latest first
}

// host is one host. Times are in milliseconds.
type host struct {
	name      frontier.Host
	line      [frontier.MaxPriority + 1][]*link // queued and leased: a leased URL keeps its place
	delayed   []*link                           // in the order they fall due
	pages     int64                             // URLs seen
	next      int64                             // not lent before
	delay     int64                             // its own, beside the policy's
	turn      int                               // of the hosts that are due the lowest goes first
	probation bool                              // lent one URL at a time: a worker died with it, or two with its first URL
	failures  int                               // requests in a row that failed, as the latest ack says; -1: not known
	note      []byte                            // nil: none
	noted     int64                             // when
	last      *lease                            // the latest lease; nil if it expired
}

// lease is a lease that lives, or one that was ended by its owner: its ack may be sent again.
type lease struct {
	token, worker, id string
	items             []*link
	settled           int
	ttl, deadline     int64
	version           int64 // of the crawl
	lives             bool
}

type link struct {
	frontier.Item
	in      place
	due     int64 // when delayed
	strikes int   // times its worker died with this URL alone

	why    frontier.Reason // when dead
	detail string
	died   int64
}

// place is the state of a URL.
type place int

const (
	queued place = iota
	delayed
	leased
	done
	dead
	places // how many there are
)

// maxStrikes is how often a URL may be lent alone to a worker that dies.
const maxStrikes = 3

// millis rounds up, so that nothing happens before its time.
func millis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

func move(links []*link, to place) {
	for _, u := range links {
		u.in = to
	}
}

// isStranger tells a host that was not asked yet, or failed the last time.
func (h *host) isStranger() bool { return h.failures != 0 }

func (h *host) lent() bool { return h.last != nil && h.last.lives }

// head is the first n URLs of the line, or fewer.
func (h *host) head(n int) []*link {
	line := slices.Concat(h.line[:]...)
	return line[:min(n, len(line))]
}

func (w *world) now() int64 { return w.clock().UnixMilli() }

// count counts the URLs by state.
func (w *world) count() (n [places]int64) {
	for _, u := range w.seen {
		n[u.in]++
	}
	return n
}

// budget is how many URLs may be lent now. Those that are lent may all be settled, so max-pages counts them.
func (w *world) budget() int64 {
	n, most := w.count(), int64(math.MaxInt64)
	if limit := w.crawl.Policy.MaxPages; limit > 0 {
		most = limit - n[done] - n[dead] - n[leased]
	}
	if w.cautious {
		most = min(most, 1-n[leased])
	}
	return max(0, most)
}

// drained tells whether the crawl is over. A stop and a limit end it also while somebody is seeding.
func (w *world) drained() bool {
	n := w.count()
	limit := w.crawl.Policy.MaxPages
	switch {
	case n[leased] > 0:
		return false
	case w.state == frontier.Stopping, limit > 0 && n[done]+n[dead] >= limit:
		return true
	case n[queued]+n[delayed] > 0:
		return false
	}
	for _, end := range w.holds {
		if end > w.now() {
			return false
		}
	}
	return true
}

// pass lets time do its work, and tells it.
func (w *world) pass() (now int64) {
	now = w.now()
	for _, h := range w.hosts {
		if h.lent() && h.last.deadline <= now {
			w.expire(h, h.last.deadline-h.last.ttl/3, len(h.last.items) == 1)
		}
		for len(h.delayed) > 0 && h.delayed[0].due <= now {
			u := h.delayed[0]
			h.delayed = h.delayed[1:]
			u.in = queued
			h.line[u.Priority] = append(h.line[u.Priority], u)
		}
	}
	return now
}

// expire takes a host back from a worker that died and cannot have started a request after latest. A URL that it was
// lent alone is suspect. Probation ends when an outcome is reported, not when a URL dies of its strikes.
func (w *world) expire(h *host, latest int64, alone bool) {
	rest := h.last.items[h.last.settled:]
	h.last = nil
	h.probation = true
	h.next = max(h.next, latest+w.delayOf(h))
	w.reclaimed++
	for _, u := range rest {
		u.Attempt++
		u.in = queued
	}
	if !alone {
		return // nobody knows which it was
	}
	u := rest[0]
	if u.strikes++; u.strikes == maxStrikes {
		h.leaveLine(u)
		w.bury(u, frontier.Poison, "")
	}
}

// delayOf is the pace of a host, in milliseconds.
func (w *world) delayOf(h *host) int64 { return max(millis(w.crawl.Policy.Delay), h.delay) }

// accept makes e's URL seen and queued, unless it is known or over a cap. Over both caps it is the cap on pages that
// counts, which no later try gets past.
func (w *world) accept(e frontier.Entry) bool {
	if w.seen[e.URL.Key()] != nil {
		return false
	}
	h := w.byName[e.URL.Host()]
	if h == nil {
		h = &host{name: e.URL.Host(), failures: -1}
	}
	p := w.crawl.Policy
	if p.MaxHostPages > 0 && h.pages >= p.MaxHostPages {
		w.refuse(frontier.HostPagesCap, 1, e.URL.String())
		return false
	}
	if h.waiting() >= p.QueueRoom(e.Priority) {
		w.refuse(frontier.HostQueueCap, 1, e.URL.String())
		return false
	}
	if w.byName[h.name] == nil {
		w.serial++
		h.turn = w.serial
		w.byName[h.name] = h
		w.hosts = append(w.hosts, h)
	}
	u := &link{Item: frontier.Item{Entry: e}}
	w.seen[e.URL.Key()] = u
	h.pages++
	h.line[e.Priority] = append(h.line[e.Priority], u)
	if e.Seed {
		w.seeds = append(w.seeds, frontier.Entry{URL: e.URL, Via: e.Via, Seed: true, Sitemap: e.Sitemap})
		w.crawl.Version++
	}
	return true
}

func (w *world) acceptAll(entries []frontier.Entry) (added int) {
	for _, e := range entries {
		if w.accept(e) {
			added++
		}
	}
	return added
}

// waiting counts the host's URLs that are not settled.
func (h *host) waiting() int64 {
	n := len(h.delayed)
	for _, level := range h.line {
		n += len(level)
	}
	return int64(n)
}

// leaveLine takes u, the head of its level, out of the line.
func (h *host) leaveLine(u *link) { h.line[u.Priority] = h.line[u.Priority][1:] }

// settle is one outcome: first the URL itself, then what was found there.
func (w *world) settle(h *host, u *link, o frontier.Outcome) {
	h.leaveLine(u)
	switch o.Verdict {
	case frontier.Done:
		u.in = done
	case frontier.Dead:
		w.bury(u, o.Reason, o.Detail)
	case frontier.Retry:
		w.retry(h, u, o.After)
	case frontier.Refused:
		delete(w.seen, u.URL.Key())
		h.pages--
		w.refuse(o.Reason, 1, u.URL.String())
	}
	for _, r := range o.Refused {
		w.refuse(r.Reason, r.Count, r.Example)
	}
	w.acceptAll(o.Found)
}

// refuse counts links and keeps an example, the latest first.
func (w *world) refuse(why frontier.Reason, n int, example string) {
	w.refused[why] += int64(n)
	w.examples[why] = append([]string{example}, w.examples[why]...)
	w.examples[why] = w.examples[why][:min(100, len(w.examples[why]))]
}

func (w *world) bury(u *link, why frontier.Reason, detail string) {
	u.in, u.why, u.detail, u.died = dead, why, detail, w.now()
	w.deadFor[why]++
	w.dead = append(w.dead, u)
}

// retry puts u at the end of its level, now or later: its host may be lent, and then the head is not to be touched.
func (w *world) retry(h *host, u *link, after time.Duration) {
	w.retries++
	u.Attempt++
	if after <= 0 {
		u.in = queued
		h.line[u.Priority] = append(h.line[u.Priority], u)
		return
	}
	u.in = delayed
	u.due = w.now() + millis(after)
	h.delayed = append(h.delayed, u)
	slices.SortStableFunc(h.delayed, func(a, b *link) int { return cmp.Compare(a.due, b.due) })
}
