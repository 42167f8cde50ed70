package frontiertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"trawl/frontier"
)

// retry puts dead URLs in line again on both sides.
func (p *player) retry(h frontier.Host, why frontier.Reason) error {
	m, ok := p.f.(frontier.Mender)
	if !ok {
		return nil
	}
	p.sayf("retry-dead of host %q, reason %q", h, why)
	got, err := m.Retry(p.T.Context(), h, why)
	want, _ := p.model.Retry(p.T.Context(), h, why)
	if err != nil || got != want {
		return fmt.Errorf("retry-dead: %d, %v; want %d", got, err, want)
	}
	return nil
}

// inspect compares what can be seen of hosts and of the dead.
func (p *player) inspect() error {
	in, ok := p.f.(frontier.Inspector)
	if !ok {
		return nil
	}
	hosts := func(in frontier.Inspector) (map[frontier.Host]frontier.HostStats, error) {
		all := map[frontier.Host]frontier.HostStats{}
		err := in.Hosts(p.T.Context(), func(h frontier.HostStats) bool { all[h.Host] = h; return true })
		return all, err
	}
	dead := func(in frontier.Inspector) (all []string, err error) {
		err = in.Dead(p.T.Context(), func(d frontier.DeadURL) bool {
			all = append(all, fmt.Sprintf("%s: %s %s via %q", d.At.UTC().Format(time.StampMilli), d.URL, d.Reason, d.Via))
			return true
		})
		slices.Sort(all) // who dies first of two leases that expire at once is the store's own choice
		return all, err
	}
	got, err := hosts(in)
	want, _ := hosts(p.model)
	if err != nil || len(got) != len(want) {
		return fmt.Errorf("%d hosts, %v; want %d", len(got), err, len(want))
	}
	for name, h := range want {
		if d := diffHosts(got[name], h, p.clock.Now()); d != "" {
			return errors.New(d)
		}
	}
	died, err := dead(in)
	if list, _ := dead(p.model); err != nil || !slices.Equal(died, list) {
		return fmt.Errorf("dead %q, %v; want %q", died, err, list)
	}
	return nil
}

// move exports the crawl and goes on with what is imported. For that it is at rest: what is lent is given back, or
// expires. Seeders and the requests that were answered are not moved, nor is what is suspected of URLs.
func (p *player) move() error {
	if p.store.Import == nil {
		return nil
	}
	before, err := p.f.Stats(p.T.Context())
	if err == nil && before.State == frontier.Running {
		err = p.setState(frontier.Paused)
	}
	if err == nil {
		err = p.rest()
	}
	if err != nil {
		return err
	}
	p.sayf("move")
	parts, err := export(p.T.Context(), p.f)
	if err != nil {
		return err
	}
	if err := p.f.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	p.store = p.store.Import(reader(parts))
	p.f = p.store.Frontier
	p.model.moved(p.store.KeepsLeases)
	return errors.Join(p.compare(), p.inspect(), p.recall(), p.setState(before.State))
}

// rest gives back all leases, in a crawl that lends nothing.
func (p *player) rest() error {
	for _, name := range []string{"seeder 0", "seeder 1"} {
		if err := p.hold(name, 0); err != nil {
			return err
		}
	}
	for _, h := range p.leases {
		if !p.model.lives(h.Lease) {
			continue
		}
		if err := p.report(h, frontier.Report{Release: true}); err != nil {
			return err
		}
	}
	p.leases = nil
	if s, _ := p.model.Stats(p.T.Context()); s.Leased > 0 {
		p.clock.Advance(30 * time.Second) // the longest TTL
	}
	_, err := p.lend(frontier.LeaseRequest{Worker: "nobody", Hosts: 1, Batch: 1, TTL: ttl})
	return err
}

// remember keeps a note on a host under a lease that is held, or was, and recalls it.
func (p *player) remember(o op) error {
	m, ok := p.f.(frontier.Memory)
	if !ok || len(p.leases) == 0 {
		return nil
	}
	l, note := p.leases[int(o.b)%len(p.leases)].Lease, slices.Repeat([]byte{o.c}, int(o.c))
	p.sayf("remember %d bytes for %s %s", len(note), l.Host, l.Token)
	err, wantErr := m.Remember(p.T.Context(), &l, note), p.model.Remember(p.T.Context(), &l, note)
	if fault(err) != fault(wantErr) {
		return fmt.Errorf("remember: %v, want %v", err, wantErr)
	}
	return p.recall()
}

// recall compares the notes on all hosts.
func (p *player) recall() error {
	m, ok := p.f.(frontier.Memory)
	if !ok {
		return nil
	}
	for _, h := range []frontier.Host{hostA, hostB, hostC, "https://d.test"} {
		got, age, err := m.Recall(p.T.Context(), h)
		want, wantAge, _ := p.model.Recall(p.T.Context(), h)
		if err != nil || age != wantAge || (got == nil) != (want == nil) || !bytes.Equal(got, want) {
			return fmt.Errorf("recall of %s: %q, %v old, %v; want %q, %v old", h, got, age, err, want, wantAge)
		}
	}
	return nil
}
