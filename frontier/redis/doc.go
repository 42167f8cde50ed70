// Package redis is the shared frontier: a fleet of workers, one Redis, the laws of package frontier.
//
// A crawl lives under one prefix with one hash tag, so in one slot: every law is one atomic script. Scripts are the .lua
// files beside the Go files that call them, with lib.lua in front; keys.go documents what they keep, for people with
// redis-cli. The only clock is the server's, and it never goes back.
//
// A lent URL stays at the head of its host's list until it is settled. The host's record, with its token, is all there
// is to a lease: a worker that dies loses nothing.
//
// Every script can be sent twice. No URL has a key of its own, or is kept whole: a waiting one is its path in a list of
// its host, a seen one a fingerprint of 53 bits in a set of its host. Without memory left the server takes no more links
// and notes, but it still lends and settles.
//
// Whoever looks into a crawl, checks, exports or imports it does so in steps, with workers of other crawls in between.
// A crawl that is imported or removed has another id until that is done, and so is nobody's to work on; what was cut off
// Purge removes. Check finds whatever does not fit, and repairs it when the crawl is paused.
//
// # The server
//
// One client leads to the one server that holds the crawl: the one of the URL, the master that sentinels name, or the
// owner of the crawl's slot in a Cluster. When that may have changed it is looked for again; until it is found calls fail
// with frontier.ErrUnavailable, and can be repeated. While a Cluster moves the slot, they fail the same way.
//
// A master that answered a call can die before its replica has heard of it. With durability wait (see Config) a call
// returns when a replica has what it wrote, and a failover to that one loses nothing. When no replica is attached, as
// right after a failover, calls go on without (see Store.Degraded). A master that is cut off from everybody but us is
// such a one: min-replicas-to-write 1 on the servers makes it refuse calls instead.
//
// The server has to keep its keys (maxmemory-policy noeviction) and has to be Redis 6.2 or later. A user of its own needs
// no more than this:
//
//	ACL SETUSER trawl on >password ~trawl:* +@read +@write +@scripting +@connection -@dangerous +info +time +wait +cluster|slots
package redis
