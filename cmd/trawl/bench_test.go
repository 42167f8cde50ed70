package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/html"

	"trawl/crawler/webtest"
)

// The web of the benchmark: pages of 30 KB with 60 links each.
var benchWeb = webtest.Config{Seed: 3, Hosts: 100, PagesPerHost: 50, CountsOnly: true}

// startBenchServer serves that web and returns the URLs of all pages.
func startBenchServer(b *testing.B) (pages, seeds []string) {
	first := startServer(b, benchWeb)
	web := webtest.New(benchWeb)
	for h := range benchWeb.Hosts {
		seeds = append(seeds, strings.Replace(first, "h0000", fmt.Sprintf("h%04d", h), 1)+"/")
	}
	for page := range web.Reachable(webtest.Rules{}, seeds...) {
		pages = append(pages, page.URL)
	}
	return pages, seeds
}

// BenchmarkCrawl compares the CPU of a whole crawl (embedded frontier, robots, politeness, dedupe, pages.jsonl) with
// that of a floor in the same run on the same pages: net/http and the Tokenizer of x/net, with all URLs known.
func BenchmarkCrawl(b *testing.B) {
	pages, seeds := startBenchServer(b)
	var floor, whole []float64
	for range b.N {
		for range 5 {
			floor = append(floor, cpuPerPage(len(pages), func() { fetchAll(b, pages) }))
			whole = append(whole, cpuPerPage(len(pages), func() { crawlAll(b, seeds, len(pages)) }))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(floor), "floor-cpu-us/page")
	b.ReportMetric(median(whole), "crawl-cpu-us/page")
	b.ReportMetric(median(whole)/median(floor), "x-floor")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// cpuPerPage is the CPU time, user and system, that work takes for a page, in microseconds.
func cpuPerPage(pages int, work func()) float64 {
	before := cpu()
	work()
	return float64(cpu()-before) / float64(time.Microsecond) / float64(pages)
}

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// fetchAll is the floor: the crawl's 64 pages at once, one at a time from each host, so that it opens no more
// connections than the crawl.
func fetchAll(b *testing.B, pages []string) {
	work := make(chan []string)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1000, MaxIdleConnsPerHost: 100, DisableCompression: true, DialContext: dial}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for host := range work {
				for _, url := range host {
					if links, err := tokenize(client, url); err != nil || links == 0 {
						b.Errorf("%s: %d links, %v", url, links, err)
					}
				}
			}
		})
	}
	for _, host := range byHost(pages) {
		work <- host
	}
	close(work)
	all.Wait()
}

func byHost(pages []string) map[string][]string {
	hosts := map[string][]string{}
	for _, url := range pages {
		host := strings.SplitN(url, "/", 4)[2]
		hosts[host] = append(hosts[host], url)
	}
	return hosts
}

func tokenize(client *http.Client, url string) (links int, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for z := html.NewTokenizer(resp.Body); ; {
		switch z.Next() {
		case html.ErrorToken:
			return links, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			_, more := z.TagName()
			for more {
				var key []byte
				if key, _, more = z.TagAttr(); string(key) == "href" {
					links++
				}
			}
		}
	}
}

// crawlAll is the whole crawl.
func crawlAll(b *testing.B, seeds []string, pages int) {
	var o crawlFlags
	flags := pflag.NewFlagSet("crawl", pflag.ContinueOnError)
	for _, group := range o.groups() {
		for _, register := range group.flags {
			register(flags)
		}
	}
	if err := flags.Parse([]string{"--out", b.TempDir(), "--delay", "0", "--progress", "none", "--contact", "bench"}); err != nil {
		b.Fatal(err)
	}
	var out strings.Builder
	if err := runCrawl(b.Context(), streams{nil, &out, os.Stderr}, &o, flags, seeds); err != nil {
		b.Fatal(err)
	}
	if want := fmt.Sprintf("200 OK %s\n", formatCount(int64(pages))); !strings.Contains(out.String(), want) {
		b.Fatalf("%s; want %s", out.String(), want)
	}
}
