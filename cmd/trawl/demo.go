package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/crawler/webtest"
	"trawl/frontier/disk"
)

type demoFlags struct {
	crawlFlags
	hosts, pages int
	seed         uint64
	hostile      bool
	many         int
}

// newDemo is trawl demo. Its flags are a few of those of trawl crawl; registering all of them sets the defaults of the rest.
func newDemo(io streams) *cobra.Command {
	var o demoFlags
	addGroups(&cobra.Command{}, o.groups()) // sets their defaults, for a command that nobody sees
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Crawl a synthetic web on this machine, and check the result; needs no network",
		Long: `Serve a synthetic web on this machine's loopback address, crawl it, and compare the output
with what that web is known to hold: pages, dead links, redirects, pages that robots.txt
forbids, and errors that pass. With --hostile it has hosts that want to harm a crawler, too:
bombs, traps, servers that never answer, links to this machine's own ports and so on.`,
		Args:    noArgs,
		PreRunE: readSettings,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c.Context(), io, c.Flags()) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "trawl-demo", "`folder` of output, replaced each time")
	f.IntVar(&o.hosts, "hosts", 25, "`number` of hosts of the web")
	f.IntVar(&o.pages, "pages", 100, "`number` of pages of each host")
	f.Uint64Var(&o.seed, "seed", 1, "`number` of the web: another seed, another web")
	f.BoolVar(&o.hostile, "hostile", false, "add hosts that are hostile, one of each kind; for Linux")
	f.IntVar(&o.many, "many", 200_000, "`number` of links of the hostile pages that have too many")
	o.delay = duration(20 * time.Millisecond)
	f.Var(&o.delay, "delay", "between requests to a host")
	f.IntVarP(&o.concurrency, "concurrency", "c", 64, "fetch at most `n` pages at once")
	f.Var(&o.progress, "progress", "auto: a bar on a terminal, else plain lines")
	completeValues(cmd)
	return cmd
}

// run serves, crawls and compares. The second result, of a hostile web, is shown also when the first one is bad.
func (o *demoFlags) run(ctx context.Context, io streams, flags *pflag.FlagSet) error {
	if err := o.fits(); err != nil {
		return err
	}
	if err := o.clear(); err != nil {
		return err
	}
	config := webtest.Config{
		Seed: o.seed, Hosts: o.hosts, PagesPerHost: o.pages, CrossHost: 0.05,
		DeadLinks: 0.03, Redirects: 0.05, RobotsDenied: 0.05, Errors: 0.01, Latency: 5 * time.Millisecond,
		CountsOnly: true,
	}
	if o.hostile {
		o.harden(&config, flags)
	}
	web := webtest.New(config)
	server, err := web.Start() // on loopback: its hosts are seeds, so they are named, and the guard lets them pass
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer server.Close()
	fmt.Fprintf(io.err, "a web of %d hosts is at %s and so on; crawling it\n", o.hosts+len(config.Hostile), server.URL(0, "/"))
	o.fresh, o.contact = true, "demo"
	began := time.Now()
	if err := runCrawl(ctx, io, &o.crawlFlags, flags, server.Seeds()); err != nil {
		return err
	}
	fates, err := readFates(filepath.Join(o.out, "pages.jsonl"), server)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	took := time.Since(began)
	err = o.compare(io, web, server.Seeds(), fates.honest)
	if o.hostile {
		err = errors.Join(err, fates.show(io, server, took))
	}
	return err
}

// The largest web that this machine's memory is trusted to hold.
const (
	mostHosts = 10_000
	mostPages = 10_000_000
)

// fits checks the size of the web before it is made.
func (o *demoFlags) fits() error {
	switch {
	case o.hosts < 1 || o.hosts > mostHosts:
		return usagef("--hosts %d: must be 1 to %d", o.hosts, mostHosts)
	case o.pages < 1 || o.pages > mostPages/o.hosts:
		return usagef("--pages %d: must be 1 to %d, with %d hosts", o.pages, mostPages/o.hosts, o.hosts)
	case o.many < 1 || o.many > mostPages:
		return usagef("--many %d: must be 1 to %d", o.many, mostPages)
	}
	return nil
}

// clear removes the output of an earlier demo, but not of anything else.
func (o *demoFlags) clear() error {
	o.crawl = "demo"
	dir := filepath.Join(o.out, "frontier")
	if !disk.Exists(dir) {
		return nil
	}
	r, err := disk.Inspect(context.Background(), dir, 0)
	if err != nil {
		return withoutOp(err)
	}
	if r.Crawl.Name != o.crawl {
		return usagef("--out %s: holds the crawl %q; name another folder", o.out, r.Crawl.Name)
	}
	err = os.Remove(filepath.Join(o.out, "pages.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return withoutOp(err)
}

// compare holds the output against what the web is known to hold.
func (o *demoFlags) compare(io streams, web *webtest.Web, seeds []string, got map[string]int) error {
	right, all := 0, 0
	for page := range web.Reachable(webtest.Rules{}, seeds...) {
		all++
		if status, ok := got[page.URL]; ok && status == page.Status {
			right++
		} else {
			fmt.Fprintf(io.err, "%s: want status %d, found %v\n", page.URL, page.Status, got[page.URL])
		}
		delete(got, page.URL)
	}
	for url := range got {
		fmt.Fprintf(io.err, "%s: not to be fetched\n", oneLine(url))
	}
	fmt.Fprintf(io.out, "%-10s %s of %s pages\n", "checked", formatCount(int64(right)), formatCount(int64(all)))
	if right != all || len(got) > 0 {
		return fmt.Errorf("the output is not what the web holds")
	}
	return nil
}

// readPages reads a pages.jsonl, as far as a demo looks at it.
func readPages(path string, each func(url string, status int, failure string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	for lines.More() {
		var page struct {
			URL    string
			Status int
			Error  struct{ Kind string }
		}
		if err := lines.Decode(&page); err != nil {
			return err
		}
		each(page.URL, page.Status, page.Error.Kind)
	}
	return nil
}
