package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"trawl/frontier"
)

// maxHosts is how many hosts one call lends at most.
const maxHosts = 500

// maxNonce is how much of a request's id tells its tokens from those of others: 60 bits of a random text.
const maxNonce = 12

// Lease implements frontier.Frontier. It lends at most 500 hosts at a time.
func (s *Store) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	if err := s.enter(ctx); err != nil {
		return nil, 0, err
	}
	nonce := cmp.Or(r.ID, rand.Text())
	word, rest, err := s.ask(ctx, "", leaseScript,
		r.Worker, r.ID, min(max(r.Hosts, 0), maxHosts), max(r.Batch, 1), millis(r.TTL), nonce[:min(len(nonce), maxNonce)])
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("lease: %w", err)
	case word == "drained":
		return nil, 0, frontier.ErrDrained
	case word == "none" && len(rest) == 1:
		return nil, duration(rest[0]), nil
	case word != "ok" || len(rest) < 2:
		return nil, 0, fmt.Errorf("lease: %w", errReply)
	}
	version, _ := rest[0].(int64)
	leases := make([]frontier.Lease, len(rest)-1)
	for i := range leases {
		if leases[i], err = readLease(rest[i+1]); err != nil {
			return nil, 0, fmt.Errorf("lease: %w", err)
		}
		leases[i].Version = version
	}
	return leases, 0, nil
}

// readLease reads host, token, ttl, delay, settled, elements and failures.
func readLease(reply any) (l frontier.Lease, err error) {
	list, _ := reply.([]any)
	if len(list) != 7 {
		return l, errReply
	}
	host, _ := list[0].(string)
	settled, _ := list[4].(int64)
	elements, _ := list[5].([]any)
	failures, _ := list[6].(int64)
	l.Host = frontier.Host(host)
	l.Token, _ = list[1].(string)
	l.TTL, l.Delay, l.Settled, l.Failures = duration(list[2]), duration(list[3]), int(settled), int(failures)
	l.Items = make([]frontier.Item, l.Settled, l.Settled+len(elements)) // what is settled nobody asks for
	for _, e := range elements {
		text, _ := e.(string)
		it, err := decodeElement(l.Host, text)
		if err != nil {
			return l, fmt.Errorf("%s: %w", host, err)
		}
		l.Items = append(l.Items, it)
	}
	return l, nil
}

// duration reads milliseconds.
func duration(reply any) time.Duration {
	ms, _ := reply.(int64)
	return time.Duration(ms) * time.Millisecond
}
