package crawler

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func never(int) bool { return false }

func TestACacheStaysWithinItsCost(t *testing.T) {
	t.Parallel()
	c := newCache[int](10)
	for i := range 100 {
		c.load(t.Context(), strconv.Itoa(i), never, func(int) (int, int, error) { return i, 1 + i%4, nil })
		c.get("0") // used again and again, so it stays
		if c.cost > 10 || len(c.slots) != c.order.Len() {
			t.Fatalf("cost %d of 10; %d slots, %d in order", c.cost, len(c.slots), c.order.Len())
		}
	}
	if _, ok := c.slots["0"]; !ok {
		t.Error("the value used last was dropped")
	}
	if c.get("99") != 99 || c.get("1") != 0 {
		t.Error("the newest is not kept, or the oldest is")
	}
}

func TestAFillThatFailsIsTriedByTheNextWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[int](10)
		fresh := func(v int) bool { return v > 0 }
		slow := func(v int, err error) func(int) (int, int, error) {
			return func(int) (int, int, error) { time.Sleep(time.Second); return v, 1, err }
		}
		go c.load(t.Context(), "k", fresh, slow(0, errors.New("gone")))
		synctest.Wait()
		v, err := c.load(t.Context(), "k", fresh, slow(7, nil))
		if v != 7 || err != nil {
			t.Errorf("got %d, %v; want 7", v, err)
		}
	})
}

func TestWhoWaitsForAFillCanGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[int](10)
		go c.load(t.Context(), "k", never, func(int) (int, int, error) { time.Sleep(time.Hour); return 1, 1, nil })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.load(ctx, "k", never, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
		}
		time.Sleep(time.Hour)
	})
}

func TestAFillThatPanicsBlocksNobody(t *testing.T) {
	t.Parallel()
	c := newCache[int](10)
	func() {
		defer func() { recover() }()
		c.load(t.Context(), "k", never, func(int) (int, int, error) { panic("oops") })
	}()
	v, err := c.load(t.Context(), "k", never, func(int) (int, int, error) { return 7, 1, nil })
	if v != 7 || err != nil {
		t.Errorf("got %d, %v; want 7", v, err)
	}
}
