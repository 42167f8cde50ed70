package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"trawl/frontier"
)

// errMoved says that another run of a server has the crawl than the one that links were left out for.
var errMoved = errors.New("another run of the server")

// Ack implements frontier.Frontier. When there are more than 500 links the surplus is pushed first, in steps of its own.
func (s *Store) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	a := &ack{s: s, l: l, r: r}
	err := a.send(ctx)
	for errors.Is(err, errMoved) {
		if err = s.renewRun(ctx); err == nil {
			err = a.send(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("ack %s: %w", l.Host, err)
	}
	l.Settled += len(r.Outcomes)
	return nil
}

// ack is a report on its way to the store.
type ack struct {
	s *Store
	l *frontier.Lease
	r frontier.Report

	run    string    // of the server, that the seen cache is good for
	links  [][]offer // of each outcome, those that the cache does not know
	n      int       // of links
	capped bool      // a cap kept some of them out
}

func (a *ack) send(ctx context.Context) error {
	a.filter()
	offered := a.links
	if err := a.pushSurplus(ctx); err != nil {
		return err
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	for i, o := range a.r.Outcomes {
		if n := a.l.Settled + i; o.Verdict == frontier.Refused && n < len(a.l.Items) {
			a.s.cache.drop(a.s.fp.Of(a.l.Items[n].URL))
		}
		if !a.capped {
			a.s.cache.add(a.run, offered[i])
		}
	}
	return nil
}

// filter finds the links that the store may not have.
func (a *ack) filter() {
	a.run, a.links, a.n, a.capped = a.s.runID(), make([][]offer, len(a.r.Outcomes)), 0, false
	for i := range a.r.Outcomes {
		for _, o := range a.s.offers(a.r.Outcomes[i].Found) {
			if o.entry.Seed || !a.s.cache.has(a.run, o.fp) {
				a.links[i] = append(a.links[i], o)
			}
		}
		a.n += len(a.links[i])
	}
}

// pushSurplus pushes links until the rest of them fits in one script, under the lease: nobody who lost it adds work.
func (a *ack) pushSurplus(ctx context.Context) error {
	a.links = append([][]offer(nil), a.links...) // send needs them whole
	for i := range a.links {
		for a.n > maxLinks && len(a.links[i]) > 0 {
			n := min(a.n-maxLinks, maxLinks, len(a.links[i]))
			_, capped, err := a.s.push(ctx, a.run, a.l, a.links[i][:n])
			if err != nil {
				return err
			}
			a.links[i], a.n, a.capped = a.links[i][n:], a.n-n, a.capped || capped
		}
	}
	return nil
}

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
		verdicts[i] = '0' + byte(min(o.Verdict, 9))
	}
	args := []any{
		a.run, string(a.l.Host), a.l.Token, a.l.Settled, verdicts, max(millis(a.r.Next), 0), max(millis(a.r.Delay), 0), a.r.Release,
	}
	for i := range a.r.Outcomes {
		at := len(args)
		args = a.appendOutcome(append(args, 0), i)
		args[at] = len(args) - at - 1
	}
	return args
}

// appendOutcome appends what became of one URL.
func (a *ack) appendOutcome(args []any, i int) []any {
	o, n := &a.r.Outcomes[i], a.l.Settled+i
	fp, set := "", ""
	if o.Verdict == frontier.Refused && n < len(a.l.Items) {
		u := a.l.Items[n].URL
		fp, set = member(a.s.fp.Of(u)), seenSet(u)
	}
	args = append(args, string(o.Reason), o.Detail, max(millis(o.After), 0), fp, set, len(o.Refused))
	for _, r := range o.Refused {
		args = append(args, string(r.Reason), r.Count, r.Example)
	}
	return appendRuns(args, a.links[i])
}

// seenSet names the seen set that a URL belongs to: its host, as it is in its key. For hosts these are the same, but for
// a dot at the end of the name.
func seenSet(u frontier.URL) string {
	host := u.Host()
	if name := host.Hostname(); name == "" || name[len(name)-1] != '.' {
		return string(host)
	}
	root := host.URL("/").Key()
	return root[:len(root)-1]
}
