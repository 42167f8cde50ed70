package main

import (
	"context"
	"fmt"
	"time"

	"trawl/frontier"
	"trawl/worker"
)

// later is what a run leaves to another one, as no host that is left may be asked for long.
type later struct {
	hosts    []frontier.HostStats // that may be asked first, and for which URLs wait
	more     int64                // such hosts
	troubles map[frontier.Host]string
	until    time.Time // nothing is to do
}

// shownLater is how many hosts are named.
const shownLater = 5

// putOff finds out what is left, and says so.
func (s *session) putOff(idle *worker.IdleError) error {
	ctx, cancel := context.WithTimeout(context.Background(), statsWithin)
	defer cancel()
	first := top[frontier.HostStats]{n: shownLater, compare: hostOrder("next")}
	urls, hosts := int64(0), int64(0)
	err := s.store.Hosts(ctx, func(h frontier.HostStats) bool {
		if n := waiting(h); n > 0 {
			urls, hosts = urls+n, hosts+1
			first.add(h)
		}
		return true
	})
	if err != nil {
		return err
	}
	list := first.list()
	s.later = later{list, hosts - int64(len(list)), idle.Troubles, idle.Until}
	return fmt.Errorf("%s of %s left to fetch: %w, in %s; run the same command again then to go on, or with --max-idle 0 to wait",
		formatMany(urls, "URL"), formatMany(hosts, "host"), idle, formatTime(time.Until(idle.Until)))
}

// lines name the hosts.
func (l *later) lines() (lines []string) {
	for _, h := range l.hosts {
		until := h.Next
		if until.Before(l.until) { // it is its URLs that rest
			until = l.until
		}
		line := fmt.Sprintf("%s until %s, %s", h.Host, until.Local().Format(time.DateTime), formatMany(waiting(h), "URL"))
		switch why := l.troubles[h.Host]; {
		case why != "":
			line += ", for " + why
		case h.Failures > 0:
			line += ", for how it failed an earlier run"
		}
		lines = append(lines, line)
	}
	if l.more > 0 {
		lines = append(lines, fmt.Sprintf("%s more hosts; trawl hosts --sort next shows them", formatCount(l.more)))
	}
	return lines
}
