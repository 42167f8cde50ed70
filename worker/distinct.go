package worker

import (
	"container/list"
	"math"
	"math/bits"
	"slices"
)

// Sizes of a distinct.
const (
	countedOneByOne = 16
	distinctBits    = 2048
)

// distinct counts different hashes in little memory: a few one by one, more by how many bits of a map they set (linear
// counting), of a sample when the limit is high. It is a few percent off.
type distinct struct {
	few  []uint64
	bits *[distinctBits / 64]uint64
	ones int

	misfit bool // see date.misfit
	second int  // see date.second
}

// add counts a hash and tells how many there are, as far as that matters for a limit, which is always the same.
func (c *distinct) add(hash uint64, limit int) int {
	switch {
	case c.bits != nil:
		c.set(hash, limit)
	case slices.Contains(c.few, hash):
	case len(c.few) < countedOneByOne:
		c.few = append(c.few, hash)
	default:
		c.bits = new([distinctBits / 64]uint64)
		for _, h := range append(c.few, hash) {
			c.set(h, limit)
		}
		c.few = nil
	}
	return c.count(limit)
}

func (c *distinct) set(hash uint64, limit int) {
	if skip := sampled(limit); hash>>32&(1<<skip-1) != 0 {
		return
	}
	word, bit := &c.bits[hash/64%uint64(len(c.bits))], uint64(1)<<(hash%64)
	if *word&bit == 0 {
		*word |= bit
		c.ones++
	}
}

// count is how many different hashes there are.
func (c *distinct) count(limit int) int {
	switch {
	case c.bits == nil:
		return len(c.few)
	case c.ones == distinctBits:
		return math.MaxInt
	}
	return int(math.Round(-distinctBits*math.Log1p(-float64(c.ones)/distinctBits))) << sampled(limit)
}

// sampled is how many bits of a hash must be zero for it to be counted: a map that is nearly full tells little.
func sampled(limit int) int { return max(0, bits.Len(uint(limit/distinctBits/2))) }

func (c *distinct) weight() int { return len(c.few) + c.ones }

// weighed is something that is worth keeping more or less.
type weighed interface{ weight() int }

// table keeps what is counted of a worker's hosts, max things at most. When it is full the lightest of the few that
// were not used for longest goes: one of the many that occur once, not a trap that is visited now and then.
type table[V any, P interface {
	*V
	weighed
}] struct {
	max    int
	places map[uint64]*list.Element
	order  list.List // of *place[V], the latest first
}

type place[V any] struct {
	key   uint64
	value V
}

// weighedBefore is how many are looked at when one has to go.
const weighedBefore = 8

func newTable[V any, P interface {
	*V
	weighed
}](max int) *table[V, P] {
	return &table[V, P]{max: max, places: map[uint64]*list.Element{}}
}

// find returns what is kept under a key, or nil.
func (t *table[V, P]) find(key uint64) P {
	e := t.places[key]
	if e == nil {
		return nil
	}
	t.order.MoveToFront(e)
	return &e.Value.(*place[V]).value
}

// get is find that makes a new one.
func (t *table[V, P]) get(key uint64) P {
	if found := t.find(key); found != nil {
		return found
	}
	if len(t.places) >= t.max {
		t.drop()
	}
	p := &place[V]{key: key}
	t.places[key] = t.order.PushFront(p)
	return &p.value
}

func (t *table[V, P]) drop() {
	lightest, least := t.order.Back(), math.MaxInt
	e := lightest
	for range weighedBefore {
		if e == nil {
			break
		}
		if w := P(&e.Value.(*place[V]).value).weight(); w < least {
			lightest, least = e, w
		}
		e = e.Prev()
	}
	delete(t.places, lightest.Value.(*place[V]).key)
	t.order.Remove(lightest)
}
