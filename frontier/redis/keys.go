package redis

import (
	"fmt"

	"trawl/frontier"
)

// Everything about a crawl is under its prefix T = "trawl:{<crawl>:0}:". The braces are a hash tag: all keys are in one
// slot, and scripts only append to T. 0 is the number of the crawl's only partition.
//
//	T:m                hash   schema; id, another one for each crawl that is made or imported; crawl, which is kept
//	                          when it is moved: ids of records derive from it; name, created, secret, policy (JSON); max_pages, max_host_pages,
//	                          max_host_queue and delay (ms) of it; state; version; counts: seen queued delayed leased
//	                          done dead retries reclaimed; clk, the latest time seen, and skew, how far (ms) it is
//	                          ahead of the server's; wake, when the next lease can expire or retry fall due; grace,
//	                          until when no lease expires; ttl, the longest of a lease; tok, the latest token; run, of
//	                          the server; suspects, 1 once two workers died of a URL; turn, 1 if the next host is to
//	                          be one of T:rs; imported, 1 if the set without a name in T:s is to be asked too;
//	                          unprinted, how many seen URLs have no fingerprint of their own (after an import or a
//	                          repair). While it is made of an export, or removed, id begins with importing: or
//	                          purging:; loaded counts the parts of the former
//	T:f                hash   counts by reason: refused:<reason>, dead:<reason>
//	T:h                hash   host -> record (MessagePack; its fields are in lib.lua)
//	T:r                zset   hosts that can be lent and answered the last time, by the time from which (ms)
//	T:rs               zset   strangers that can be lent, likewise: hosts that were not asked yet, or failed
//	T:l                zset   hosts that are lent, by deadline (ms), as it was at some time: acks extend that of the record
//	T:q<k>:<host>      list   URLs in line at priority k, first those that are lent (see element)
//	T:d                zset   retries, host NUL element, by the time from which (ms)
//	T:s                hash   host -> fingerprints of its seen URLs, 7 bytes each, up to 16; or !<buckets>:<count>
//	T:s:<host>:<b>     set    bucket b of more of them
//	T:x                list   dead URLs: {"host","reason","detail","at"} NUL element
//	T:e:<reason>       list   the latest 100 URLs refused for that reason, the latest first
//	T:n:<host>         string the note on the host, behind the time when it was kept (ms) and a space
//	T:seeds            list   accepted seeds: host NUL element
//	T:hold             zset   who is seeding, until when (ms)
//	T:w                hash   worker -> the time of its latest beat (ms), space, what it told (JSON)
//	T:a                hash   worker -> its latest request for leases, then the hosts that answered it, with spaces between
//	T:p                hash   worker -> the host of which it holds a URL that two workers died of
//
//	T:check            set    there for the moment in which a client, as it starts, looks how the server keeps sets
//	trawl:crawls       set    names of the crawls on this server, to tell people; apart from these keys, in its own slot
//
// A host with a record is in T:r or T:rs, in T:l, or idle: then its lists are empty. Between leases it goes
//
//	idle -push-> T:r or T:rs -lease-> T:l -ack, release, expiry-> T:r or T:rs, or idle when nothing is in line

// schema is the version of this layout.
const schema = "3"

// prefix is T for a crawl.
func prefix(crawl string) (string, error) {
	if !frontier.IsName(crawl) {
		return "", fmt.Errorf("crawl name %q: want 1 to 64 letters, digits, dots, dashes or underscores", crawl)
	}
	return "trawl:{" + crawl + ":0}:", nil
}
