// Package crawler fetches one page, politely and within limits. It knows nothing of leases, queues or scope: it is
// told a URL and gives back what the server said, or why it could not.
//
//   - [Fetcher] sends one GET and never more than one: it follows no redirect and repeats nothing by itself, so that
//     whoever keeps a host's pace sees every request that leaves this machine.
//   - Every phase has a deadline and every buffer a bound: a hostile server costs one timeout and no memory.
//   - Addresses that are not part of the public internet are refused when they are dialled, after DNS.
//   - [Robots] keeps the robots.txt rules of origins (RFC 9309).
//   - [Record] is what is written about a settled URL; the sinks are in the packages below.
//
// HTTP/2 is spoken over TLS with servers that choose it, and HTTP/1.1 with the others. Connections are made by net/http
// and kept by the Fetcher itself, for a Transport repeats some requests without a word. What becomes of a request on its
// one connection is final here.
//
// What the user trusts a named host with stays there: see Config.Header and Config.Named.
package crawler
