package crawler

import (
	"container/list"
	"context"
	"sync"
)

// cache keeps the values used last, up to a total cost, and lets at most one caller at a time find the value of a key.
// It starts no goroutine: the first caller fills, under its own context, and the others wait for it.
type cache[V any] struct {
	max int // total cost kept

	mu    sync.Mutex
	cost  int
	slots map[string]*list.Element // of *slot[V]
	order list.List                // used last in front
	fills map[string]chan struct{} // by key, closed when the fill under way has ended
}

type slot[V any] struct {
	key   string
	value V
	cost  int
}

func newCache[V any](max int) *cache[V] {
	return &cache[V]{max: max, slots: make(map[string]*list.Element), fills: make(map[string]chan struct{})}
}

// get returns the value of a key, fresh or not; the zero value when there is none.
func (c *cache[V]) get(key string) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peek(key)
}

func (c *cache[V]) peek(key string) (v V) {
	if e := c.slots[key]; e != nil {
		c.order.MoveToFront(e)
		v = e.Value.(*slot[V]).value
	}
	return v
}

// load returns a fresh value of key, from fill when the kept one, which it hands to fill, is not. A fill that fails
// stores nothing: the next one waiting tries itself, for the reason may have been the context of the one before.
func (c *cache[V]) load(
	ctx context.Context, key string, fresh func(V) bool, fill func(old V) (v V, cost int, err error),
) (V, error) {
	for {
		c.mu.Lock()
		v := c.peek(key)
		if fresh(v) {
			c.mu.Unlock()
			return v, nil
		}
		under := c.fills[key]
		if under == nil {
			c.fills[key] = make(chan struct{})
			c.mu.Unlock()
			return c.lead(key, v, fill)
		}
		c.mu.Unlock()
		select {
		case <-under:
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
	}
}

// lead fills, and lets the waiting go on even when fill panics.
func (c *cache[V]) lead(key string, old V, fill func(V) (V, int, error)) (v V, err error) {
	cost, stored := 0, false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if stored {
			c.put(key, v, cost)
		}
		close(c.fills[key])
		delete(c.fills, key)
	}()
	v, cost, err = fill(old)
	stored = err == nil
	return v, err
}

func (c *cache[V]) put(key string, v V, cost int) {
	if e := c.slots[key]; e != nil {
		c.remove(e)
	}
	c.slots[key] = c.order.PushFront(&slot[V]{key, v, cost})
	c.cost += cost
	for c.cost > c.max && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// set keeps a value that nobody asked for.
func (c *cache[V]) set(key string, v V, cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, v, cost)
}

func (c *cache[V]) remove(e *list.Element) {
	s := c.order.Remove(e).(*slot[V])
	delete(c.slots, s.key)
	c.cost -= s.cost
}
