// Package frontier is the contract of a crawl's frontier and the words of the domain: what is to be fetched, who may
// fetch it now, and what became of it. It does no I/O. The stores are in the packages below: disk (embedded, one
// process) and redis (a fleet); frontiertest holds the one suite that both must pass.
//
// # The life of a URL
//
// A URL is unknown until [Frontier.Push], or an Ack that found it on a page, accepts it: from then on it is seen, for
// ever. A seen URL is in exactly one state:
//
//	queued   waits in its host's line, by priority, then age
//	delayed  waits for its retry time, then is queued again
//	leased   lent to a worker, with its host
//	done     settled: it was fetched (whatever the HTTP status), or the answer was final
//	dead     settled: given up, with a reason
//
// A worker asks for leases. A [Lease] is the lock on one [Host]: nobody else may touch that host while it lasts. It
// carries a batch of the URLs at the head of the host's line, and a token. The worker fetches them in order (several
// at once when the policy allows it), writes each page to its sinks, and only then calls Ack with what became of each
// URL and the links it found. An ack settles, accepts links, counts and extends the lease in one atomic step. When the
// last URL of a batch is settled the host goes back in line by itself.
//
// URLs stay at the head of their host's line until they are settled, so a worker that dies loses nothing: its lease
// expires and the same URLs are lent again.
//
// # Laws
//
// Every store holds these; frontiertest has a subtest of the same name for each.
//
//   - push is idempotent: a URL is queued at most once per crawl; dedupe and enqueue are one step
//   - ack is idempotent: an ack whose reply was lost can be sent again; what it settled before is not settled twice
//   - a refused URL is counted with its reason, is not seen, and can be accepted later
//   - a lease is exclusive: a host is lent to one worker at a time
//   - a host rests: it is not lent before its next allowed time, across releases, expiries and reopening too
//   - an expired lease comes back: unsettled URLs first in line, attempt + 1, under a new token
//   - a stale token is refused with ErrLeaseLost and changes nothing
//   - a release costs no attempt
//   - a retry is not lent before its time, and counts an attempt
//   - dead is never lent again and says why; done stays seen
//   - order within a host is priority, then age
//   - no host starves another
//   - hosts that answer and strangers, which were not asked yet or failed, are lent by turns
//   - a poison URL dies: the third time it alone is lent when its worker dies
//   - drained exactly when nothing is queued, delayed or lent and nobody is seeding; new seeds reopen the crawl
//   - max pages is exact: settled URLs never exceed it and never fall short of it while there are URLs
//   - over a cap a link is refused, counted, and not seen
//   - links reported under a lease are accepted before its outcomes; under a stale token none is
//   - failures of a host are kept for its next owner, across expiries and reopening too
//   - a note on a host is kept by its owner alone, and known to all
//   - paused lends nothing, resumed loses nothing, stop drains
//   - stats add up: seen = queued + delayed + leased + done + dead, after every call
//   - state survives reopening, kill -9 included
//   - a cancelled context settles nothing
package frontier
