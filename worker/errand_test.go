package worker

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// The search takes longer than it takes to learn that the lease is lost.
func TestALostLeaseEndsTheSearchForARobotsTxt(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.Delay = 10*time.Second, 12*time.Second })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; strings.HasPrefix(path, "/robots.txt") && len(path) < len("/robots.txt")+5 {
			http.Redirect(rw, r, path+"x", http.StatusFound)
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		x.obeyRobots()
		store := &thief{Frontier: x.journal, host: "http://a.test", at: 1}
		x.cfg.TTL = time.Minute
		x.cfg.Frontier = store
		x.seed("http://a.test/")
		x.run()
		x.settled(1, 0)
		all := x.web.log().Requests("a.test")
		over := all[0].Start.Add(x.cfg.TTL) // when the next visit begins
		for _, r := range all {
			if r.Start.After(store.when) && r.Start.Before(over) {
				x.Errorf("%s was asked for %v after the lease was lost", r.Path, r.Start.Sub(store.when))
			}
		}
	})
}

func TestAPauseThatAGuestIsToldBindsVisitsThatBeginLater(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), leading("b.test", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/rules/") {
			rw.Header().Set("Retry-After", "3600")
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}), func(x *trial) {
		x.follow(never)
		x.asFleet()
		x.obeyRobots()
		x.seed("http://a.test/")
		time.AfterFunc(5*time.Second, func() { x.elsewhere("http://b.test/") })
		x.run()
		all := x.web.log().Requests("b.test")
		if pause := all[1].Start.Sub(all[0].End); pause < time.Hour {
			x.Errorf("asked for %s after %v", all[1].Path, pause)
		}
	})
}
