package main

import (
	"context"
	"path/filepath"
	"strings"

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
	frontier.Inspector
	frontier.Mender
	frontier.Exporter
}

// storeFlags say where a crawl's frontier is: on a Redis server, or else embedded in the output folder.
type storeFlags struct {
	redis, crawl, out string
	durability        choice
}

func (o *storeFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.redis, "redis", "", "`URL` of the Redis with the frontier; a password is better put in TRAWL_REDIS")
	o.durability = choice{"auto", []string{"auto", "none", "wait"}}
	f.Var(&o.durability, "durability", "`when` changes wait until a replica of Redis has them too: none, wait, or auto, if there is one")
	f.StringVar(&o.crawl, "crawl", "default", "`name` of the crawl")
	f.StringVarP(&o.out, "out", "o", "trawl-data", "`folder` of the output and, without --redis, the frontier")
}

// dir is the folder of the embedded frontier.
func (o *storeFlags) dir() string { return filepath.Join(o.out, "frontier") }

// check knows what no store checks.
func (o *storeFlags) check() error {
	switch {
	case o.out == "":
		return usagef("--out: must not be empty")
	case !frontier.IsName(o.crawl):
		return usagef("--crawl %q: want up to 64 letters, digits, dots, dashes and underscores", o.crawl)
	}
	return nil
}

// place says where the frontier is, of an address that was good enough to open it: without user, password and options.
func (o *storeFlags) place() string {
	if o.redis == "" {
		return o.dir()
	}
	scheme, rest, _ := strings.Cut(o.redis, "://")
	rest, _, _ = strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + hosts[strings.LastIndexByte(hosts, '@')+1:] + "/" + path
}

// create opens a crawl, and makes it with that policy if it is not there. No worker ends with it before its maker, who
// holds it by that name, has brought the first seeds.
func (o *storeFlags) create(ctx context.Context, p frontier.Policy, holder string) (store, error) {
	if o.redis == "" {
		return disk.Open(o.dir(), disk.Config{Crawl: o.crawl, Policy: &p})
	}
	return redis.Open(ctx, o.redis, redis.Config{Crawl: o.crawl, Policy: &p, Create: true, Hold: holder, Durability: o.durability.value})
}

// open opens an existing crawl.
func (o *storeFlags) open(ctx context.Context) (store, error) {
	if o.redis == "" {
		return disk.Open(o.dir(), disk.Config{Crawl: o.crawl})
	}
	return redis.Open(ctx, o.redis, redis.Config{Crawl: o.crawl, Durability: o.durability.value})
}
