package frontier

import (
	"context"
	"regexp"
	"time"
)

// Holder is an optional power: to keep a crawl open while seeds are still to come.
type Holder interface {
	// Hold keeps the crawl from being drained until ttl has passed, or for good with ttl 0 lets go. Holders are
	// told apart by name.
	Hold(ctx context.Context, name string, ttl time.Duration) error
}

// Crawl is what a frontier knows of its crawl as a whole.
type Crawl struct {
	ID      string    `json:"id"` // random, made with the crawl; record ids derive from it
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Policy  Policy    `json:"policy"`
	Version int64     `json:"version"` // raised by every change of policy or state and by new seeds

	// Run names what has the crawl: with another one, what was read of it before, seeds too, may have been lost.
	Run string `json:"-"`
}

// IsName tells whether a crawl, or a worker, can be called so: by what a folder, a URL and a key of any store can hold,
// 1 to 64 letters, digits, dots, dashes or underscores.
func IsName(s string) bool { return nameForm.MatchString(s) }

var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Keeper is an optional power: to read and change the crawl itself.
type Keeper interface {
	Crawl(ctx context.Context) (Crawl, error)
	SetPolicy(ctx context.Context, p Policy) error
	SetState(ctx context.Context, s State) error
	// Seeds calls yield with the entries that were accepted as seeds (URL and Via), in that order, from number
	// first on, until yield returns false.
	Seeds(ctx context.Context, first int64, yield func(Entry) bool) error
}

// Member is a worker process as the others see it.
type Member struct {
	Name    string    `json:"name"`
	Machine string    `json:"machine"` // host name
	PID     int       `json:"pid"`
	Program string    `json:"program"` // version of it
	Started time.Time `json:"started"`
	Beat    time.Time `json:"beat"`  // the latest, by the store's clock
	Hosts   int       `json:"hosts"` // held
	Pages   int64     `json:"pages"` // settled since it started
	Errors  int64     `json:"errors"`
}

// Fleet is an optional power: to know the workers of a crawl.
type Fleet interface {
	// Beat tells that a worker lives, every few seconds, and returns Crawl.Version.
	Beat(ctx context.Context, m Member) (version int64, err error)
	// Leave tells that a worker ended.
	Leave(ctx context.Context, name string) error
	// Members are the workers that have beaten within the last hour and did not leave, by name.
	Members(ctx context.Context) ([]Member, error)
}

// MaxNote bounds a note, in bytes.
const MaxNote = 512 << 10

// Memory is an optional power: to keep what a host says of itself, its robots.txt, for whoever has its lease next. What is
// older than a day may be forgotten: nobody may go by a robots.txt for longer (RFC 9309, section 2.4).
type Memory interface {
	// Remember keeps a note on a lease's host in place of an earlier one. A longer one than MaxNote is an error.
	// ErrLeaseLost: nothing was kept.
	Remember(ctx context.Context, l *Lease, note []byte) error
	// Recall returns the note on a host, and how long ago it was kept by the store's clock, 0 if that went back; nil
	// when there is none, which an empty note is not. No lease is needed.
	Recall(ctx context.Context, h Host) (note []byte, age time.Duration, err error)
}

// HostStats are the counts of one host.
type HostStats struct {
	Host    Host          `json:"host"`
	Queued  int64         `json:"queued"`
	Delayed int64         `json:"delayed"`
	Leased  int64         `json:"leased"`
	Done    int64         `json:"done"`
	Dead    int64         `json:"dead"`
	Next    time.Time     `json:"next,omitzero"`    // not lent before; zero: any time
	Delay   time.Duration `json:"delay"`            // its own, in nanoseconds; 0: the policy's
	Worker  string        `json:"worker,omitempty"` // that holds it
	Until   time.Time     `json:"until,omitzero"`   // when that lease expires

	Failures int `json:"failures"` // requests in a row that failed; -1: whether it answers is not known
}

// DeadURL is a URL that was given up.
type DeadURL struct {
	URL    URL
	Via    string
	Reason Reason
	Detail string
	At     time.Time
}

// Inspector is an optional power: to look into a crawl, also while it runs. What is read is no snapshot: a host that
// changes meanwhile is seen as it was at some moment in between.
type Inspector interface {
	// Hosts calls yield for every host ever accepted, in no order, until it returns false. Cost: O(hosts), in steps.
	Hosts(ctx context.Context, yield func(HostStats) bool) error
	// Host looks at one host; false: it is not known.
	Host(ctx context.Context, h Host) (HostStats, bool, error)
	// Dead calls yield for every dead URL, in the order they died, until it returns false. Cost: O(dead), in steps.
	Dead(ctx context.Context, yield func(DeadURL) bool) error
	// Refused returns examples of refused links by reason, the latest first: up to 100 of each.
	Refused(ctx context.Context) (map[Reason][]string, error)
}

// Mender is an optional power: to put right what went wrong.
type Mender interface {
	// Retry puts dead URLs of a reason and a host (empty: any) in line again, one Generation later and with no attempt
	// counted, and forgets the failures of their hosts. It returns how many.
	Retry(ctx context.Context, h Host, r Reason) (n int64, err error)
	// Check compares all that the store keeps with itself, and says what does not fit: nothing, in a sound store.
	// With repair it puts right what it finds: URLs are rather fetched twice than lost. The crawl must be at rest
	// for a whole check: while URLs move, counts are compared loosely. Cost: O(hosts + waiting URLs).
	Check(ctx context.Context, repair bool) (findings []string, err error)
}
