package worker

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
)

// members are the workers of the model's fleet.
func (x *trial) members() []frontier.Member {
	x.Helper()
	list, err := x.model.Members(context.Background())
	if err != nil {
		x.Error(err)
	}
	return list
}

func TestAWorkerIsAMemberOfItsFleetWhileItRuns(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.asFleet()
		x.cfg.Name, x.cfg.Program = "w1", "trawl test"
		x.seed(append(urls("a.test", 10), urls("b.test", 20)...)...)
		begin := time.Now()
		machine, _ := os.Hostname()
		time.AfterFunc(5900*time.Millisecond, func() {
			list := x.members()
			want := frontier.Member{
				Name: "w1", Machine: machine, PID: os.Getpid(), Program: "trawl test",
				Started: begin, Beat: begin.Add(4 * time.Second), Hosts: 2, Pages: 8,
			}
			if len(list) != 1 || !list[0].Started.Equal(want.Started) || !list[0].Beat.Equal(want.Beat) {
				x.Errorf("%+v; want %+v", list, want)
				return
			}
			got := list[0]
			got.Started, got.Beat = want.Started, want.Beat
			if got.Pages < 7 || got.Pages > 10 { // by the order of what happens at once
				x.Errorf("%d pages", got.Pages)
			}
			if got.Pages = want.Pages; got != want {
				x.Errorf("%+v; want %+v", got, want)
			}
		})
		x.run()
		if list := x.members(); len(list) != 0 {
			x.Errorf("still a member: %+v", list)
		}
	})
}

// deafFleet answers no beat before its deadline, and counts those under way.
type deafFleet struct {
	frontier.Fleet
	now, most, all atomic.Int32
}

func (f *deafFleet) Beat(ctx context.Context, _ frontier.Member) (int64, error) {
	defer f.now.Add(-1)
	f.most.Store(max(f.most.Load(), f.now.Add(1)))
	f.all.Add(1)
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestBeatsThatGetNoAnswerDoNotPileUp(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		fleet := &deafFleet{Fleet: x.model}
		x.cfg.Frontier = struct {
			*journal
			frontier.Fleet
		}{x.journal, fleet}
		x.seed(urls("a.test", 300)...)
		x.run()
		x.settled(300, 0)
		if fleet.most.Load() != 1 || fleet.all.Load() < 5 {
			x.Errorf("%d beats, %d at once", fleet.all.Load(), fleet.most.Load())
		}
	})
}

// goneFleet is that of a crawl that somebody removed.
type goneFleet struct{ frontier.Fleet }

var errGone = errors.New("no such crawl")

func (goneFleet) Beat(context.Context, frontier.Member) (int64, error) { return 0, errGone }

func TestABeatThatFailsForGoodEndsTheWorker(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.cfg.Frontier = struct {
			*journal
			frontier.Fleet
		}{x.journal, goneFleet{x.model}}
		x.cfg.Forever = true // it has nothing else to do
		if err := x.work(x.Context()); !errors.Is(err, errGone) {
			x.Errorf("run: %v", err)
		}
	})
}

func TestAWorkerThatWorksForeverWaitsForNewSeeds(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		store := &timed{Frontier: x.journal}
		x.cfg.Frontier, x.cfg.Forever = store, true
		x.seed("http://a.test/")
		drain := make(chan struct{})
		x.cfg.Drain = drain
		begin := time.Now()
		time.AfterFunc(30500*time.Millisecond, func() { x.elsewhere("http://b.test/") })
		time.AfterFunc(60*time.Second, func() { close(drain) })
		if took := x.run(); took != 60*time.Second {
			x.Errorf("took %v", took)
		}
		x.settled(2, 0)
		late := x.web.log().Requests("b.test")[0].Start.Sub(begin) - 30500*time.Millisecond
		if n := len(store.calls); late > time.Second || n < 55 || n > 70 {
			x.Errorf("the seed waited %v; %d calls", late, n)
		}
	})
}
