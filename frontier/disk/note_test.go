package disk_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// Whoever recalls a note while another is being committed never sees an older one than before.
func TestANoteDoesNotGoBack(t *testing.T) {
	s, err := disk.Open(t.TempDir(), disk.Config{Policy: &frontier.Policy{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	push(t, s, entries("http://a.test", "/1")...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Hour})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	kept := make(chan struct{})
	all.Go(func() {
		defer close(kept)
		for n := range 100 {
			if err := s.Remember(t.Context(), &leases[0], []byte(strconv.Itoa(n))); err != nil {
				t.Error(err)
			}
		}
	})
	for seen, over := 0, false; !over; {
		note, age, err := s.Recall(t.Context(), "http://a.test")
		n, _ := strconv.Atoi(string(note))
		if err != nil || n < seen || age < 0 || age > time.Minute {
			t.Fatalf("recalled %q, %v old, %v; %d before", note, age, err, seen)
		}
		seen = n
		select {
		case <-kept:
			over = true
		default:
		}
	}
}
