package frontier

import (
	"context"
	"time"
)

// Exporter is an optional power: to hand out all that a store keeps of a crawl, so that another store can go on with it.
// Each store's package has a function Import that makes a crawl of it.
type Exporter interface {
	// Export calls yield with every part: the crawl first, then hosts, seen sets and URLs, those of one host and
	// priority in the order of their line. The crawl must be at rest: nothing is lent, and it is paused or stopping,
	// or nobody else can have the store open. Cost: O(seen), in steps.
	Export(ctx context.Context, yield func(*Part) error) error
}

// PartFormat is the version of the parts' fields.
const PartFormat = 1

// Part is a piece of an exported crawl: exactly one of its fields is set. As JSON, one a line, parts are the file that
// trawl export writes.
type Part struct {
	Crawl *CrawlPart `json:"crawl,omitempty"`
	Host  *HostPart  `json:"host,omitempty"`
	Seen  *SeenPart  `json:"seen,omitempty"`
	URL   *URLPart   `json:"url,omitempty"`
	End   *EndPart   `json:"end,omitempty"` // in a file: stores neither yield nor read it
}

// EndPart is the last line of a file, by which a whole file is known from one that was cut off or changed.
type EndPart struct {
	Parts  int64  `json:"parts"`            // before this one
	SHA256 string `json:"sha256,omitempty"` // of the lines before this one, in hex
}

// CrawlPart is the crawl as a whole.
type CrawlPart struct {
	Format int    `json:"format"` // PartFormat
	Crawl  Crawl  `json:"crawl"`
	Secret string `json:"secret"` // of the fingerprints, in hex
	Bits   int    `json:"bits"`   // of a fingerprint that count: 53 or 64, the highest
	Stats  Stats  `json:"stats"`  // nothing is lent

	Examples map[Reason][]string `json:"examples,omitempty"` // refused links, the latest first
}

// HostPart is a host that was ever accepted.
type HostPart struct {
	Host     Host          `json:"host"`
	Next     time.Time     `json:"next,omitzero"` // not to be asked before
	Delay    time.Duration `json:"delay,omitempty"`
	Accepted int64         `json:"accepted"`
	Done     int64         `json:"done"`
	Dead     int64         `json:"dead"`
	Failures int           `json:"failures,omitempty"` // requests in a row that failed; -1: not known
}

// SeenPart is a part of a seen set.
type SeenPart struct {
	Set    string `json:"set"`    // the host, or empty: the set holds those of all hosts
	Prints []byte `json:"prints"` // fingerprints, 8 bytes each, little-endian; bits that do not count are 0
}

// URLPart is a URL that the store knows by name.
type URLPart struct {
	State      URLState  `json:"state"`
	URL        string    `json:"url"`
	Via        string    `json:"via,omitempty"`
	Depth      int       `json:"depth,omitempty"`
	Hops       int       `json:"hops,omitempty"`
	Priority   Priority  `json:"priority,omitempty"`
	Seed       bool      `json:"seed,omitempty"`
	Sitemap    bool      `json:"sitemap,omitempty"`
	Attempt    int       `json:"attempt,omitempty"`
	Generation int       `json:"generation,omitempty"`
	Due        time.Time `json:"due,omitzero"` // of a delayed one
	Reason     Reason    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	At         time.Time `json:"at,omitzero"` // of death
}

// URLState is what a URLPart tells of its URL.
type URLState string

// The states of URLs that are exported by name. A seed is told as such beside the state it is in.
const (
	URLQueued  URLState = "queued"
	URLDelayed URLState = "delayed"
	URLDead    URLState = "dead"
	URLSeed    URLState = "seed" // what the scope grows from, in the order of acceptance
)
