package frontier

import (
	"context"
	"errors"
	"time"
)

// Errors that callers act on. Stores wrap them; test with errors.Is.
var (
	// ErrDrained is returned by Lease when the crawl is over: nothing is queued, delayed or lent and nobody is
	// seeding, or a limit or a stop ended it and nothing is lent any more. A later Push can reopen the crawl.
	ErrDrained = errors.New("frontier: drained")
	// ErrLeaseLost is returned by Ack when the lease is no longer the caller's: it expired and the host was taken
	// back, or the store lost what it had acknowledged of it. Nothing was changed. After a resent Ack it can also mean
	// that the first one did arrive.
	ErrLeaseLost = errors.New("frontier: lease lost")
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("frontier: closed")
	// ErrFull is returned when the store has no room left. Nothing that was acknowledged is lost.
	ErrFull = errors.New("frontier: no space left")
	// ErrUnavailable is returned when the store cannot be reached. Every method may be called again with the same
	// arguments.
	ErrUnavailable = errors.New("frontier: store unavailable")
)

// Frontier is one crawl's frontier. Its methods may be called from many goroutines. Every method is safe to call again
// with the same arguments after an error: what had already happened does not happen twice.
//
// What time brings, leases that expire and then retries that fall due, happens at the beginning of every Push, Lease
// and Ack, in every state of the crawl. So no answer depends on who asked before: an ack at its lease's deadline is
// late, also when nobody has taken the host back yet.
type Frontier interface {
	// Push accepts entries: seeds, sitemap URLs. It returns how many of them were new; the others were known, or
	// over a cap and so counted in Stats.Refused (over both, as MaxHostPages). Cost: O(len(entries)).
	Push(ctx context.Context, entries []Entry) (added int, err error)

	// Lease lends up to r.Hosts hosts that are due, each with up to r.Batch URLs. With nothing due it returns no
	// leases and for how long at least that stays so, as long as nobody else calls: a second at most while somebody
	// is about to, be it another process or one that holds the crawl open (Holder). ErrDrained: the crawl is over.
	Lease(ctx context.Context, r LeaseRequest) ([]Lease, time.Duration, error)

	// Ack reports on the next unsettled URLs of a lease, in one atomic step, and moves l.Settled on. It extends the
	// lease by its TTL; when no unsettled URL is left, or r.Release is set, the host goes back in line and the
	// lease is over. With no outcomes it only extends. ErrLeaseLost: nothing was changed.
	//
	// An ack that was sent before, so that all of it is settled, changes nothing; of one that reaches further the
	// rest is done. Acks of one lease must not run at the same time.
	Ack(ctx context.Context, l *Lease, r Report) error

	// Stats counts. Cost: O(1).
	Stats(ctx context.Context) (Stats, error)

	// Close gives up the store. It does not release leases: they are given back by Ack, or expire.
	Close() error
}

// Host is the scheme and authority of a URL, without a default port: "https://example.com",
// "http://[::1]:8090". It is the politeness key: the unit that is lent, paced and paused.
type Host string

// Entry is a URL that someone wants fetched.
type Entry struct {
	URL      URL
	Via      string   // the page it was found on; empty for a seed
	Depth    int      // links followed from a seed; a redirect adds none
	Hops     int      // redirects in a row that led here
	Priority Priority // within its host
	Seed     bool     // it widens the scope: its host (or domain, or folder) belongs to the crawl. With a Via it is
	// where a seed redirected to
	Sitemap bool // it is read as a sitemap: its Depth counts the sitemap indexes that led to it, its Via is the
	// robots.txt that named it or the first of them
}

// Priority orders the URLs of one host; 0 goes first.
type Priority uint8

// MaxPriority is the last priority level.
const MaxPriority Priority = 3

// Item is a lent URL.
type Item struct {
	Entry
	Attempt    int // earlier attempts that failed, or were cut off by the death of their worker
	Generation int // earlier times it was settled (a dead URL that was tried anew)
}

// LeaseRequest asks for work.
type LeaseRequest struct {
	Worker string        // who asks: a process, with all that it holds
	ID     string        // of this request: a repeat of it is answered with the same leases
	Hosts  int           // at most so many hosts
	Batch  int           // at most so many URLs of each
	TTL    time.Duration // how long the leases live without an Ack
}

// Lease is the right to send requests to one host, and the URLs to send them for.
//
// The owner reckons its deadline on its own clock, from the moment it sent the request or the latest Ack: it starts no
// request later than TTL*2/3 after that. The store relies on it when it lends an expired host again.
type Lease struct {
	Host    Host
	Token   string // fencing token, opaque, compared for equality
	Items   []Item
	Settled int           // Items[:Settled] are settled; moved on by Ack
	TTL     time.Duration // see above
	Delay   time.Duration // at least so long from the start of one request to the start of the next
	Version int64         // Crawl.Version when it was lent: the owner knows that policy and those seeds before it begins

	Failures int // Report.Failures, as of the latest ack; -1: none has told, the host is a stranger
}

// Verdict is what became of a lent URL.
type Verdict uint8

