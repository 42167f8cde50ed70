package disk

// timeline is a min-heap by time, first come first served among equals. Members cannot be taken out of the middle: who
// takes one off the top checks that it still holds.
type timeline[T any] struct {
	heap []moment[T]
	seq  uint64
}

// moment is a member: equal times are told apart by the order in which they came.
type moment[T any] struct {
	at  int64
	seq uint64
	v   T
}

func (m moment[T]) before(o moment[T]) bool { return m.at < o.at || m.at == o.at && m.seq < o.seq }

// next returns the earliest time; false when there is none.
func (t *timeline[T]) next() (at int64, ok bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].at, true
}

// push adds a member. Cost: O(log members), as of pop.
func (t *timeline[T]) push(at int64, v T) {
	t.seq++
	t.heap = append(t.heap, moment[T]{at, t.seq, v})
	for i := len(t.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !t.heap[i].before(t.heap[up]) {
			break
		}
		t.heap[i], t.heap[up] = t.heap[up], t.heap[i]
		i = up
	}
}

// pop takes the earliest member if its time has come.
func (t *timeline[T]) pop(now int64) (v T, ok bool) {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return v, false
	}
	v = t.heap[0].v
	last := len(t.heap) - 1
	t.heap[0], t.heap[last] = t.heap[last], moment[T]{}
	t.heap = t.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if r := down + 1; r < last && t.heap[r].before(t.heap[down]) {
			down = r
		}
		if !t.heap[down].before(t.heap[i]) {
			break
		}
		t.heap[i], t.heap[down] = t.heap[down], t.heap[i]
		i = down
	}
	return v, true
}
