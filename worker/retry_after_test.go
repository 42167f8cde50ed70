package worker

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

func TestAHostThatAsksToBeLeftAloneForTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path     string
		limit    time.Duration
		failures int
		gaveUp   bool
	}{
		"for a page":                        {"/7", time.Hour, 10, true},
		"for robots.txt":                    {"/robots.txt", time.Hour, 10, true},
		"not for as long as it may":         {"/7", 2 * time.Hour, 10, false},
		"nor for its robots.txt":            {"/robots.txt", 2 * time.Hour, 10, false},
		"not when there is no limit":        {"/7", 0, 10, false},
		"not when no host is ever given up": {"/7", time.Hour, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.Host == "a.test" && r.URL.Path == test.path && time.Since(bubbleBegan) < time.Hour:
					rw.Header().Set("Retry-After", "7200")
					rw.WriteHeader(http.StatusServiceUnavailable)
				case r.URL.Path == "/robots.txt":
					http.NotFound(rw, r)
				}
			}
			p := policy(func(p *frontier.Policy) { p.MaxRetryAfter, p.HostFailures = test.limit, test.failures })
			inBubble(t, p, answer, func(x *trial) {
				x.obeyRobots()
				x.seed(append(urls("a.test", 50), urls("b.test", 3)...)...)
				x.run()
				s, took := x.stats(), time.Since(bubbleBegan)
				if !test.gaveUp {
					x.settled(53, 0)
					return
				}
				if s.DeadFor[frontier.HostDown] == 0 || s.DeadFor[frontier.HostDown] != s.Dead || took > 10*time.Minute {
					x.Errorf("given up: %v, after %v", s.DeadFor, took)
				}
				for _, r := range x.journal.records {
					if r.Error != nil && !strings.Contains(r.Error.Detail, "503") || r.Error != nil && strings.Contains(r.Error.Detail, "in a row") || r.Error != nil && !strings.Contains(r.Error.Detail, "asks to be left alone for 2h0m0s, longer than --max-retry-after") {
						x.Fatalf("%+v", r.Error)
					}
				}
				if n := len(x.web.log().Requests("a.test")); n > 10 {
					x.Errorf("%d requests", n)
				}
			})
		})
	}
}

// bubbleBegan is when the time in a bubble begins.
var bubbleBegan = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
