package frontiertest

import "slices"

// shrink leaves out of a failing list what it can, and returns a list that still fails: first halves, then quarters,
// down to single elements, until nothing more can go or tries are used up.
func shrink[T any](list []T, tries int, fails func([]T) bool) []T {
	for size := (len(list) + 1) / 2; size > 0 && tries > 0; {
		cut := false
		for at := 0; at < len(list) && tries > 0; {
			rest := slices.Concat(list[:at], list[min(at+size, len(list)):])
			tries--
			if fails(rest) {
				list, cut = rest, true
			} else {
				at += size
			}
		}
		if size > 1 || !cut {
			size /= 2
		}
	}
	return list
}
