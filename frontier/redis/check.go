package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

//go:embed check.lua
var checkLua string

var checkScript = goredis.NewScript(checkLua)

// checkServer refuses servers that cannot keep a crawl.
func (s *Store) checkServer(ctx context.Context) error {
	var text string
	for _, section := range []string{"server", "memory"} {
		part, err := s.client.Info(ctx, section).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		text += part
	}
	version := infoField(text, "redis_version")
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil || a < 6 || a == 6 && b < 2 {
		return fmt.Errorf("the server is Redis %s: need 6.2 or later", version)
	}
	if policy := infoField(text, "maxmemory_policy"); policy != "noeviction" {
		return fmt.Errorf("the server's maxmemory-policy is %s, which loses URLs: need noeviction", policy)
	}
	return s.checkSets(ctx)
}

// checkSets refuses a server that does not keep 512 integers as a set of integers: seen URLs would take six times the
// memory. It tries, since not everybody may ask for the configuration. A server without memory left is not asked.
func (s *Store) checkSets(ctx context.Context) error {
	kept, err := checkScript.Run(ctx, s.client, s.keys, 0).Text()
	switch {
	case err != nil && strings.Contains(err.Error(), "OOM "):
		return nil
	case err != nil:
		return storeError(ctx, err)
	case kept != "intset":
		return errors.New("the server's set-max-intset-entries is below 512, which wastes memory: need 512, as is the default")
	}
	return nil
}

// infoField finds a value in the answer to INFO.
func infoField(text, name string) string {
	_, rest, _ := strings.Cut(text, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r")
	return value
}

// advice is what to do about errors of Open, by a piece of their text.
var advice = []struct{ piece, what string }{
	{"WRONGPASS", "user or password in the URL are wrong"},
	{"NOAUTH", "the server wants a password: put USER:PASSWORD@ in front of the host in the URL"},
	{"NOPERM", "the user may not do what a crawl needs: see the rule for ACL SETUSER in the documentation"},
	{"MOVED", "the server is one of a Cluster: use redis-cluster://"},
	{"SELECT is not allowed in cluster mode", "a Cluster has database 0 alone"},
	{"DB index is out of range", "the server has fewer databases"},
	{"remote error: tls: ", "the server wants a certificate: give cert=FILE and key=FILE"},
}

// advise makes an error of Open say what to do. What no waiting mends is no outage then.
func advise(err error, secure bool) error {
	if m, ok := errors.AsType[*misfit](err); ok {
		return m
	}
	for _, a := range advice {
		if strings.Contains(err.Error(), a.piece) {
			return fmt.Errorf("%w (%s)", permanent(err, a.piece), a.what)
		}
	}
	if errors.Is(err, errRefused) {
		what := "does it want TLS: rediss://, or tls=true"
		if secure {
			what = "does it want a certificate: cert=FILE and key=FILE"
		}
		return fmt.Errorf("%w (%s?)", err, what)
	}
	return err
}

// permanent takes the word of an outage from what the server will say again.
func permanent(err error, piece string) error {
	if _, remote := errors.AsType[goredis.Error](err); remote || strings.HasPrefix(piece, "remote") {
		if errors.Is(err, frontier.ErrUnavailable) {
			return errors.New(err.Error())
		}
	}
	return err
}
