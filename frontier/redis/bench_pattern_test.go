package redis_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// pattern is how scrapy-redis keeps a frontier, the most used one of its kind: a set of SHA-1 sums of URLs, in hex, and a
// sorted set of serialized requests of some 700 bytes. Each link is a command, and the next request is a transaction of
// two. It knows nothing of hosts, and what it hands out is gone from the server.
type pattern struct {
	c     *goredis.Client
	fresh int // counts new links
}

const (
	patternSet   = "plain:dupefilter"
	patternQueue = "plain:requests"
)

// newPattern fills one with the URLs of the fleet.
func newPattern(b *testing.B, c *goredis.Client) *pattern {
	fillPattern(b, c, fleetHosts, fleetPages)
	return &pattern{c: c}
}

func fillPattern(b *testing.B, c *goredis.Client, hosts, pages int) {
	for h := range hosts {
		_, err := c.Pipelined(b.Context(), func(p goredis.Pipeliner) error {
			for n := range pages {
				url := page(h, n).URL.String()
				p.SAdd(b.Context(), patternSet, sum(url))
				p.ZAdd(b.Context(), patternQueue, goredis.Z{Member: request(url)})
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func sum(url string) string {
	s := sha1.Sum([]byte(url))
	return hex.EncodeToString(s[:])
}

// request is as long as a pickled one.
func request(url string) string { return url + strings.Repeat("r", 700-len(url)) }

// pages does for a page what work.pages does.
func (p *pattern) pages(callers, known, fresh int) *rival {
	r := &rival{unit: "scrapy-redis", callers: callers, calls: 32}
	lists := make([][]frontier.Entry, r.calls)
	r.prepare = func() {
		for i := range lists {
			host := hostOf(i)
			lists[i] = nil
			for n := range known {
				lists[i] = append(lists[i], pageOf(host, n))
			}
			for range fresh {
				p.fresh++
				lists[i] = append(lists[i], pageOf(host, hugePages+p.fresh))
			}
		}
	}
	r.do = func(caller, i int) error {
		for _, link := range lists[caller*r.calls/callers+i] {
			if err := p.offer(link.URL.String()); err != nil {
				return err
			}
		}
		return p.next()
	}
	return r
}

func (p *pattern) offer(url string) error {
	added, err := p.c.SAdd(context.Background(), patternSet, sum(url)).Result()
	if err != nil || added == 0 {
		return err
	}
	return p.c.ZAdd(context.Background(), patternQueue, goredis.Z{Member: request(url)}).Err()
}

// next takes a request out.
func (p *pattern) next() error {
	var first *goredis.StringSliceCmd
	_, err := p.c.TxPipelined(context.Background(), func(tx goredis.Pipeliner) error {
		first = tx.ZRange(context.Background(), patternQueue, 0, 0)
		tx.ZRemRangeByRank(context.Background(), patternQueue, 0, 0)
		return nil
	})
	if err == nil && len(first.Val()) != 1 {
		err = fmt.Errorf("took %d requests", len(first.Val()))
	}
	return err
}

// The least that a script or a command costs.

func (p *pattern) eval(callers int) *rival {
	nothing := goredis.NewScript("return 1")
	return p.simple(callers, func() error { return nothing.Run(context.Background(), p.c, []string{"plain:key"}).Err() })
}

func (p *pattern) get(callers int) *rival {
	return p.simple(callers, func() error {
		if err := p.c.Get(context.Background(), "plain:key").Err(); err != goredis.Nil {
			return fmt.Errorf("a key that is not there: %w", err)
		}
		return nil
	})
}

func (p *pattern) ping(callers int) *rival {
	return p.simple(callers, func() error { return p.c.Ping(context.Background()).Err() })
}

func (p *pattern) simple(callers int, do func() error) *rival {
	return &rival{callers: callers, calls: 512, do: func(int, int) error { return do() }}
}
