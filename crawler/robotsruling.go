package crawler

import (
	"fmt"
	"time"

	"trawl/parser"
)

// Ruling is what an origin's robots.txt says, or that it cannot be had. It does not change.
type Ruling struct {
	rules    *parser.Robots
	size     int       // of the file
	expires  time.Time // asked again after it
	err      error     // of the latest attempt; with rules, those are an old copy's
	busy     bool      // the attempt waits for the pace of a host, often one that the origin redirects to
	way      way       // when it does, there
	failures int

	elsewhere bool          // err is of another host that the origin redirects to
	pause     time.Duration // that the host asked for which answered last
	learned   time.Time     // when the rules were fetched
	marks     Marks
}

func learned(rules *parser.Robots, size int, life time.Duration) *Ruling {
	now := time.Now()
	return &Ruling{rules: rules, size: size, learned: now, expires: now.Add(life)}
}

func unreachable(err error, wait time.Duration) *Ruling {
	return &Ruling{err: fmt.Errorf("robots.txt: %w", err), expires: time.Now().Add(wait), pause: wait}
}

// later is the ruling while a host, often another one that the origin redirects to, may not be asked.
func later(at way, wait time.Duration) *Ruling {
	r := unreachable(fmt.Errorf("%s: %w", at.target, Later(wait)), wait)
	r.busy, r.way = true, at
	return r
}

// heavyRules with stars are more than sites have.
const heavyRules = 256

func (r *Ruling) fresh() bool { return r != nil && time.Now().Before(r.expires) }

// serves tells whether a page may be fetched by the rules without asking again.
func (r *Ruling) serves() bool { return r.fresh() || r != nil && r.marks.Spare && r.err == nil }

func (r *Ruling) cost() int { return 1 + r.size/robotsUnit }

// after returns r as it stands after old, which it replaces: failures in a row are counted and are longer and longer
// apart, and rules that were good before serve on for a while.
func (r *Ruling) after(old *Ruling) *Ruling {
	if r.err == nil {
		return r
	}
	next := *r
	if old != nil {
		next.failures = old.failures
	}
	if !r.busy { // it has an appointment
		next.failures++
	}
	now := time.Now()
	if old != nil && now.Before(old.learned.Add(robotsStale)) {
		next.rules, next.size, next.learned, next.marks = old.rules, old.size, old.learned, old.marks
	}
	backoff := min(robotsBackoff<<min(max(next.failures-1, 0), 20), maxBackoff)
	if at := now.Add(backoff); !r.busy && next.expires.Before(at) {
		next.expires = at
	}
	return &next
}

// Allowed tells whether a path (with its query) may be fetched, and the line of robots.txt that decided. While
// robots.txt cannot be had nothing may.
func (r *Ruling) Allowed(path string) (ok bool, rule string) {
	if r.rules == nil {
		return false, r.err.Error()
	}
	return r.rules.Allowed(path)
}

// IsHeavy tells that there are so many rules with stars that Allowed may take milliseconds.
func (r *Ruling) IsHeavy() bool { return r.rules != nil && r.rules.Starred() > heavyRules }

// CrawlDelay is what the origin asks for, unclamped; 0: nothing.
func (r *Ruling) CrawlDelay() time.Duration {
	if r.rules == nil {
		return 0
	}
	return r.rules.CrawlDelay()
}

// Unreachable says why there are no rules: robots.txt could not be fetched, and no copy of the last 24 hours serves
// instead. It wraps the [*Error] of the fetch, if it was that. nil: there are rules.
func (r *Ruling) Unreachable() error {
	if r.rules == nil {
		return r.err
	}
	return nil
}

// Elsewhere tells that it is another host that cannot be had, to which the origin redirects: that says nothing about the
// origin's pages.
func (r *Ruling) Elsewhere() bool { return r.elsewhere }

// Pause is for how long the host that answered last wants to be left alone (Retry-After); 0: it did not say.
func (r *Ruling) Pause() time.Duration { return r.pause }

// Busy tells that it is not the origin's fault that it is unreachable: it redirects to a host that may not be asked now.
// Ask again later.
func (r *Ruling) Busy() bool { return r.rules == nil && r.busy }

// Sitemaps returns the sitemaps that robots.txt names, as written. The caller must not change them.
func (r *Ruling) Sitemaps() []string {
	if r.rules == nil {
		return nil
	}
	return r.rules.Sitemaps()
}

// Marks are those of the ruling: see [Robots.Mark].
func (r *Ruling) Marks() Marks { return r.marks }

// Failures counts the attempts in a row that brought no rules, across expiries; 0: the rules are what the origin says.
func (r *Ruling) Failures() int { return r.failures }

// Expires is when the origin will be asked again: for an unreachable one, how long to leave it alone.
func (r *Ruling) Expires() time.Time { return r.expires }
