package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// hostileNet has the hostile hosts of a web by address. The canary is not in it.
const hostileNet = "127.200.0.0/24"

// demoMemory is what a crawl of a hostile web may take, the server included.
const demoMemory = 300 << 20

// harden adds the hostile hosts, and flags by which the demo ends soon, unless the user has set them. The hosts are
// addresses, since names would all be 127.0.0.1, which no hostile host may make the crawl ask.
func (o *demoFlags) harden(c *webtest.Config, flags *pflag.FlagSet) {
	c.ByAddress, c.CountsOnly, c.Hostile = true, false, webtest.Classes()
	c.Many = o.many
	o.scope.value = string(frontier.ScopeAny)
	o.allowNet = []string{hostileNet}
	o.timeout = duration(5 * time.Second)
	o.retries, o.hostFailures = 2, 4
	o.maxHostPages = max(300, 2*int64(o.pages))
	o.dates, o.queries, o.echoAfter = 100, 200, 5
	if !flags.Changed("concurrency") {
		o.concurrency = 128 // many of them wait for hosts that never answer
	}
}

// fates are what became of a web: its honest pages by status, and its hostile hosts.
type fates struct {
	honest map[string]int
	hosts  []*hostFate // as Server.Hostile
	others *hostFate   // places that hostile pages lead to
}

// hostFate is what became of a hostile host.
type hostFate struct {
	done  int
	dead  map[frontier.Reason]int64 // by reason
	front string                    // "done", "dead" or nothing
}

// readFates reads the output of a crawl.
func readFates(path string, server *webtest.Server) (*fates, error) {
	f := &fates{honest: map[string]int{}, others: &hostFate{dead: map[frontier.Reason]int64{}}}
	honest, hostile := map[string]bool{}, map[string]*hostFate{}
	for _, seed := range server.Seeds() {
		honest[authority(seed)] = true
	}
	fronts := map[string]*hostFate{}
	for _, h := range server.Hostile() {
		fate := &hostFate{dead: map[frontier.Reason]int64{}}
		f.hosts = append(f.hosts, fate)
		hostile[authority(h.URL)], fronts[h.URL] = fate, fate
	}
	return f, readPages(path, func(page string, status int, failure string) {
		at := authority(page)
		if honest[at] {
			f.honest[page] = status
			return
		}
		host := hostile[at]
		if host == nil {
			host = f.others
		}
		became := host.add(failure)
		if front := fronts[page]; front != nil {
			front.front = became
		}
	})
}

// add counts a page of the host and tells what became of it.
func (h *hostFate) add(failure string) string {
	if failure != "" {
		h.dead[frontier.Reason(failure)]++
		return "dead"
	}
	h.done++
	return "done"
}

func authority(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// show prints what became of the hostile hosts, and tells what is not as it should be.
func (f *fates) show(io streams, server *webtest.Server, took time.Duration) error {
	var wrong []error
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nhostile host\twhat it does\tits front page\trequests\tdone\tgiven up\n")
	for i, h := range server.Hostile() {
		fate, asked := f.hosts[i], server.Log().Requests(authority(h.URL))
		front := fate.front
		if err := f.judge(i, h, asked); err != nil {
			wrong = append(wrong, err)
			front += " (WRONG)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", h.Class, h.Does, strings.TrimSpace(front), len(asked), fate.done, oneLine(list(fate.dead, reasonName)))
	}
	fmt.Fprintf(w, "elsewhere\twhere they lead to\t\t\t%d\t%s\n", f.others.done, oneLine(list(f.others.dead, reasonName)))
	w.Flush()
	memory := peakMemory()
	fmt.Fprintf(io.out, "\n%-10s %d connections\n%-10s %s at most, the web's server included\n%-10s %s\n",
		"canary", server.Canary(), "memory", formatBytes(memory), "time", formatTime(took))
	if n := server.Canary(); n > 0 {
		wrong = append(wrong, fmt.Errorf("the canary, a port of this machine, got %d connections", n))
	}
	if memory > demoMemory {
		wrong = append(wrong, fmt.Errorf("it took more than %s of memory", formatBytes(demoMemory)))
	}
	if f.others.done > 0 {
		wrong = append(wrong, fmt.Errorf("%d pages are of no host of the web", f.others.done))
	}
	return errors.Join(wrong...)
}

// judge tells what is wrong with the fate of the i-th hostile host.
func (f *fates) judge(i int, h webtest.Hostile, asked []webtest.Request) error {
	front := f.hosts[i].front
	if front == "" || h.Front != "settled" && h.Front != front {
		return fmt.Errorf("%s: its front page must be %s, and is %q", h.Class, h.Front, front)
	}
	for _, r := range asked {
		if h.Never != "" && strings.HasPrefix(r.Path, h.Never) {
			return fmt.Errorf("%s: was asked for %q", h.Class, r.Path)
		}
	}
	return nil
}

// peakMemory is the most that this process has had in memory; 0: the system does not tell.
func peakMemory() (n int64) {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	if fields := strings.Fields(after); len(fields) > 0 {
		n, _ = strconv.ParseInt(fields[0], 10, 64) // 0 if the system shows it otherwise
	}
	return n << 10
}
