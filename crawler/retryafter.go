package crawler

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a Retry-After may ask for.
const (
	minRetryAfter = time.Second
	maxRetryAfter = 24 * time.Hour
)

// RetryAfter returns how long a response asks to be left alone (RFC 9110, section 10.2.3: seconds or a date), clamped
// to 1 s .. 24 h; 0 when it does not ask.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, ok := parseSeconds(value); ok {
		return min(max(seconds, minRetryAfter), maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), minRetryAfter), maxRetryAfter)
	}
	return 0
}

// parseSeconds reads digits, however many: what is too long for a number is a long time.
func parseSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return maxRetryAfter, true
	}
	return time.Duration(n) * time.Second, true
}
