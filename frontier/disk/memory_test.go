package disk

import (
	"fmt"
	"testing"
	"time"

	"trawl/frontier"
)

// However many hosts were lent, the paths in memory stay within the budget, but for those that are lent now.
func TestPathsInMemoryStayWithinTheBudget(t *testing.T) {
	const budget = 10_000
	s, err := Open(t.TempDir(), Config{Linger: -1, Budget: budget, Policy: &frontier.Policy{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const hosts = 60
	for h := range hosts {
		var list []frontier.Entry
		for i := range 200 {
			list = append(list, frontier.Entry{URL: frontier.Host(fmt.Sprintf("http://h%d.test", h)).URL(fmt.Sprintf("/some/path/%d", i))})
		}
		if _, err := s.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	for range hosts {
		leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 2, TTL: time.Minute})
		if err != nil || len(leases) != 1 {
			t.Fatal(leases, err)
		}
		report := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}, Next: time.Hour, Release: true}
		if err := s.Ack(t.Context(), &leases[0], report); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // so that the writer is done
		t.Fatal(err)
	}
	held := int64(0)
	for _, h := range s.hosts {
		for c := h.first(); c != nil; c = c.behind {
			held += int64(len(c.text))
			if c.paths != nil {
				t.Errorf("%s: paths are kept", h.name)
			}
		}
	}
	if held != s.inRAM || held > budget {
		t.Errorf("%d bytes of paths in memory, counted as %d, with a budget of %d", held, s.inRAM, budget)
	}
}

// A retry that was put off before the machine's clock went back is tried within a day.
func TestARetryIsNotPutOffForYearsByAClockThatWentBack(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	config := Config{Linger: -1, Now: func() time.Time { return now }, Policy: &frontier.Policy{}}
	s, err := Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Push(t.Context(), []frontier.Entry{{URL: frontier.Host("http://a.test").URL("/")}}); err != nil {
		t.Fatal(err)
	}
	request := frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute}
	leases, _, err := s.Lease(t.Context(), request)
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	report := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Retry, After: time.Minute}}, Next: time.Minute}
	if err := s.Ack(t.Context(), &leases[0], report); err != nil {
		t.Fatal(err)
	}
	s.Close()
	now = now.AddDate(-14, 0, 0)
	if s, err = Open(dir, config); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now = now.AddDate(0, 0, 1)
	if leases, _, err = s.Lease(t.Context(), request); err != nil || len(leases) != 1 {
		t.Errorf("a day later: %v, %v", leases, err)
	}
}
