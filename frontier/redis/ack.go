package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"trawl/frontier"
)

// errMoved says that another run of a server has the crawl than the one that links were left out for.
var errMoved = errors.New("another run of the server")

// Ack implements frontier.Frontier. Report.Found is pushed first, in steps of 500 links, and so is the surplus when there
// are more than 500 in the outcomes.
func (s *Store) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	a := &ack{s: s, l: l, r: r}
	err := a.send(ctx)
	for errors.Is(err, errMoved) { // what was left out for the earlier run is filtered and offered anew
		if err = s.renewRun(ctx); err == nil {
			err = a.send(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("ack %s: %w", l.Host, err)
	}
	l.Settled += len(r.Outcomes)
	if r.Release || l.Settled == len(l.Items) {
		s.way.end(l.Token)
	}
	return nil
}

// ack is a report on its way to the store.
type ack struct {
	s *Store
	l *frontier.Lease
	r frontier.Report

	run    string    // of the server, that the seen cache is good for
	found  []offer   // on the way, those that the cache does not know
	links  [][]offer // of each outcome, likewise
	n      int       // of the latter
	capped bool      // a cap kept some of them out
}

// send sends the report once: the links that do not fit into the ack go before it, so that no page is settled without them.
func (a *ack) send(ctx context.Context) error {
	a.filter()
	if a.s.way.astray(a.l.Token, a.run) {
		return frontier.ErrLeaseLost
	}
	offered := a.links
	if err := a.push(ctx, a.found); err != nil {
		return err
	}
	if err := a.pushSurplus(ctx); err != nil {
		return err
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	a.learn(offered)
	return nil
}

// learn notes what the store acknowledged.
func (a *ack) learn(offered [][]offer) {
	if len(a.r.Found) > 0 {
		a.s.way.note(a.l.Token, a.run)
	}
	if !a.capped {
		a.s.cache.add(a.run, a.found)
	}
	a.forget() // before what came with it, as in filter
	for i := range a.r.Outcomes {
		if !a.capped {
			a.s.cache.add(a.run, offered[i])
		}
	}
}

// forget keeps the cache from knowing what the store forgets.
func (a *ack) forget() {
	for i, o := range a.r.Outcomes {
		if n := a.l.Settled + i; o.Verdict == frontier.Refused && n < len(a.l.Items) {
			a.s.cache.drop(a.s.fp.Of(a.l.Items[n].URL))
		}
	}
}

// filter finds the links that the store may not have.
func (a *ack) filter() {
	a.run, a.links, a.n, a.capped = a.s.runID(), make([][]offer, len(a.r.Outcomes)), 0, false
	a.found = a.unknown(a.r.Found)
	a.forget() // the links that come with it may bring a refused URL back
	for i := range a.r.Outcomes {
		a.links[i] = a.unknown(a.r.Outcomes[i].Found)
		a.n += len(a.links[i])
	}
}

// unknown are the links that the cache does not know.
func (a *ack) unknown(links []frontier.Entry) (offers []offer) {
	for _, o := range a.s.offers(links) {
		if o.entry.Seed || !a.s.cache.has(a.run, o.fp) {
			offers = append(offers, o)
		}
	}
	return offers
}

// pushSurplus pushes links of outcomes until the rest of them fits in one script.
func (a *ack) pushSurplus(ctx context.Context) error {
	a.links = append([][]offer(nil), a.links...) // send needs them whole
	for i := range a.links {
		n := max(min(a.n-maxLinks, len(a.links[i])), 0)
		if err := a.push(ctx, a.links[i][:n]); err != nil {
			return err
		}
		a.links[i], a.n = a.links[i][n:], a.n-n
	}
	return nil
}

// push pushes links in steps that scripts can take, under the lease: nobody who lost it adds work.
func (a *ack) push(ctx context.Context, links []offer) error {
	for part := range slices.Chunk(links, maxLinks) {
		_, capped, err := a.s.push(ctx, a.run, a.l, part)
		if err != nil {
			return err
		}
		a.capped = a.capped || capped
	}
	return nil
}

// settle sends what is left in one script, perhaps with the acks of others, and tells what its answer means.
func (a *ack) settle(ctx context.Context) error {
	f := a.s.acks
	if a.needsSets() {
		f = a.s.linkAcks
	}
	word, err := f.take(ctx, a.s, a.args(), a.n)
	switch {
	case err != nil:
		return err
	case word == "ok":
		return nil
	case word == "capped":
		a.capped = true
		return nil
	case word == "moved":
		return errMoved
	case word == "lost":
		return frontier.ErrLeaseLost
	case word == "far":
		return fmt.Errorf("%d outcomes after %d settled ones do not fit", len(a.r.Outcomes), a.l.Settled)
	case word == "verdict":
		return errors.New("an outcome has no verdict")
	}
	return errReply
}

// needsSets tells whether the seen sets may change.
func (a *ack) needsSets() bool {
	return a.n > 0 || slices.ContainsFunc(a.r.Outcomes, func(o frontier.Outcome) bool { return o.Verdict == frontier.Refused })
}

// args is an ack as ack.lua reads it.
func (a *ack) args() []any {
	verdicts := make([]byte, len(a.r.Outcomes))
	for i, o := range a.r.Outcomes {
		verdicts[i] = '0' + byte(min(o.Verdict, 9)) // the script refuses what is no verdict
	}
	args := []any{
		a.run, string(a.l.Host), a.l.Token, a.l.Settled, verdicts, max(millis(a.r.Next), 0), max(millis(a.r.Delay), 0), a.last(),
	}
	for i := range a.r.Outcomes {
		at := len(args)
		args = a.appendOutcome(append(args, 0), i)
		args[at] = len(args) - at - 1
	}
	return args
}

// last tells of failures and of release in one number: the server takes each argument of every ack apart.
func (a *ack) last() int {
	n := 0
	if a.r.Failures >= 0 {
		n = 2 * kept(a.r.Failures)
	}
	if a.r.Release {
		n++
	}
	return n
}

// kept is a number of failures as records have it: 0 for none that is known.
func kept(failures int) int { return min(max(failures, -1), math.MaxInt32) + 1 }

// appendOutcome appends what became of one URL.
func (a *ack) appendOutcome(args []any, i int) []any {
	o, n := &a.r.Outcomes[i], a.l.Settled+i
	fp, set := "", ""
	if o.Verdict == frontier.Refused && n < len(a.l.Items) {
		u := a.l.Items[n].URL
		fp, set = member(a.s.fp.Of(u)), a.s.seenSet(u.Host())
	}
	args = append(args, string(o.Reason), o.Detail, max(millis(o.After), 0), fp, set, len(o.Refused))
	for _, r := range o.Refused {
		args = append(args, string(r.Reason), r.Count, r.Example)
	}
	return a.s.appendRuns(args, a.links[i])
}

// seenSet names the seen set that a host's URLs belong to: the host of their keys. For most hosts these are the same.
func (s *Store) seenSet(h frontier.Host) string { return string(s.fp.Rules().Host(h)) }
