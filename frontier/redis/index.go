package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// crawlIndex is the set of the crawls' names. It is of use to people alone and never relied upon: in a Cluster it may be
// on another server than a crawl, and what fails there fails nothing.
const crawlIndex = "trawl:crawls"

// indexTimeout is how long Open cares for the index.
const indexTimeout = 2 * time.Second

// Crawls lists the names of the crawls at an address (see Open), sorted. It takes names off the index whose crawl is
// gone.
func Crawls(ctx context.Context, address string) ([]string, error) {
	place, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	c, err := indexClient(place)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	names, err := listCrawls(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("list of crawls: %w", advise(storeError(ctx, err), place.tls != nil))
	}
	return names, nil
}

// indexClient makes a client that finds keys of all crawls.
func indexClient(place *address) (goredis.UniversalClient, error) {
	if place.scheme != clusterScheme {
		return newLink(place, []string{crawlIndex}, durabilityNone).client, nil
	}
	base := baseOptions(place)
	return goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: place.nodes, Username: base.Username, Password: base.Password, Dialer: place.dial,
		DialTimeout: dialTimeout, ReadTimeout: readTimeout, DialerRetries: 1, PoolSize: 1, PipelinePoolSize: -1,
		ContextTimeoutEnabled: true, DisableIdentity: true, MaintNotificationsConfig: base.MaintNotificationsConfig,
	}), nil
}

func listCrawls(ctx context.Context, c goredis.UniversalClient) ([]string, error) {
	names, err := c.SMembers(ctx, crawlIndex).Result()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	there := make([]*goredis.IntCmd, len(names))
	_, err = c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, name := range names {
			if keys, err := prefix(name); err == nil {
				there[i] = p.Exists(ctx, keys+"m")
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []string
	var gone []any
	for i, name := range names {
		if there[i] != nil && there[i].Val() > 0 {
			list = append(list, name)
		} else {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		c.SRem(ctx, crawlIndex, gone...) // or the next time
	}
	return list, nil
}

// enlist puts the crawl on the index.
func (s *Store) enlist(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	if c, err := indexClient(s.link.place); err == nil {
		c.SAdd(ctx, crawlIndex, s.cfg.Crawl) // see crawlIndex
		c.Close()
	}
}

// delist takes the crawl off the index.
func (s *Store) delist(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	if c, err := indexClient(s.link.place); err == nil {
		c.SRem(ctx, crawlIndex, s.cfg.Crawl) // or by Crawls
		c.Close()
	}
}

// noCrawl is ErrNoCrawl with names that are there.
func (s *Store) noCrawl(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	c, err := indexClient(s.link.place)
	if err != nil {
		return ErrNoCrawl
	}
	defer c.Close()
	names, err := listCrawls(ctx, c)
	if err != nil || len(names) == 0 {
		return ErrNoCrawl
	}
	more := ""
	if len(names) > 5 {
		more = fmt.Sprintf(" and %d more", len(names)-5)
		names = names[:5]
	}
	return fmt.Errorf("%w; there are: %s%s", ErrNoCrawl, strings.Join(names, ", "), more)
}
