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
// its host, a seen one a fingerprint of 53 bits in a set of its host. Without memory left the server takes no more links,
// but it still lends and settles.
package redis
