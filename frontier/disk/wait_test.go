package disk_test

import (
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

func TestLeaseSaysForHowLongNothingIsDueUnlessSeedsMayCome(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	s, err := disk.Open(t.TempDir(), disk.Config{Linger: -1, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	waits := func(want time.Duration) {
		t.Helper()
		leases, wait, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute})
		if len(leases) > 0 || wait != want || err != nil {
			t.Errorf("lent %v, wait %v, %v; want %v", leases, wait, err, want)
		}
	}
	push(t, s, entries("http://a.test", "/1", "/2")...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	waits(time.Minute) // for its lease's end
	r := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Retry, After: 48 * time.Hour}}, Next: 24 * time.Hour}
	if err := s.Ack(t.Context(), &leases[0], r); err != nil {
		t.Fatal(err)
	}
	waits(24 * time.Hour)
	for _, hold := range []struct{ ttl, wait time.Duration }{{time.Minute, time.Second}, {time.Millisecond, time.Millisecond}, {0, 24 * time.Hour}} {
		if err := s.Hold(t.Context(), "seeds", hold.ttl); err != nil {
			t.Fatal(err)
		}
		waits(hold.wait)
	}
	if err := s.SetState(t.Context(), frontier.Paused); err != nil {
		t.Fatal(err)
	}
	waits(time.Second)
}
