package crawler

import (
	"net/http"
	"strings"
	"time"
)

// freshness is how long a response may be used without asking again (RFC 9111, sections 4.2.1 and 5.2.2), for a cache of
// one user; false: it does not say.
func freshness(h http.Header, now time.Time) (time.Duration, bool) {
	age, _ := parseSeconds(strings.TrimSpace(h.Get("Age")))
	control := strings.ToLower(strings.Join(h.Values("Cache-Control"), ","))
	life, found := time.Duration(0), false
	for part := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			if seconds, ok := parseSeconds(strings.Trim(value, `"`)); ok && !found {
				life, found = seconds-age, true
			}
		}
	}
	if found || h.Get("Expires") == "" {
		return life, found
	}
	at, err := http.ParseTime(h.Get("Expires"))
	if err != nil { // "0", say: it has expired
		return 0, true
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now)) - age, true // max: what is long ago may be the least there is
}