// The verdicts.
const (
	Done    Verdict = iota + 1 // fetched, or answered for good
	Retry                      // failed for now: again after Outcome.After
	Dead                       // given up, for Outcome.Reason
	Refused                    // not to be fetched after all (robots.txt): forgotten, counted with Outcome.Reason
)

// Outcome is what became of one lent URL, and what was found there.
type Outcome struct {
	Verdict Verdict
	Reason  Reason        // for Retry, Dead and Refused: a short fixed word
	Detail  string        // for Dead: the error, for people
	After   time.Duration // for Retry: not before so long from now
	Found   []Entry       // links that passed scope, robots and limits
	Refused []Refusal     // links that did not
}

// Report is one Ack.
type Report struct {
	Outcomes []Outcome     // of Items[Settled:Settled+len(Outcomes)]
	Next     time.Duration // the host's next request may start so long from now: its pace, or a longer pause
	Delay    time.Duration // the host's own delay from now on (Crawl-delay, say); 0 leaves it as it was
	Release  bool          // give the host back now; unsettled URLs stay first in line, at no cost
	Failures int           // requests to the host that failed in a row, up to now: kept for its next owner; negative: as it was

	// Found are links that are accepted before anything else happens, for an outcome that is still to come: those of a
	// page with more than fit in memory at once. Under a lost lease none is. Sent again they are known.
	Found []Entry
}

// Refusal counts links of one page that were refused for one reason.
type Refusal struct {
	Reason  Reason
	Count   int
	Example string // one of them
}

// Reason says in a word or two why a URL was refused, retried or given up. Reasons are counted, so there are few.
type Reason string

// Reasons for which a link is refused. It is not seen then, and can be accepted later.
const (
	OutOfScope   Reason = "scope"          // not in Policy.Scope of any seed
	NotIncluded  Reason = "include"        // matches none of Policy.Include
	Excluded     Reason = "exclude"        // matches one of Policy.Exclude
	TooDeep      Reason = "depth"          // deeper than Policy.Depth
	TooLong      Reason = "length"         // longer than MaxURLLen
	TooManyHops  Reason = "redirects"      // more than MaxHops redirects in a row
	BadURL       Reason = "bad-url"        // not a URL by the WHATWG standard
	BadScheme    Reason = "scheme"         // not http or https
	ByRobots     Reason = "robots"         // robots.txt says no
	ByNofollow   Reason = "nofollow"       // the page or the link says so
	HostPagesCap Reason = "max-host-pages" // Policy.MaxHostPages
	HostQueueCap Reason = "max-host-queue" // Policy.MaxHostQueue; deferred rather than refused: offered again it can get in

	PathDepth    Reason = "path-depth"    // Policy.MaxPathDepth
	PathRepeats  Reason = "path-repeats"  // Policy.MaxPathRepeats
	Calendar     Reason = "calendar"      // Policy.MaxDates
	ManyQueries  Reason = "queries"       // Policy.MaxQueries
	Barren       Reason = "barren"        // nothing came of many before it on one list: Policy.EchoAfter
	ManyHosts    Reason = "hosts"         // Policy.MaxDomainHosts
	SessionID    Reason = "session-id"    // only a session differs from URLs that were taken
	Echo         Reason = "echo"          // its host answers any URL like this with such a page: Policy.EchoAfter
	SitemapHost  Reason = "sitemap-host"  // of another host than the sitemap, whose robots.txt does not name it
	SitemapDepth Reason = "sitemap-depth" // more than MaxSitemapDepth indexes led there
	ManySitemaps Reason = "sitemaps"      // its host has too many: 10,000 that one worker met
)

// Reasons for which a URL is given up beside those of its own failure.
const (
	Poison   Reason = "poison"    // its worker died each time it was lent
	HostDown Reason = "host-down" // its host failed too often in a row: Policy.HostFailures
)

// State of a crawl.
type State string

// The states. Whether a running crawl is over is not a state but follows from its counts: see Stats.Drained.
const (
	Running  State = "running"
	Paused   State = "paused"   // lends nothing
	Stopping State = "stopping" // lends nothing more, and is over when nothing is lent
)

// Stats are a crawl's counts. Seen = Queued + Delayed + Leased + Done + Dead, always.
type Stats struct {
	State   State `json:"state"`
	Drained bool  `json:"drained"` // Lease would answer ErrDrained

	Seen    int64 `json:"seen"`
	Queued  int64 `json:"queued"`
	Delayed int64 `json:"delayed"`
	Leased  int64 `json:"leased"`
	Done    int64 `json:"done"`
	Dead    int64 `json:"dead"`

	Hosts       int64 `json:"hosts"`        // hosts ever accepted
	HostsLeased int64 `json:"hosts_leased"` // lent now
	Retries     int64 `json:"retries"`      // Retry outcomes
	Reclaimed   int64 `json:"reclaimed"`    // leases that expired

	Refused map[Reason]int64 `json:"refused"` // links refused, by reason
	DeadFor map[Reason]int64 `json:"dead_for"`
}

// Settled is the number of URLs that max-pages counts.
func (s Stats) Settled() int64 { return s.Done + s.Dead }
