package main

import "slices"

// top keeps the first n of many values in an order, in memory for a few more. With n 0 it keeps them all.
type top[T any] struct {
	n       int
	compare func(a, b T) int
	kept    []T
}

// add keeps a value for now. Values are sorted when there are twice as many as wanted, so each costs O(log n) on average.
func (t *top[T]) add(v T) {
	t.kept = append(t.kept, v)
	if t.n > 0 && len(t.kept) >= 2*t.n+100 {
		t.cut()
	}
}

// cut drops all but the first n, and what they point to.
func (t *top[T]) cut() {
	slices.SortStableFunc(t.kept, t.compare)
	if t.n > 0 && len(t.kept) > t.n {
		clear(t.kept[t.n:])
		t.kept = t.kept[:t.n]
	}
}

// list returns what was kept, in order.
func (t *top[T]) list() []T {
	t.cut()
	return t.kept
}
