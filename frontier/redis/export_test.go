package redis

import (
	"context"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// Client is the store's own.
func (s *Store) Client() *goredis.Client { return s.client }

// SendTwice has the store send each script's call a second time, as after a lost reply. A lease is read from the second
// answer; an ack from the first, since another may have the host by then. A lease without an id is not to be repeated. Nor
// is a push: what it is refused by a cap counts each time that it is offered.
func (s *Store) SendTwice() { s.client.AddHook(twice{}) }

type twice struct{}

func (twice) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (twice) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (twice) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		first, ok := cmd.(*goredis.Cmd)
		if err != nil || !ok || cmd.Name() != "evalsha" {
			return err
		}
		args := cmd.Args() // evalsha, hash, 1, prefix, time, crawl, run, worker, id
		hash, _ := args[1].(string)
		if hash == pushScript.Hash() || hash == leaseScript.Hash() && args[8] == "" {
			return nil
		}
		second := goredis.NewCmd(ctx, args...)
		err = next(ctx, second)
		if hash == leaseScript.Hash() {
			first.SetVal(second.Val())
		}
		return err
	}
}

// RunID is the store's.
func (s *Store) RunID() string { return s.runID() }

// Slot is the slot of the crawl in a Cluster.
func (s *Store) Slot() int { return slot(s.keys[0]) }

// SlotOf is the slot of a key.
func SlotOf(key string) int { return slot(key) }

// Limit lets the store have n connections at a time, of those that it may have.
func (s *Store) Limit(n int) {
	s.link.room = make(chan struct{}, n)
	for range n {
		s.link.room <- struct{}{}
	}
}

// PurgeSlice does the first of what Purge does, and no more.
func PurgeSlice(s *Store) error {
	_, err := s.run(context.Background(), purgeScript, purging+"cut-off", 0)
	return err
}

// ImportTwice imports with calls that all arrive twice, and PurgeTwice purges so.
func ImportTwice(ctx context.Context, address string, cfg Config, next func() (*frontier.Part, error)) error {
	s, err := newStore(address, cfg)
	if err != nil {
		return err
	}
	defer s.link.close()
	s.SendTwice()
	return s.load(ctx, next)
}

func PurgeTwice(ctx context.Context, address, crawl string) error {
	s, err := newStore(address, Config{Crawl: crawl})
	if err != nil {
		return err
	}
	defer s.link.close()
	s.SendTwice()
	return s.purge(ctx)
}

// MendHost has a host put right, and returns what the script says. With stale it is another one by then.
func MendHost(s *Store, h frontier.Host, stale bool) (string, error) {
	ctx := context.Background()
	p, err := s.records(ctx, "0", true, string(h))
	if err != nil {
		return "", err
	}
	r := p.hosts[0]
	if stale {
		r.raw += "x"
	}
	word, err := s.run(ctx, mendScript, "host", string(h), r.raw, false, 0, 0, 0)
	text, _ := word.(string)
	return text, err
}

// Waiting is how many acks wait for a call to come back.
func (s *Store) Waiting() int {
	s.acks.mu.Lock()
	defer s.acks.mu.Unlock()
	return len(s.acks.waits)
}

// AckTogether sends an ack of each lease, all in one call.
func (s *Store) AckTogether(ctx context.Context, leases []frontier.Lease, reports ...frontier.Report) []error {
	s.linkAcks.turn <- struct{}{}
	errs := make([]error, len(leases))
	var acks sync.WaitGroup
	for i := range leases {
		acks.Go(func() { errs[i] = s.Ack(ctx, &leases[i], reports[i]) })
		for n := 0; n <= i; {
			s.linkAcks.mu.Lock()
			n = len(s.linkAcks.waits)
			s.linkAcks.mu.Unlock()
		}
	}
	<-s.linkAcks.turn
	acks.Wait()
	return errs
}
