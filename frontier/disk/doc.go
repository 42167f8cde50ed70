// Package disk is the embedded frontier: one process, one file, no server, the laws of package frontier.
//
// SQLite is the durable log; memory is the working state. Every call changes memory at once, under one mutex, and
// leaves what is to be written in the open batch. One goroutine writes batches, each in one transaction, and a call
// returns when the batch it is in is committed: calls that come while a commit runs share the next one. After a kill -9
// the file holds a prefix of what happened, in order, that contains everything acknowledged. When a commit fails memory
// is ahead of the file, so the store refuses every further call; the next Open goes on from the file.
//
// In memory a seen URL is a 64-bit fingerprint, and a waiting one is its path in a chunk: URLs of one host that came
// together from the same page. A chunk stays at the head of its host's line until its last URL is settled. Beyond a
// budget the paths of chunks stay in the file until they are lent.
//
// Leases are written before they are lent. Opened again after a crash, the store knows which hosts may have been asked
// a moment ago and lets them rest for their delay, and which URLs may have killed the process.
//
// Notes on hosts are in the file alone, but for those of the open batch.
//
// Check compares the tables of the file with each other, and can repair them by what is nearest to the URLs: paths before
// the counts of hosts, these before the counts of the crawl. Open repairs nothing: it refuses a file whose counts do not
// fit, unless it is opened to be mended. Export reads one commit; Import makes a whole file or none. A crawl that comes
// from a store with shorter fingerprints keeps to as many bits of them.
//
// People may read the file with sqlite3, also while it is in use: see the view pending, and the comments in schema.sql.
package disk
