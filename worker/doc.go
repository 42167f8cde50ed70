// Package worker crawls: it leases hosts, fetches their URLs politely, parses the pages, writes records to a sink and
// acks. It is the only layer that logs.
//
// The loop in worker.go leases hosts and starts a visit for each. A visit (visit.go) is one lease's work: up to
// Policy.PerHost lanes send requests under the host's one pace (pace.go); each response is then dealt with in a
// goroutine of its own, so that a lane can send the next request: parsed and judged (page.go, outcome.go), written to
// the sink, and, when all before it in the lease are, acked. Sink before ack, always: a crash repeats a page, it never
// loses one.
//
// What a worker goes by, the policy and the scope, is its Plan (plan.go). The frontier's leases and beats show when it
// has become another; then a new one is made before the next visit begins, and visits that go by the old one give their
// host back before their next request.
//
// Two things are bounded by Config.Concurrency: visits, and pages under way, from the request to the end of the ack. Those
// whose request lasts for more than a second do not count, up to SlowPlaces times as many (places.go). So no more pages
// than both are fetched twice after a crash.
package worker
