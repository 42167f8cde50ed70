package disk

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"trawl/frontier"
)

// Config opens a store. The zero Config opens an existing crawl as it is, and makes a new one with the default policy.
type Config struct {
	Crawl  string           // its name; default "default"
	Policy *frontier.Policy // of a new crawl; an existing one keeps its own
	Now    func() time.Time // the clock, for tests; default the machine's, which it follows without jumps
	// Linger is the longest time that a commit waits for company; default 10 ms, negative for none. Under load it
	// saves most of the cost of committing.
	Linger time.Duration
	Budget int64 // bytes of paths kept in memory; default 16 MiB
	// Mend opens a store although what it says of itself does not fit. Until Check has repaired it, every other
	// method says what is wrong with it.
	Mend bool
}

func (c Config) withDefaults() Config {
	if c.Crawl == "" {
		c.Crawl = "default"
	}
	if c.Policy == nil {
		p := frontier.DefaultPolicy()
		c.Policy = &p
	}
	if c.Now == nil {
		c.Now = steadyClock()
	}
	if c.Linger == 0 {
		c.Linger = 10 * time.Millisecond
	}
	if c.Budget == 0 {
		c.Budget = 16 << 20
	}
	return c
}

// steadyClock is the machine's clock when it was made and the monotonic one from there: a jump of the time of day
// expires no lease and shortens no pause.
func steadyClock() func() time.Time {
	start := time.Now()
	return func() time.Time { return start.Round(0).Add(time.Since(start)) }
}

// Store is an open embedded frontier, with all optional powers but frontier.Fleet: a fleet cannot have it open.
type Store struct {
	cfg  Config
	db   *sql.DB
	lock *lock
	file string
	fp   frontier.Fingerprints
	kick chan struct{} // the open batch has work
	quit chan struct{}
	done sync.WaitGroup // the writer

	// mu guards all below but mending. Open goes without it until the writer runs: nobody else has the store yet.
	mu      sync.Mutex
	crawl   frontier.Crawl
	state   frontier.State
	stats   frontier.Stats // counts but not the derived fields
	clock   int64          // high-water mark, Unix ns
	accepts uint64         // numbers the calls of accept
	opened  []*chunk       // chunks that the running one fills
	hosts   map[frontier.Host]*host
	order   []*host // all hosts, in order of their ids
	seen    set
	prints  prints
	ready   [2]timeline[*host] // idle hosts with URLs in line, by next: those that answered the last time, and strangers
	turn    int                // which of them goes first
	delayed timeline[*chunk]   // retries, by due
	leases  timeline[*lease]   // live ones, by deadline when pushed
	// progress: something was settled since the store was opened. cautious: nothing was, the last time, until the
	// process died; so one URL is lent at a time, until one is settled, to find out which it is that kills.
	progress, cautious bool
	held               map[string]int64 // holders and when they let go
	asked              map[request]*grant
	ids, hostIDs       int64 // latest of chunks, and of hosts
	nonce              string
	tokens             uint64
	inRAM              int64  // bytes of chunk texts
	batch              *batch // the open one
	flying             *batch // being committed; nil: none
	closed             bool
	readable           bool  // the file has our tables, all in one piece
	err                error // a commit failed: the file is behind memory

	mending sync.Mutex // held by who takes dead URLs back; taken before mu
}

var (
	_ frontier.Frontier = (*Store)(nil)
	_ frontier.Holder   = (*Store)(nil)
	_ frontier.Keeper   = (*Store)(nil)

	_ frontier.Memory    = (*Store)(nil)
	_ frontier.Inspector = (*Store)(nil)
	_ frontier.Mender    = (*Store)(nil)
	_ frontier.Exporter  = (*Store)(nil)
)

// Open opens the frontier in folder dir, or makes one. Only one process can have it open.
func Open(dir string, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("frontier folder: %w", err)
	}
	l, err := acquire(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, lock: l, file: filepath.Join(dir, File), kick: make(chan struct{}, 1), quit: make(chan struct{}),
		hosts: map[frontier.Host]*host{}, held: map[string]int64{}, asked: map[request]*grant{}, nonce: randomHex(8),
	}
	s.batch = newBatch()
	if err := s.load(); err != nil && !s.mendable(err) {
		if s.db != nil {
			s.db.Close()
		}
		l.release()
		return nil, err
	}
	s.done.Go(s.write)
	return s, nil
}

// Close commits what is open and gives the file back. What is lent is in line again when it is next opened, at no cost:
// nobody died.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.quit)
	s.done.Wait()
	err := s.db.Close()
	s.lock.release()                 // last: whoever has it next opens the file
	if s.err != nil && !s.cfg.Mend { // who mends was told
		return s.err
	}
	return err
}

// enter locks the store for a call, unless the call is not to happen.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.err
	if s.closed {
		err = frontier.ErrClosed
	}
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.clock = max(s.clock, s.cfg.Now().UnixNano()) // Config.Now may go back
	return nil
}

// begin is enter, and lets time do its work: leases expire and retries fall due before any answer.
func (s *Store) begin(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.reclaimExpired()
	s.queueDue()
	return nil
}

// end unlocks the store and returns when what the call changed, or found changed by another, is committed.
func (s *Store) end() error {
	b := s.batch
	if b.empty() {
		b = s.flying
	}
	s.leave()
	if b == nil {
		return nil
	}
	<-b.committed
	return b.err
}

// leave unlocks the store, and sees to it that what waits to be committed is.
func (s *Store) leave() {
	work := !s.batch.empty()
	s.mu.Unlock()
	if work {
		select {
		case s.kick <- struct{}{}:
		default: // the signal is there: one flush takes the whole batch
		}
	}
}

// after adds a duration to the store's clock.
func (s *Store) after(d time.Duration) int64 {
	if d <= 0 {
		return s.clock
	}
	if t := s.clock + int64(d); t > s.clock {
		return t
	}
	return math.MaxInt64 // later than can be told: never
}

// delay is the time from one request to h to the next.
func (s *Store) delay(h *host) time.Duration {
	return max(s.crawl.Policy.Delay, time.Duration(h.delay))
}

// Stats implements frontier.Frontier. It does not wait for a commit, so it may be ahead of the file.
func (s *Store) Stats(ctx context.Context) (frontier.Stats, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.Stats{}, err
	}
	st := s.counts()
	s.leave()
	return st, nil
}

// counts is a copy of the counts, with what derives from them.
func (s *Store) counts() frontier.Stats {
	st := s.stats
	st.State, st.Drained = s.state, s.drained()
	st.Refused, st.DeadFor = clone(s.stats.Refused), clone(s.stats.DeadFor)
	return st
}

// clone copies counts into a map that can be written to.
func clone(m map[frontier.Reason]int64) map[frontier.Reason]int64 {
	c := make(map[frontier.Reason]int64, len(m))
	maps.Copy(c, m)
	return c
}

// Hold implements frontier.Holder. Holds do not survive the process.
func (s *Store) Hold(ctx context.Context, name string, ttl time.Duration) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if ttl > 0 {
		s.held[name] = s.after(ttl)
	} else {
		delete(s.held, name)
	}
	s.leave()
	return nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
