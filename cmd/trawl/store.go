package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/pflag"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/redis"
)

// store is a frontier with all that the commands ask of one.
type store interface {
	frontier.Frontier
	frontier.Holder
	frontier.Keeper
}

// storeFlags say where a crawl's frontier is: on a Redis server, or else embedded in the output folder.
type storeFlags struct {
	redis, crawl, out string
}

func (o *storeFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.redis, "redis", "", "`URL` of the Redis that has the frontier; a password is better given in TRAWL_REDIS")
	f.StringVar(&o.crawl, "crawl", "default", "`name` of the crawl")
	f.StringVarP(&o.out, "out", "o", "trawl-data", "`folder` of the crawl")
}

// dir is the folder of the embedded frontier.
func (o *storeFlags) dir() string { return filepath.Join(o.out, "frontier") }

// open opens an existing crawl.
func (o *storeFlags) open(ctx context.Context) (store, error) {
	if o.redis == "" {
		return disk.Open(o.dir(), disk.Config{Crawl: o.crawl})
	}
	return redis.Open(ctx, o.redis, redis.Config{Crawl: o.crawl})
}
