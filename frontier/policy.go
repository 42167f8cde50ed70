package frontier

import (
	"math"
	"slices"
	"time"
)

// Limits on a URL that are not policy: over them a link is refused.
const (
	MaxURLLen = 2048 // bytes of the fetch form
	MaxHops   = 10   // redirects in a row

	MaxSitemapDepth = 3 // sitemap indexes that lead to a sitemap
)

// MaxRetries bounds Policy.Retries: stores count no more than 63 attempts.
const MaxRetries = 60

// Policy is what a crawl may do, kept in the frontier so that every worker obeys the same one.
type Policy struct {
	Scope   ScopeRule `json:"scope"`
	Include []string  `json:"include,omitempty"` // regular expressions (RE2); a link must match one, if there are any
	Exclude []string  `json:"exclude,omitempty"` // a link must match none

	Depth        int   `json:"depth"`          // links followed from a seed; negative: any
	MaxPages     int64 `json:"max_pages"`      // URLs settled in all; 0: any
	MaxHostPages int64 `json:"max_host_pages"` // URLs accepted per host; 0: any
	MaxHostQueue int64 `json:"max_host_queue"` // URLs of one host queued or delayed at a time; 0: any; see QueueRoom

	Sitemaps bool `json:"sitemaps"` // read those that robots.txt names
	Assets   bool `json:"assets"`   // fetch images, scripts, style sheets and the like too

	// What tells two URLs apart. It is fixed when the crawl is made: see KeyRules.
	DropParams []string `json:"drop_params,omitempty"` // parameters that do not; nil: DefaultDropParams
	Fold       []string `json:"fold,omitempty"`        // further differences that do not: FoldWWW and so on

	// Traps: over these, links of a host are refused. 0: any.
	MaxPathDepth   int `json:"max_path_depth"`   // segments of a path
	MaxPathRepeats int `json:"max_path_repeats"` // times that a segment occurs in a path
	MaxDates       int `json:"max_dates"`        // URLs that differ in nothing but a date; 20 times as many in all; by each worker
	MaxQueries     int `json:"max_queries"`      // URLs that differ in nothing but the query; 10 times as many in all; by each worker
	MaxDomainHosts int `json:"max_domain_hosts"` // hosts of a registrable domain that others link to, beside seeds; a tenth, if it does itself; by each worker
	EchoAfter      int `json:"echo_after"`       // pages of one shape, after which URLs that cannot exist are tried; 20 times as many on a list are enough to know the rest

	Delay         time.Duration `json:"delay"`           // from the start of one request to a host to the start of the next
	PerHost       int           `json:"per_host"`        // requests to one host at once
	MaxCrawlDelay time.Duration `json:"max_crawl_delay"` // a robots.txt cannot ask for more
	MaxRetryAfter time.Duration `json:"max_retry_after"` // a host that asks to be left alone for longer is given up; 0: none is
	Adaptive      bool          `json:"adaptive"`        // the delay of a host follows its latency and its errors
	RobotsCache   time.Duration `json:"robots_cache"`    // how long a robots.txt serves, 24 h at most; 0, in policies of old: 12 h
	IgnoreRobots  bool          `json:"ignore_robots"`
	UserAgent     string        `json:"user_agent"`

	AllowNet []string `json:"allow_net,omitempty"` // networks, as in "10.1.0.0/16", that are crawled although they are not public

	Timeout time.Duration `json:"timeout"`  // one request, whole
	MaxBody int64         `json:"max_body"` // decoded bytes of a page
	Retries int           `json:"retries"`  // attempts after the first

	HostFailures int `json:"host_failures"` // requests to a host that failed in a row, after which it is given up; 0: never
}

// DefaultPolicy is a polite crawl of the seeds' hosts.
func DefaultPolicy() Policy {
	return Policy{
		Scope:         ScopeHost,
		Depth:         -1,
		MaxHostQueue:  100_000,
		Sitemaps:      true,
		DropParams:    slices.Clone(DefaultDropParams),
		Delay:         time.Second,
		PerHost:       1,
		MaxCrawlDelay: 30 * time.Second,
		MaxRetryAfter: 24 * time.Hour,
		RobotsCache:   12 * time.Hour,
		Timeout:       30 * time.Second,
		MaxBody:       10 << 20,
		Retries:       3,
		HostFailures:  10,

		MaxPathDepth:   20,
		MaxPathRepeats: 3,
		MaxDates:       1000,
		MaxQueries:     10_000,
		MaxDomainHosts: 10_000,
		EchoAfter:      50,
	}
}

// MaxRobotsCache bounds Policy.RobotsCache (RFC 9309, section 2.4).
const MaxRobotsCache = 24 * time.Hour

// ScopeRule says which links belong to a crawl, seen from its seeds.
type ScopeRule string

// The scope rules.
const (
	ScopePage   ScopeRule = "page"   // the seeds alone
	ScopePrefix ScopeRule = "prefix" // URLs that begin with a seed's, up to its last slash
	ScopeHost   ScopeRule = "host"   // the seeds' hosts, by http or https
	ScopeDomain ScopeRule = "domain" // the seeds' registrable domains (public suffix list)
	ScopeAny    ScopeRule = "any"    // the whole web
)

// QueueRoom is how many URLs of a host may wait before one more of that priority is accepted; with MaxHostQueue 0, any. A
// quarter is kept for those that go first: nobody can fill a host's queue with what others say it has.
func (p *Policy) QueueRoom(of Priority) int64 {
	switch {
	case p.MaxHostQueue == 0:
		return math.MaxInt64
	case of > 0:
		return p.MaxHostQueue - p.MaxHostQueue/4
	}
	return p.MaxHostQueue
}
