package frontier

import "strings"

// Limits of what is looked at in a path, so that one with two thousand segments costs no more than others: over them a
// path is refused, or not, by its first segments.
const (
	pathSegments = 64
	pathPeriod   = 8 // segments of a group that repeats
)

// pathTrap tells by a path alone whether it is one of those that relative links and rewriting servers make up without
// end. Most paths have no more segments than may repeat and are done with when their slashes are counted.
func (s *Scope) pathTrap(path string) Reason {
	if s.maxSegments <= 0 && s.maxRepeats <= 0 {
		return ""
	}
	path, _, _ = strings.Cut(path, "?")
	n := strings.Count(path, "/")
	if strings.HasSuffix(path, "/") {
		n-- // a slash at the end begins no segment
	}
	switch {
	case s.maxSegments > 0 && n > s.maxSegments:
		return PathDepth
	case s.maxRepeats > 0 && n > s.maxRepeats && mayRepeat(path, s.maxRepeats) && repeats(path, s.maxRepeats):
		return PathRepeats
	}
	return ""
}

// mayRepeat is a quick look at a path: no segment of it occurs more than most times unless as many begin and end alike.
func mayRepeat(path string, most int) bool {
	var alike [64]uint16
	for path != "" {
		segment := path[1:]
		if end := strings.IndexByte(segment, '/'); end >= 0 {
			segment = segment[:end]
		}
		path = path[1+len(segment):]
		look := uint(len(segment))
		if segment != "" {
			look += 3*uint(segment[0]) + 7*uint(segment[len(segment)-1])
		}
		if alike[look%64]++; int(alike[look%64]) > most {
			return true
		}
	}
	return false
}

// repeats tells whether a segment occurs more than most times in a path, or a group of segments so often in a row.
// Numbers count in groups alone: the coordinates of a map's tile are often equal.
func repeats(path string, most int) bool {
	var room [pathSegments + 1]uint16 // segment i is path[room[i]+1:room[i+1]]
	n := 0
	for i := 1; i < len(path) && n < pathSegments; i++ {
		if path[i] == '/' {
			n++
			room[n] = uint16(i)
		}
	}
	if n < pathSegments && path[len(path)-1] != '/' {
		n++
		room[n] = uint16(len(path))
	}
	ends := room[:n+1]
	for i := 0; i+most < n; i++ {
		if segment := segmentAt(path, ends, i); !isNumber(segment) && occurs(path, ends[i:], segment) > most {
			return true
		}
	}
	for period := 2; period <= min(n/(most+1), pathPeriod); period++ {
		if longestRun(path, ends, period) >= period*most {
			return true
		}
	}
	return false
}

func segmentAt(path string, ends []uint16, i int) string { return path[ends[i]+1 : ends[i+1]] }

func occurs(path string, ends []uint16, segment string) (n int) {
	for i := range len(ends) - 1 {
		if int(ends[i+1]-ends[i])-1 == len(segment) && segmentAt(path, ends, i) == segment {
			n++
		}
	}
	return n
}

// longestRun is how many segments in a row are equal to those a period before them.
func longestRun(path string, ends []uint16, period int) (longest int) {
	run := 0
	for i := period; i < len(ends)-1; i++ {
		run++
		if segmentAt(path, ends, i) != segmentAt(path, ends, i-period) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

func isNumber(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}
