package main

import (
	"testing"

	"trawl/frontier"
)

func TestTheStateOfACrawlIsChangedAndExplained(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		for _, step := range []struct {
			command string
			state   frontier.State
			says    []string
		}{
			{"pause", frontier.Paused, []string{"default is paused: nothing is lent until trawl resume", "6 URLs in line"}},
			{"pause", frontier.Paused, []string{"default is paused already:"}},
			{"resume", frontier.Running, []string{"default is running:", "6 URLs in line"}},
			{"resume", frontier.Running, []string{"default is running already:"}},
			{"stop", frontier.Stopping, []string{"default is stopping: it is over", "6 URLs in line", "trawl resume"}},
			{"stop", frontier.Stopping, []string{"default is stopping already:"}},
			{"resume", frontier.Running, []string{"default is running:"}},
		} {
			mentions(t, p.fine(t, step.command), step.says...)
			p.with(t, func(s store) {
				if st, err := s.Stats(t.Context()); err != nil || st.State != step.state {
					t.Errorf("%s: %s, %v", step.command, st.State, err)
				}
			})
		}
	})
}

func TestPauseSaysWhatIsStillLent(t *testing.T) {
	t.Parallel()
	p := homes(t)[1]
	p.fill(t)
	p.with(t, func(s store) { lend(t, s, 2) })
	mentions(t, p.fine(t, "resume"), "5 URLs of 3 hosts are lent", "1 URLs in line")
	mentions(t, p.fine(t, "pause"), "workers finish the 5 URLs of 3 hosts that they hold", "1 URLs in line")
	mentions(t, p.fine(t, "stop"), "workers finish the 5 URLs of 3 hosts that they hold; then it is over")
	mentions(t, p.fine(t, "status"), "stopping")
}

func TestResumeOfACrawlThatIsOverSaysSo(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.with(t, func(store) {})
		mentions(t, p.fine(t, "resume"), "nothing is left to fetch")
	})
}
