package main

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"trawl/frontier"
)

// report is how far a crawl is. Its JSON is the same for every store.
type report struct {
	Crawl   frontier.Crawl       `json:"crawl"`
	Stats   frontier.Stats       `json:"stats"`
	At      time.Time            `json:"at"`            // of the reading
	PID     int                  `json:"pid,omitempty"` // of the process that runs an embedded crawl
	Workers []workerReport       `json:"workers"`       // of a crawl on Redis
	Rate    *float64             `json:"pages_per_second,omitempty"`
	ETA     *float64             `json:"eta_seconds,omitempty"`
	Hosts   []frontier.HostStats `json:"hosts,omitempty"` // those with the most URLs waiting
	Error   string               `json:"error,omitempty"` // why there is no later reading

	embedded bool
	due      time.Time // of an embedded crawl: when the first URL may be fetched
	unread   bool      // hosts were left out, being too many
}

// workerReport is a worker and how it is.
type workerReport struct {
	frontier.Member
	Age    float64 `json:"age_seconds"` // of its latest beat
	Silent bool    `json:"silent"`      // for so long that it is probably dead
}

// silence is how long a worker does not beat before it is called silent; it beats every two seconds.
const silence = 10 * time.Second

// watchWorkers tells which workers are silent. The store's clock need not be ours; what is known of it is that no beat
// is to come.
func watchWorkers(members []frontier.Member, now time.Time) []workerReport {
	for _, m := range members {
		if m.Beat.After(now) {
			now = m.Beat
		}
	}
	list := make([]workerReport, len(members))
	for i, m := range members {
		age := now.Sub(m.Beat)
		list[i] = workerReport{m, math.Round(age.Seconds()*10) / 10, age > silence}
	}
	return list
}

// left is how many URLs are still to be settled, as far as is known.
func (r *report) left() int64 {
	left := r.Stats.Queued + r.Stats.Delayed + r.Stats.Leased
	if limit := r.Crawl.Policy.MaxPages; limit > 0 {
		left = min(left, max(limit-r.Stats.Settled(), 0))
	}
	return left
}

// foresee notes the rate, and when what is known now will be settled at that rate: not before the slowest host is done.
func (r *report) foresee(rate float64) {
	rate = math.Round(rate*1000) / 1000
	r.Rate = &rate
	if r.Stats.Drained || r.Stats.State != frontier.Running || rate <= 0 {
		return
	}
	seconds := math.Ceil(float64(r.left()) / rate)
	if r.Crawl.Policy.MaxPages == 0 { // with a limit other hosts may reach it first
		for _, h := range r.Hosts {
			seconds = max(seconds, math.Ceil(r.takes(h).Seconds()))
		}
	}
	if seconds < 1e8 {
		r.ETA = &seconds
	}
}

// takes is the least time in which the waiting URLs of a host can be fetched, at its pace.
func (r *report) takes(h frontier.HostStats) time.Duration {
	n := waiting(h)
	if n == 0 {
		return 0
	}
	wait := max(h.Next.Sub(r.At), 0)
	if h.Next.IsZero() {
		wait = 0
	}
	return wait + time.Duration(n-1)*max(h.Delay, r.Crawl.Policy.Delay)
}

// String is the report for people.
func (r *report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(w, "%s\t%s\n", name, oneLine(fmt.Sprint(value))) }
	st := r.Stats
	row("crawl", fmt.Sprintf("%s, begun %s", r.Crawl.Name, r.Crawl.Created.Local().Format(time.DateTime)))
	if r.Error != "" {
		row("no news", fmt.Sprintf("since %s: %s", r.At.Local().Format(time.DateTime), r.Error))
	}
	row("state", r.state())
	row("seen", formatCount(st.Seen))
	row("queued", formatCount(st.Queued))
	row("delayed", formatCount(st.Delayed))
	row("leased", fmt.Sprintf("%s on %s of %s hosts", formatCount(st.Leased), formatCount(st.HostsLeased), formatCount(st.Hosts)))
	row("done", formatCount(st.Done))
	row("dead", formatCount(st.Dead)+"  "+list(st.DeadFor, reasonName))
	if len(st.Refused) > 0 {
		row("refused", list(st.Refused, reasonName))
	}
	if r.Rate != nil {
		row("rate", r.pace())
	}
	w.Flush() // into memory
	r.describeWorkers(&b)
	r.describeHosts(&b)
	return b.String()
}

// state says whether somebody works on the crawl.
func (r *report) state() string {
	alive := 0
	for _, w := range r.Workers {
		if !w.Silent {
			alive++
		}
	}
	word := string(r.Stats.State)
	switch {
	case r.PID > 0:
		return fmt.Sprintf("%s, process %d", word, r.PID)
	case r.Stats.Drained && r.Stats.State == frontier.Running:
		return "finished"
	case r.Stats.Drained:
		return "finished, " + word
	case r.embedded:
		return "not running; " + cmp.Or(rests[r.Stats.State], r.goesOn())
	case alive == 0:
		return cmp.Or(rests[r.Stats.State], "no worker is on it; trawl worker joins it")
	case alive == 1:
		return word + ", 1 worker"
	}
	return fmt.Sprintf("%s, %d workers", word, alive)
}

// rests says what lets a crawl go on.
var rests = map[frontier.State]string{
	frontier.Paused:   "paused; trawl resume lets it go on",
	frontier.Stopping: "stopping; trawl resume lets it go on",
}

// goesOn says when an embedded crawl can go on, if that is not soon.
func (r *report) goesOn() string {
	text := "the same trawl crawl goes on"
	if r.due.Sub(r.At) > time.Minute {
		text += ", from " + r.due.Local().Format(time.DateTime) + " on"
	}
	return text
}

func (r *report) pace() string {
	text := fmt.Sprintf("%.1f pages/s", *r.Rate)
	if r.ETA != nil {
		text += ", ETA " + formatTime(time.Duration(*r.ETA)*time.Second)
	}
	return text
}

func (r *report) describeWorkers(b *strings.Builder) {
	if len(r.Workers) == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nWORKER\tMACHINE\tBEAT\tHOSTS\tPAGES\tERRORS\n")
	for _, m := range r.Workers {
		beat := formatTime(time.Duration(m.Age*10)*time.Second/10) + " ago" // Age has tenths
		if m.Silent {
			beat = "silent for " + formatTime(time.Duration(m.Age)*time.Second)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(m.Name), oneLine(m.Machine), beat, formatCount(int64(m.Hosts)), formatCount(m.Pages), formatCount(m.Errors))
	}
	w.Flush() // into memory
}

// describeHosts is the table of hosts. TAKES is a bound for each alone: hosts are fetched side by side.
func (r *report) describeHosts(b *strings.Builder) {
	if r.unread {
		fmt.Fprint(b, "\nhosts are many, so they are only read when --hosts N asks for it\n")
	}
	if len(r.Hosts) == 0 {
		return
	}
	t := newHostColumns("WAITING\tDONE\tDEAD\tNEXT\tTAKES")
	for _, h := range r.Hosts {
		t.add(h.Host, formatCount(waiting(h)), formatCount(h.Done), formatCount(h.Dead), next(h, r.At), formatTime(r.takes(h)))
	}
	fmt.Fprint(b, "\n", t)
}
