package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"trawl/frontier"
)

// Check implements frontier.Mender. It reads all that the store keeps of the crawl, and looks through the names of the
// server's keys for some that belong to nothing. Each host is seen in one instant; what has to fit over several hosts is
// only told when nothing moved meanwhile. A repair is refused while the crawl is not at rest. Memory: a counter for each
// host that has retries or dead URLs.
func (s *Store) Check(ctx context.Context, repair bool) (findings []string, err error) {
	a, err := s.audit(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	findings = a.words()
	if !repair || len(findings) == 0 {
		return findings, nil
	}
	if err := s.repair(ctx, a); err != nil {
		return findings, fmt.Errorf("repair: %w", err)
	}
	return findings, nil
}

// rounds is how often a repair looks again: what is put right in one place shows in the next.
const rounds = 6

// repair puts right what is found until nothing is.
func (s *Store) repair(ctx context.Context, a *audit) error {
	v, err := s.meta(ctx, "state")
	if err != nil {
		return err
	}
	if frontier.State(v[0]) == frontier.Running {
		if st, err := s.Stats(ctx); err != nil || !st.Drained {
			return errors.New("the crawl is running: trawl pause, and wait until its workers gave back what is lent")
		}
	}
	if a.held > 0 {
		return fmt.Errorf("%d hosts are lent: trawl pause, and wait until their workers gave them back, or their leases expired", a.held)
	}
	for range rounds {
		if a, err = s.audit(ctx, true); err != nil || len(a.found) == 0 {
			return err
		}
	}
	return fmt.Errorf("it does not become sound: %s", a.found[0].text)
}

// maxFindings bounds what a check tells: a ruined store has millions.
const maxFindings = 1000

// audit compares all that is kept of a crawl with itself.
type audit struct {
	s      *Store
	ctx    context.Context
	repair bool
	fixes  []func() error // of what was found since the latest mend

	found []finding
	more  int  // findings that are not told
	moved bool // something changed since it began

	before    []string          // counts
	number    map[string]int64  // of T:m
	poisoned  map[string]string // T:p
	strays    map[string]int64  // seen sets with buckets that they do not count, and the last one
	orphans   map[string]bool   // hosts with lists and without a record
	broken    map[string]bool   // seen sets that cannot be read
	delayed   map[string]int64  // URLs by host, of hosts that were not looked at yet
	dead      map[string]int64
	deadFor   map[frontier.Reason]int64
	asked     []question
	sum       frontier.Stats
	prints    int64
	held      int64 // leases that have not expired
	ready     int64 // hosts in T:r
	strangers int64 // in T:rs
}

type finding struct {
	text  string
	still bool // it means nothing if something moved meanwhile
}

func (s *Store) audit(ctx context.Context, repair bool) (*audit, error) {
	a := &audit{
		s: s, ctx: ctx, repair: repair, strays: map[string]int64{}, broken: map[string]bool{}, orphans: map[string]bool{},
		delayed: map[string]int64{}, dead: map[string]int64{}, deadFor: map[frontier.Reason]int64{}, number: map[string]int64{},
	}
	if err := s.enter(ctx); err != nil {
		return a, err
	}
	var err error
	if a.before, err = s.counts(ctx); err != nil {
		return a, err
	}
	// Sets before the URLs that are looked up in them, and retries and dead URLs before the hosts that count them.
	for _, look := range []func() error{
		a.readMeta, a.readKeys, a.readSets, a.readDelayed, a.readDead, a.readSeeds, a.readHosts, a.readOrphans, a.readPoisoned, a.compare,
	} {
		err := look()
		if errors.Is(err, errNumbers) {
			return a, a.settle()
		}
		if err == nil {
			err = a.settle()
		}
		if err != nil {
			return a, err
		}
	}
	after, err := s.counts(ctx)
	a.moved = !slices.Equal(a.before, after)
	return a, err
}

// sure notes what does not fit, and what puts it right.
func (a *audit) sure(fix func() error, format string, args ...any) { a.note(false, fix, format, args) }

// loose notes what does not fit if nothing moved meanwhile.
func (a *audit) loose(fix func() error, format string, args ...any) { a.note(true, fix, format, args) }

// note keeps a finding, and what puts it right if that is wanted: also of those that are not told.
func (a *audit) note(still bool, fix func() error, format string, args []any) {
	if len(a.found) < maxFindings {
		a.found = append(a.found, finding{fmt.Sprintf(format, args...), still})
	} else {
		a.more++
	}
	if a.repair && fix != nil {
		a.fixes = append(a.fixes, fix)
	}
}

// settle asks what is open and puts right what was found, where that does not disturb who is reading a list.
func (a *audit) settle() error {
	if err := a.ask(); err != nil {
		return err
	}
	for _, fix := range a.fixes {
		if err := fix(); err != nil {
			return err
		}
	}
	a.fixes = a.fixes[:0]
	return nil
}

// words are what was found, for people.
func (a *audit) words() (words []string) {
	for _, f := range a.found {
		if !a.moved || !f.still {
			words = append(words, f.text)
		}
	}
	if a.more > 0 && len(words) > 0 {
		words = append(words, fmt.Sprintf("and %d more", a.more))
	}
	return words
}

// question is whether a URL that the store knows by name is among the seen.
type question struct {
	url frontier.URL
	set string
	fp  uint64 // as seen sets have it
}

// maxQuestions is how many are asked together: enough for many of them to be about the same bucket of a large set.
const maxQuestions = 1 << 15

// isSeen has a URL looked for.
func (a *audit) isSeen(u frontier.URL) error {
	q := question{u, a.s.seenSet(u.Host()), a.s.fp.Of(u) >> (64 - printBits)}
	if a.broken[q.set] || a.broken[imported] {
		return nil // in the next round
	}
	a.asked = append(a.asked, q)
	if len(a.asked) < maxQuestions {
		return nil
	}
	return a.ask()
}

// ask looks for URLs among the seen. One that is not there would be fetched again.
func (a *audit) ask() error {
	missing, err := a.lookUp(a.asked, false)
	if err == nil && a.number["imported"] == 1 {
		missing, err = a.lookUp(missing, true)
	}
	for _, q := range missing {
		fix := func() error { return a.s.remember(a.ctx, q.set, strconv.FormatUint(q.fp, 10)) }
		a.loose(fix, "%s is not among the seen", q.url)
	}
	a.asked = a.asked[:0]
	return err
}

// lookUp returns those questions that are to be denied, by the set of the URL's host or by the one that was imported.
func (a *audit) lookUp(list []question, inImported bool) (missing []question, err error) {
	set := func(q question) string { return q.set }
	if inImported {
		set = func(question) string { return imported }
	}
	slices.SortFunc(list, func(p, q question) int {
		return cmp.Or(strings.Compare(set(p), set(q)), cmp.Compare(bits.Reverse64(p.fp), bits.Reverse64(q.fp)))
	})
	for part := range slices.Chunk(list, maxLinks) {
		var args []any
		for i := 0; i < len(part); {
			n := 1
			for i+n < len(part) && set(part[i+n]) == set(part[i]) {
				n++
			}
			args = append(args, set(part[i]), n)
			for _, q := range part[i : i+n] {
				args = append(args, q.fp)
			}
			i += n
		}
		reply, err := a.s.read(a.ctx, knownScript, args...)
		if err != nil {
			return nil, err
		}
		places, _ := reply.([]any)
		for _, at := range places {
			if i, _ := at.(int64); i >= 1 && i <= int64(len(part)) {
				missing = append(missing, part[i-1])
			}
		}
	}
	return missing, nil
}
