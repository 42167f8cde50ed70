package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"trawl/frontier"
)

//go:embed ack.lua
var ackLua string

// Ack implements frontier.Frontier. When there are more than 500 links the surplus is pushed first, in steps of its own.
func (s *Store) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	outcomes, err := s.pushSurplus(ctx, l, r.Outcomes)
	if err != nil {
		return fmt.Errorf("ack %s: %w", l.Host, err)
	}
	word, _, err := s.ask(ctx, ackScript, s.ackArgs(l, r, outcomes)...)
	switch {
	case err != nil:
	case word == "ok":
		l.Settled += len(r.Outcomes)
		return nil
	case word == "lost":
		err = frontier.ErrLeaseLost
	case word == "far":
		err = fmt.Errorf("%d outcomes after %d settled ones do not fit", len(r.Outcomes), l.Settled)
	case word == "verdict":
		err = errors.New("an outcome has no verdict")
	default:
		err = errReply
	}
	return fmt.Errorf("ack %s: %w", l.Host, err)
}

// pushSurplus pushes links until the rest of them fits in one script, under the lease: nobody who lost it adds work.
func (s *Store) pushSurplus(ctx context.Context, l *frontier.Lease, outcomes []frontier.Outcome) ([]frontier.Outcome, error) {
	surplus := -maxLinks
	for i := range outcomes {
		surplus += len(outcomes[i].Found)
	}
	if surplus <= 0 {
		return outcomes, nil
	}
	rest := append([]frontier.Outcome(nil), outcomes...) // the caller's stay as they are
	for i := range rest {
		for surplus > 0 && len(rest[i].Found) > 0 {
			n := min(surplus, maxLinks, len(rest[i].Found))
			if _, err := s.push(ctx, string(l.Host), l.Token, rest[i].Found[:n]); err != nil {
				return nil, err
			}
			rest[i].Found = rest[i].Found[n:]
			surplus -= n
		}
	}
	return rest, nil
}

// ackArgs is an ack as ack.lua reads it.
func (s *Store) ackArgs(l *frontier.Lease, r frontier.Report, outcomes []frontier.Outcome) []any {
	verdicts, links := make([]byte, len(outcomes)), 0
	for i, o := range outcomes {
		verdicts[i] = '0' + byte(min(o.Verdict, 9))
		links += len(o.Found)
	}
	args := []any{
		string(l.Host), l.Token, l.Settled, verdicts, max(millis(r.Next), 0), max(millis(r.Delay), 0), r.Release, links > 0,
	}
	for i := range outcomes {
		at := len(args)
		args = s.appendOutcome(append(args, 0), l, l.Settled+i, &outcomes[i])
		args[at] = len(args) - at - 1
	}
	return args
}

// appendOutcome appends what became of the n-th URL of a lease.
func (s *Store) appendOutcome(args []any, l *frontier.Lease, n int, o *frontier.Outcome) []any {
	fp, set := "", ""
	if o.Verdict == frontier.Refused && n < len(l.Items) {
		u := l.Items[n].URL
		fp, set = s.fingerprint(u), seenSet(u)
	}
	args = append(args, string(o.Reason), o.Detail, max(millis(o.After), 0), fp, set, len(o.Refused))
	for _, r := range o.Refused {
		args = append(args, string(r.Reason), r.Count, r.Example)
	}
	return s.appendRuns(args, o.Found)
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
