package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Values of Config.Durability.
const (
	durabilityAuto = "auto"
	durabilityNone = "none"
	durabilityWait = "wait"
)

const (
	replicaTimeout = time.Second // for a replica to confirm a call
	replicaPause   = time.Second // between looks for a replica, while there is none
)

// checkDurability refuses words that mean nothing.
func checkDurability(word string) error {
	switch word {
	case durabilityAuto, durabilityNone, durabilityWait:
		return nil
	}
	return fmt.Errorf("durability %q: want auto, none or wait", word)
}

// Durable tells whether calls wait until a replica has what they wrote. By durability auto that begins when one is seen,
// and does not end.
func (s *Store) Durable() bool {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	return s.link.waits
}

// Degraded tells that calls should wait for a replica, and do not since none is attached, as after a failover: what
// they write is on one server alone.
func (s *Store) Degraded() bool {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	m := s.link.members
	return s.link.waits && m.online == 0 && !m.asked.IsZero() // else nobody knows yet
}

// errUnconfirmed says that a call wrote, and that no replica told that it has that.
var errUnconfirmed = fmt.Errorf("no replica confirmed the call within %v", replicaTimeout)

// send runs a script that writes.
func (s *Store) send(ctx context.Context, script *goredis.Script, args []any) (any, error) {
	if _, err := s.link.find(ctx); err != nil {
		return nil, err
	}
	if err := s.link.lookForReplica(ctx); err != nil {
		return nil, err
	}
	if !s.Durable() || s.Degraded() {
		return script.Run(ctx, s.client, s.keys, args...).Result()
	}
	reply, confirmed, err := s.sendAndWait(ctx, script.EvalSha, args)
	if goredis.HasErrorPrefix(err, "NOSCRIPT") { // Script.Run sees to that, but not in a pipeline
		reply, confirmed, err = s.sendAndWait(ctx, script.Eval, args)
	}
	if err == nil && confirmed == 0 {
		err = s.link.unconfirmed(ctx)
	}
	return reply, err
}

// sendAndWait sends a script's call and waits on the same connection for a replica to have what it wrote.
func (s *Store) sendAndWait(
	ctx context.Context, call func(context.Context, goredis.Scripter, []string, ...any) *goredis.Cmd, args []any,
) (reply any, confirmed int64, err error) {
	var answer, wait *goredis.Cmd
	_, err = s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		answer = call(ctx, p, s.keys, args...)
		wait = p.Do(ctx, "wait", 1, replicaTimeout.Milliseconds())
		return nil
	})
	if answer.Err() != nil {
		return nil, 0, answer.Err()
	}
	if err == nil {
		confirmed, err = wait.Int64()
	}
	return answer.Val(), confirmed, err
}

// unconfirmed decides what a call is worth that no replica confirmed: without one there is nothing to wait for.
func (l *link) unconfirmed(ctx context.Context) error {
	online, err := l.countReplicas(ctx)
	if err == nil && online > 0 {
		err = errUnconfirmed
	}
	return err
}

// lookForReplica looks whether a replica is attached that calls should wait for: at a server that was just found every
// call does, and where there was none one call looks now and then. That has the master looked for as well: one without a
// replica may be one that was replaced.
func (l *link) lookForReplica(ctx context.Context) error {
	l.mu.Lock()
	due := l.waits && l.members.online == 0 && time.Since(l.members.asked) > replicaPause
	if due && !l.members.asked.IsZero() {
		l.members.asked = time.Now() // the others go on meanwhile
		l.server = ""
	}
	l.mu.Unlock()
	if !due {
		return nil
	}
	_, err := l.countReplicas(ctx)
	return err
}

// countReplicas asks the server for its replicas, and leaves it if it is one itself by now.
func (l *link) countReplicas(ctx context.Context) (int, error) {
	text, err := l.client.Info(ctx, "replication").Result()
	if err != nil {
		return 0, err
	}
	if infoField(text, "role") != "master" {
		l.leave()
		return 0, errors.New("the server is a replica now")
	}
	members := readReplicas(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members = members
	return members.online, nil
}
