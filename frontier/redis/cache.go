package redis

import (
	"math/bits"
	"slices"
	"sync"
)

const (
	cacheSets = 1 << 16 // a power of two
	cacheWays = 4
)

// cache is the seen cache: fingerprints of links that this process found and that the store acknowledged, so that they
// need not be offered again. It may forget, and forgets roughly what was not asked for longest; it never claims a URL that
// the store does not have. 2 MiB.
//
// It is good for one run of a server: a restart or a failover can take back what was acknowledged, and the page with it,
// whose links then have to be offered again. So what was left out of an ack is only left out if the ack arrives in that
// same run, which the script compares (see Store.runID). An acked page and its links are one step, so within a run nothing
// is ever taken back; but for a URL that robots.txt refused after it was lent, which other processes than the one that
// was told so may go on to leave out.
type cache struct {
	mu   sync.Mutex
	run  string
	sets [][cacheWays]uint64 // each with the latest first; 0 is no fingerprint
}

// in empties the cache unless it is of this run. The caller has the lock.
func (c *cache) in(run string) {
	if c.sets != nil && c.run == run {
		return
	}
	c.run, c.sets = run, make([][cacheWays]uint64, cacheSets)
}

func (c *cache) set(fp uint64) *[cacheWays]uint64 {
	return &c.sets[fp>>(64-bits.TrailingZeros(cacheSets))]
}

// has tells whether a link needs no offer in a run of the server.
func (c *cache) has(run string, fp uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in(run)
	set := c.set(fp)
	i := slices.Index(set[:], fp)
	if i > 0 {
		copy(set[1:i+1], set[:i])
		set[0] = fp
	}
	return i >= 0
}

// add notes that links were acknowledged in a run of the server.
func (c *cache) add(run string, links []offer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if run == "" || c.run != run {
		return // emptied meanwhile
	}
	for _, o := range links {
		set := c.set(o.fp)
		i := slices.Index(set[:], o.fp)
		if i < 0 {
			i = cacheWays - 1
		}
		copy(set[1:i+1], set[:i])
		set[0] = o.fp
	}
}

// drop forgets a URL that the store forgot.
func (c *cache) drop(fp uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		return
	}
	set := c.set(fp)
	if i := slices.Index(set[:], fp); i >= 0 {
		copy(set[i:], set[i+1:])
		set[cacheWays-1] = 0
	}
}
