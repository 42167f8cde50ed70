package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// tellAfter is how long the end of a crawl may take before somebody wonders.
const tellAfter = time.Second

// tellOfEnd says what is waited for when a crawl that was interrupted does not end at once, until the returned function is
// called.
func (s *session) tellOfEnd(w io.Writer, grace time.Duration) (stop func()) {
	done := make(chan struct{})
	var tell sync.WaitGroup
	tell.Go(func() {
		select {
		case <-s.brake.pulled:
		case <-done:
			return
		}
		select {
		case <-time.After(tellAfter):
		case <-done:
			return
		}
		if s.brake.reason() == bySignal {
			fmt.Fprintf(w, "trawl: interrupted: waiting for %s, for %s at most; a second Ctrl-C ends it at once, and nothing is lost\n",
				s.underWay(), formatTime(grace))
		}
	})
	return func() {
		close(done)
		tell.Wait()
	}
}

// underWay says which pages are, as far as that is known: of a fleet, all hosts that are lent would be those of others too.
func (s *session) underWay() string {
	const pages = "pages under way"
	if s.fleet {
		return pages
	}
	st, err := s.stats(context.Background())
	if err != nil || st.HostsLeased == 0 {
		return pages // they are about to end
	}
	hosts, err := readHosts(context.Background(), s.store, 1, hostOrder("leased"))
	if err != nil || len(hosts) == 0 {
		return pages
	}
	text := pages + " of " + oneLine(string(hosts[0].Host))
	if more := st.HostsLeased - 1; more > 0 {
		text += fmt.Sprintf(" and %s more hosts", formatCount(more))
	}
	return text
}
