package redis

import (
	"context"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	maxAcks       = 16 // in one call
	flightTimeout = 15 * time.Second
)

// flight has the acks of a process go together: those that come while a call is under way wait, and are the next call.
// So none waits for others when there is room, and under load a call carries many. Those with links are apart from those
// without: they are refused while the server has no memory left.
type flight struct {
	script *goredis.Script
	turn   chan struct{} // whoever holds it sends

	mu    sync.Mutex
	waits []*passenger
}

func newFlight(script *goredis.Script) *flight {
	return &flight{script: script, turn: make(chan struct{}, 1)}
}

// passenger is an ack on its way.
type passenger struct {
	args  []any
	links int

	done chan struct{} // closed once there is an answer
	word string
	err  error
}

// take sends an ack and returns the answer. When ctx ends while it is on its way, it may arrive all the same.
func (f *flight) take(ctx context.Context, s *Store, args []any, links int) (word string, err error) {
	p := &passenger{args: args, links: links, done: make(chan struct{})}
	f.mu.Lock()
	f.waits = append(f.waits, p)
	f.mu.Unlock()
	for {
		select {
		case <-p.done:
			return p.word, p.err
		case f.turn <- struct{}{}:
			if !ended(p.done) { // whoever had the turn before may have taken it along
				f.fly(ctx, s)
			}
			<-f.turn
		case <-ctx.Done():
			f.mu.Lock()
			defer f.mu.Unlock()
			f.waits = slices.DeleteFunc(f.waits, func(other *passenger) bool { return other == p })
			return "", ctx.Err()
		}
	}
}

// fly sends those who wait, as many as one call takes. The call is not the sender's alone: only his deadline counts, which
// may make the others send theirs again.
func (f *flight) fly(sender context.Context, s *Store) {
	aboard := f.board()
	if len(aboard) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(sender), flightTimeout)
	defer cancel()
	if end, ok := sender.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	args := []any{len(aboard)}
	for _, p := range aboard {
		args = append(args, p.args...)
	}
	_, words, err := s.ask(ctx, "", f.script, args...)
	if err == nil && len(words) != len(aboard) {
		err = errReply
	}
	for i, p := range aboard {
		if p.err = err; err == nil { // an error is everybody's: whether it took effect nobody knows, and each sends again
			p.word, _ = words[i].(string)
		}
		close(p.done)
	}
}

// board takes who came first, with no more links in all than one script is to take. One alone is never left behind.
func (f *flight) board() []*passenger {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, links := 0, 0
	for n < min(len(f.waits), maxAcks) && (n == 0 || links+f.waits[n].links <= maxLinks) {
		links += f.waits[n].links
		n++
	}
	aboard := slices.Clone(f.waits[:n])
	f.waits = slices.Delete(f.waits, 0, n)
	return aboard
}

// ended tells whether a channel is closed.
func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
