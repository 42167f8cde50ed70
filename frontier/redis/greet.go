package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed run.lua
var runLua string

var runScript = goredis.NewScript(runLua)

// greet makes sure that a new connection leads to a master, and notes which run of a server that is, before any other
// command is sent on it. With durable, a replica there is waited for from then on.
func (l *link) greet(ctx context.Context, c *goredis.Conn, durable bool) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	l.mu.Lock()
	server, age := l.latest, l.age
	l.mu.Unlock()
	text, err := infoOf(ctx, c)
	if err != nil {
		return err
	}
	if err := l.checkRole(server, text); err != nil {
		l.forget(server)
		return err
	}
	run, err := l.noteRun(ctx, c)
	if err != nil {
		return err
	}
	members := readReplicas(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.age != age {
		return fmt.Errorf("%s does not hold the crawl any more", server)
	}
	l.run, l.members = run, members
	l.waits = l.waits || durable && members.online > 0
	return nil
}

// infoOf asks a server who it is.
func infoOf(ctx context.Context, c goredis.Cmdable) (string, error) {
	var about, replication *goredis.StringCmd
	_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		about, replication = p.Info(ctx, "server"), p.Info(ctx, "replication")
		return nil
	})
	if err != nil {
		return "", err
	}
	return "\r\n" + about.Val() + replication.Val(), nil
}

// checkRole refuses a server that is no master.
func (l *link) checkRole(server, info string) error {
	switch {
	case infoField(info, "redis_mode") == "sentinel":
		return misfitf("%s is a sentinel: use redis-sentinel://host:port/master-name", server)
	case infoField(info, "role") == "master":
		return nil
	case l.place.scheme == sentinelScheme || l.place.scheme == clusterScheme:
		return replicaError(server)
	}
	return misfitf("%s is a replica, of %s:%s: give the address of its master",
		server, infoField(info, "master_host"), infoField(info, "master_port"))
}

// replicaError says that the server of this address was the master, and is a replica now.
type replicaError string

func (e replicaError) Error() string { return string(e) + " is a replica" }

func isReplica(err error) bool {
	_, ok := errors.AsType[replicaError](err)
	return ok
}

// noteRun notes in the crawl which run of a server has it, and returns that.
func (l *link) noteRun(ctx context.Context, c goredis.Scripter) (string, error) {
	return runScript.Run(ctx, c, l.keys, 0).Text()
}

// runID names the run of a server that the latest connection leads to. What was filtered by what another run had
// acknowledged has to be offered anew.
func (s *Store) runID() string {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	return s.link.run
}

// renewRun reads the run id anew. It is for those whom a script told that the crawl is in another run, though no
// connection was made since.
func (s *Store) renewRun(ctx context.Context) error {
	run, err := s.link.noteRun(ctx, s.client)
	if err != nil {
		return storeError(ctx, err)
	}
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.run = run
	return nil
}

// replicas are those attached to the server.
type replicas struct {
	online int // those that follow it, not those that are still being copied to
	asked  time.Time
}

// readReplicas counts replicas in the answer to INFO.
func readReplicas(info string) replicas {
	return replicas{strings.Count(info, ",state=online,"), time.Now()}
}
