package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

var _ goredis.Hook = (*link)(nil)

// DialHook implements goredis.Hook.
func (l *link) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// sending marks the context of commands that have their place. Those that greet a new connection run within it.
type sending struct{}

// ProcessHook implements goredis.Hook.
func (l *link) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if ctx.Value(sending{}) != nil {
			return next(ctx, cmd)
		}
		err := l.try(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
		cmd.SetErr(err)
		l.judge(err)
		return err
	}
}

// ProcessPipelineHook implements goredis.Hook.
func (l *link) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if ctx.Value(sending{}) != nil {
			return next(ctx, cmds)
		}
		sent := false
		err := l.try(ctx, func(ctx context.Context) error { sent = true; return next(ctx, cmds) })
		for _, cmd := range cmds {
			if !sent {
				cmd.SetErr(err)
			}
			l.judge(cmd.Err())
		}
		return err
	}
}

// try finds the server and sends it commands. When it refuses a connection, they wait for one that we have; when it turns
// out to be a replica now, it is looked for again, once: they were not sent.
func (l *link) try(ctx context.Context, send func(context.Context) error) error {
	inner, wasStale := context.WithValue(ctx, sending{}, true), false
	for end := time.Now().Add(roomTimeout); ; {
		if err := l.enter(ctx); err != nil {
			return err
		}
		_, err := l.find(ctx)
		if err == nil {
			err = send(inner)
		}
		full, stale := l.isFull(err), isReplica(err) && !wasStale
		again := (full || stale) && time.Now().Before(end)
		wasStale = wasStale || stale
		if !again || !full || !l.shrink() {
			l.room <- struct{}{} // else the place is kept out
		}
		if !again {
			return err
		}
		select {
		case <-time.After(fullPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// enter takes a place.
func (l *link) enter(ctx context.Context) error {
	l.mu.Lock()
	if l.refused > 0 && time.Since(l.full) > fullTimeout {
		l.refused--
		l.full = time.Now()
		l.room <- struct{}{} // does not block: its place is missing there
	}
	l.mu.Unlock()
	select {
	case <-l.room:
		return nil
	default:
	}
	timer := time.NewTimer(roomTimeout)
	defer timer.Stop()
	select {
	case <-l.room:
		return nil
	case <-timer.C:
		return errors.New("all connections are busy")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shrink keeps a place out of room for some time, unless it is the last one.
func (l *link) shrink() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = time.Now()
	if l.refused == maxConns-1 {
		return false
	}
	l.refused++
	return true
}

// isFull tells whether a command was not sent because the server took no further connection. Without another one to wait
// for, a connection that is closed can mean anything.
func (l *link) isFull(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Is(err, errFull) || errors.Is(err, errRefused) && len(l.conns) > 0
}

// judge looks for the server again when an answer says that it is another one.
func (l *link) judge(err error) {
	if _, remote := errors.AsType[goredis.Error](err); !remote {
		return
	}
	for _, word := range []string{"MOVED", "READONLY", "UNBLOCKED"} {
		if says(err.Error(), word) {
			l.leave()
		}
	}
	for _, word := range []string{"CLUSTERDOWN", "MASTERDOWN"} {
		if says(err.Error(), word) {
			l.forget(l.known())
		}
	}
}
