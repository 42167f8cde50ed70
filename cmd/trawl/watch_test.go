package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trawl/frontier"
)

// course is a crawl that settles ten pages a second of so many; looking at hosts takes a while.
func course(total int64, takes time.Duration) (look looker, scans *int) {
	began, scans := time.Now(), new(int)
	return func(_ context.Context, n int, _ int64) (*report, error) {
		r := &report{At: time.Now()}
		r.Stats = frontier.Stats{State: frontier.Running, Seen: total, Done: int64(10 * time.Since(began).Seconds())}
		r.Stats.Queued = total - r.Stats.Done
		if n > 0 {
			*scans++
			time.Sleep(takes)
			r.Hosts = []frontier.HostStats{{Host: "https://a.example", Queued: 1}}
		}
		return r, nil
	}, scans
}

func TestAWatchTellsTheRateAndTheTimeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		look, _ := course(1000, 0)
		w := watch{look: look}
		for i := range 20 {
			r, err := w.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				if r.Rate != nil || r.ETA != nil {
					t.Errorf("after one reading: %v, %v", r.Rate, r.ETA)
				}
			} else if left := float64(1000-20*i) / 10; r.Rate == nil || *r.Rate != 10 || r.ETA == nil || *r.ETA != left {
				t.Fatalf("reading %d: %s, want 10 pages/s and %v s", i, r, left)
			}
			time.Sleep(2 * time.Second)
		}
		if len(w.past) > 9 {
			t.Errorf("%d readings are kept", len(w.past))
		}
	})
}

func TestAWatchReadsHostsRarelyWhenThatTakesLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		look, scans := course(1e6, 3*time.Second)
		w := watch{look: look, hosts: 5}
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(2 * time.Second) {
			r, err := w.read(t.Context())
			if err != nil || len(r.Hosts) != 1 {
				t.Fatalf("%v, %v", r, err)
			}
		}
		if *scans < 8 || *scans > 10 {
			t.Errorf("hosts were read %d times", *scans)
		}
	})
}

func TestAWatchKeepsTheLatestReadingWhenThereIsNoLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		look, _ := course(1000, 0)
		down := false
		w := watch{look: func(ctx context.Context, n int, many int64) (*report, error) {
			if down {
				return nil, fmt.Errorf("no\x1b: %w", frontier.ErrUnavailable)
			}
			return look(ctx, n, many)
		}}
		w.read(t.Context())
		at := time.Now()
		time.Sleep(2 * time.Second)
		w.read(t.Context())
		down = true
		time.Sleep(5 * time.Second)
		r, err := w.read(t.Context())
		if !errors.Is(err, frontier.ErrUnavailable) || r.Stats.Done != 20 || r.Rate != nil || r.At.Sub(at) != 2*time.Second || strings.Contains(r.Error, "\x1b") {
			t.Errorf("%+v, %v", r, err)
		}
		mentions(t, r.String(), "no news  since")
		down = false
		if r, err = w.read(t.Context()); err != nil || r.Error != "" || r.Rate != nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestTheTimeLeftIsNotBeforeTheSlowestHost(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		change func(*report)
		want   float64 // 0: none
	}{
		"by the rate":          {func(*report) {}, 10},
		"by a slow host":       {func(r *report) { r.Hosts = []frontier.HostStats{{Queued: 10, Delay: 5 * time.Second}} }, 45},
		"by a paused host":     {func(r *report) { r.Hosts = []frontier.HostStats{{Queued: 1, Next: now.Add(time.Minute)}} }, 60},
		"by the limit":         {func(r *report) { r.Crawl.Policy.MaxPages = 60 }, 1},
		"over the limit":       {func(r *report) { r.Crawl.Policy.MaxPages = 10 }, 0},
		"of a paused crawl":    {func(r *report) { r.Stats.State = frontier.Paused }, -1},
		"of a crawl at an end": {func(r *report) { r.Stats.Drained = true }, -1},
	} {
		r := &report{At: now, Stats: frontier.Stats{State: frontier.Running, Queued: 100, Done: 50}}
		c.change(r)
		r.foresee(10)
		if c.want < 0 != (r.ETA == nil) || r.ETA != nil && *r.ETA != c.want {
			t.Errorf("%s: %v, want %v", name, r.pace(), c.want)
		}
	}
}

func TestSilentWorkersAreToldFromOthers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	member := func(name string, ago time.Duration) frontier.Member {
		return frontier.Member{Name: name, Machine: "m\x1b", Started: now.Add(-100 * time.Second), Beat: now.Add(-ago), Hosts: 3, Pages: 1000}
	}
	for name, skew := range map[string]time.Duration{"same clock": 0, "our clock is behind": -time.Hour} {
		list := watchWorkers([]frontier.Member{member("a", time.Second), member("b", 25*time.Second)}, now.Add(skew))
		if list[0].Silent || !list[1].Silent || list[1].Age < 24 {
			t.Errorf("%s: %+v", name, list)
		}
		if rate, ok := told(list); !ok || rate < 10 || rate > 10.2 {
			t.Errorf("%s: %v pages/s", name, rate)
		}
		r := &report{Workers: list, Stats: frontier.Stats{State: frontier.Running, Queued: 1}}
		mentions(t, r.String(), "running, 1 worker\n", "silent for", "WORKER")
		if strings.Contains(r.String(), "\x1b") {
			t.Errorf("%q", r)
		}
	}
}
