package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/publicsuffix"

	"trawl/crawler"
	"trawl/frontier"
)

// policyFlags are the flags that make a frontier.Policy, which the frontier keeps.
type policyFlags struct {
	scope              choice
	sitemaps           sitemapSetting
	include, exclude   []string
	depth              int
	maxPages           int64
	maxHostPages       int64
	maxHostQueue       int64
	delay              duration
	perHost            int
	maxCrawlDelay      duration
	maxRetryAfter      duration
	robots             choice
	userAgent, contact string
	timeout            duration
	maxBody            size
	retries            int
	allowNet           []string
	assets             bool
	dropParams         []string
	fold               choices
	adaptive           bool
	robotsCache        duration
	hostFailures       int
	traps
}

// traps are the limits that end what a site makes up without end.
type traps struct{ pathDepth, pathRepeats, dates, queries, domainHosts, echoAfter int }

func (o *policyFlags) registerTraps(f *pflag.FlagSet) {
	p := frontier.DefaultPolicy()
	f.IntVar(&o.pathDepth, "max-path-depth", p.MaxPathDepth, "follow no links with more than `n` segments in the path; 0: no limit")
	f.IntVar(&o.pathRepeats, "max-path-repeats", p.MaxPathRepeats, "nor those in which a segment comes more than `n` times; 0: no limit")
	f.IntVar(&o.dates, "max-dates", p.MaxDates, "nor more than `n` of a host that differ in nothing but a date; 0: no limit")
	f.IntVar(&o.queries, "max-queries", p.MaxQueries, "nor more than `n` that differ in nothing but the query; 0: no limit")
	f.IntVar(&o.domainHosts, "max-domain-hosts", p.MaxDomainHosts, "nor to more than `n` hosts of a registrable domain, beside seeds; 0: no limit")
	f.IntVar(&o.echoAfter, "echo-after", p.EchoAfter, "after `n` pages that look alike, ask for some that cannot exist; 0: never")
}

func (o *policyFlags) registerScope(f *pflag.FlagSet) {
	p := frontier.DefaultPolicy()
	o.scope = choice{string(p.Scope), []string{"page", "prefix", "host", "domain", "any"}}
	f.Var(&o.scope, "scope", "follow links to the seeds' own page, folder, host or domain, or anywhere")
	f.StringArrayVar(&o.include, "include", nil, "follow only links that match this `regexp`; repeatable")
	f.StringArrayVar(&o.exclude, "exclude", nil, "follow no links that match this `regexp`; repeatable")
	f.IntVarP(&o.depth, "depth", "d", p.Depth, "follow at most `n` links in a row from a seed; 0: fetch the seeds alone, -1: no limit")
	f.Var(&o.sitemaps, "sitemaps", o.sitemaps.usage())
	f.Int64Var(&o.maxPages, "max-pages", p.MaxPages, "end after `n` pages, those of earlier runs included; 0: no limit")
	f.BoolVar(&o.assets, "assets", false, "fetch images, scripts, style sheets and the like too")
	f.Int64Var(&o.maxHostPages, "max-host-pages", p.MaxHostPages, "take at most `n` pages of each host; 0: no limit")
	f.Int64Var(&o.maxHostQueue, "max-host-queue", p.MaxHostQueue, "let at most `n` pages of a host wait at a time; 0: no limit")
}

// registerKeys has what is fixed when a crawl is made.
func (o *policyFlags) registerKeys(f *pflag.FlagSet) {
	f.StringSliceVar(&o.dropParams, "drop-params", frontier.DefaultDropParams, "parameters of URLs that tell no pages apart, by `name`")
	o.fold.of = []string{frontier.FoldWWW, frontier.FoldIndex, frontier.FoldSlash, frontier.FoldScheme}
	f.Var(&o.fold, "fold", "further `differences` that tell no pages apart: www, index, slash, scheme")
}

// fixKeys sets what tells URLs apart, which a crawl that is there keeps as it is.
func (o *policyFlags) fixKeys(p *frontier.Policy, flags *pflag.FlagSet, isNew bool) error {
	if len(o.dropParams) == 0 {
		o.dropParams = []string{""} // none, rather than the default ones
	}
	if p.DropParams == nil {
		p.DropParams = slices.Clone(frontier.DefaultDropParams) // of a crawl from before it could be chosen
	}
	for _, list := range []struct {
		flag   string
		given  []string
		policy *[]string
	}{{"drop-params", o.dropParams, &p.DropParams}, {"fold", o.fold.list, &p.Fold}} {
		switch {
		case isNew:
			*list.policy = list.given
		case flags.Changed(list.flag) && !slices.Equal(list.given, *list.policy):
			return usagef("--%s %q: was fixed as %q when the crawl was made; another crawl can have another one",
				list.flag, strings.Join(list.given, ","), strings.Join(*list.policy, ","))
		}
	}
	return nil
}

func (o *policyFlags) registerPoliteness(f *pflag.FlagSet) {
	p := frontier.DefaultPolicy()
	o.delay, o.maxCrawlDelay, o.robotsCache = duration(p.Delay), duration(p.MaxCrawlDelay), duration(p.RobotsCache)
	o.maxRetryAfter = duration(p.MaxRetryAfter)
	o.robots = choice{"obey", []string{"obey", "ignore"}}
	f.Var(&o.delay, "delay", "least time from one request to a host to the next")
	f.IntVar(&o.perHost, "per-host", p.PerHost, "send at most `n` requests to a host at once")
	f.Var(&o.maxCrawlDelay, "max-crawl-delay", "longest delay that a robots.txt can ask for")
	f.Var(&o.maxRetryAfter, "max-retry-after", "give up a host that asks to be left alone for longer; 0: none")
	f.BoolVar(&o.adaptive, "adaptive", false, "let the delay of a host grow with its latency and its errors")
	f.Var(&o.robots, "robots", "obey or ignore robots.txt and nofollow")
	f.Var(&o.robotsCache, "robots-cache", "ask for a robots.txt again after this time, 24h at most; sooner if it says so")
	f.StringVar(&o.contact, "contact", "", "`URL|mail` at which site owners can reach you; part of the User-Agent")
	f.StringVarP(&o.userAgent, "user-agent", "A", "", "send this User-Agent instead of trawl/VERSION (+CONTACT)")
}

// registerRequests has what the frontier keeps of how to fetch; the rest is in fetchFlags.
func (o *policyFlags) registerRequests(f *pflag.FlagSet) {
	f.StringArrayVar(&o.allowNet, "allow-net", nil, "allow this private `network`, such as 10.1.0.0/16; repeatable")
	p := frontier.DefaultPolicy()
	o.timeout, o.maxBody = duration(p.Timeout), size(p.MaxBody)
	f.Var(&o.timeout, "timeout", "of one request, from DNS to the last byte")
	f.Var(&o.maxBody, "max-body", "cut pages that are longer, after decoding")
	f.IntVar(&o.retries, "retries", p.Retries, "try `n` times more when a failure may pass")
	f.IntVar(&o.hostFailures, "host-failures", p.HostFailures, "give a host up after `n` failures in a row; 0: never")
}

// apply changes a policy as far as flags were set, or all of it for a new crawl.
func (o *policyFlags) apply(p *frontier.Policy, flags *pflag.FlagSet, isNew bool) error {
	for name, set := range map[string]func(){
		"scope":           func() { p.Scope = frontier.ScopeRule(o.scope.value) },
		"include":         func() { p.Include = o.include },
		"exclude":         func() { p.Exclude = o.exclude },
		"depth":           func() { p.Depth = o.depth },
		"max-pages":       func() { p.MaxPages = o.maxPages },
		"max-host-pages":  func() { p.MaxHostPages = o.maxHostPages },
		"max-host-queue":  func() { p.MaxHostQueue = o.maxHostQueue },
		"delay":           func() { p.Delay = time.Duration(o.delay) },
		"per-host":        func() { p.PerHost = o.perHost },
		"max-crawl-delay": func() { p.MaxCrawlDelay = time.Duration(o.maxCrawlDelay) },
		"robots":          func() { p.IgnoreRobots = o.robots.value == "ignore" },
		"timeout":         func() { p.Timeout = time.Duration(o.timeout) },
		"max-body":        func() { p.MaxBody = int64(o.maxBody) },
		"allow-net":       func() { p.AllowNet = o.allowNet },
		"retries":         func() { p.Retries = o.retries },

		"sitemaps":         func() { p.Sitemaps = o.sitemaps.mode(p.Sitemaps) },
		"assets":           func() { p.Assets = o.assets },
		"adaptive":         func() { p.Adaptive = o.adaptive },
		"max-retry-after":  func() { p.MaxRetryAfter = time.Duration(o.maxRetryAfter) },
		"robots-cache":     func() { p.RobotsCache = time.Duration(o.robotsCache) },
		"host-failures":    func() { p.HostFailures = o.hostFailures },
		"max-path-depth":   func() { p.MaxPathDepth = o.pathDepth },
		"max-path-repeats": func() { p.MaxPathRepeats = o.pathRepeats },
		"max-dates":        func() { p.MaxDates = o.dates },
		"max-queries":      func() { p.MaxQueries = o.queries },
		"max-domain-hosts": func() { p.MaxDomainHosts = o.domainHosts },
		"echo-after":       func() { p.EchoAfter = o.echoAfter },
	} {
		if isNew || flags.Changed(name) {
			set()
		}
	}
	switch {
	case flags.Changed("robots-cache") && p.RobotsCache == 0:
		return usagef("--robots-cache 0: must be more than 0, and 24h at most")
	case o.depth < -1:
		return usagef("--depth %d: must not be negative, but for -1: no limit", o.depth)
	}
	if err := o.fixKeys(p, flags, isNew); err != nil {
		return err
	}
	// It names the version that made the crawl, until somebody gives one of the two again.
	if isNew || flags.Changed("user-agent") || flags.Changed("contact") {
		p.UserAgent = o.agent()
	}
	if err := p.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// agent is the User-Agent header.
func (o *policyFlags) agent() string {
	switch {
	case o.userAgent != "":
		return o.userAgent
	case o.contact != "":
		return fmt.Sprintf("trawl/%s (+%s)", version(), o.contact)
	}
	return "trawl/" + version()
}

// fetchFlags are the flags of how to fetch that concern this process alone: they can hold secrets.
type fetchFlags struct {
	concurrency int
	proxy       string
	headers     []string
	cookies     string
	insecure    bool
}

func (o *fetchFlags) register(f *pflag.FlagSet) {
	f.IntVarP(&o.concurrency, "concurrency", "c", 64, "fetch at most `n` pages at once; those that take longer than 1 s do not count, up to 4 times as many")
	f.StringVar(&o.proxy, "proxy", "", "`URL` of a proxy: http, https, socks5 or socks5h")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "send this `\"name: value\"`; repeatable")
	f.StringVar(&o.cookies, "cookies", "", "send the cookies of this `file` (cookies.txt), and those that servers set")
	f.BoolVar(&o.insecure, "insecure", false, "accept any TLS certificate")
}

// fetchConfig is that of a fetcher, as far as these flags make it.
func (o *fetchFlags) fetchConfig() (c crawler.Config, err error) {
	if o.concurrency < 1 {
		return c, usagef("--concurrency %d: must be at least 1", o.concurrency)
	}
	if c.Proxy, err = o.parseProxy(); err != nil {
		return c, err
	}
	if c.Header, err = o.parseHeaders(); err != nil {
		return c, err
	}
	if c.Jar, err = o.readCookies(); err != nil {
		return c, err
	}
	c.Insecure = o.insecure
	return c, nil
}

// parseProxy knows --proxy. Of its value errors show the scheme at most.
func (o *fetchFlags) parseProxy() (*url.URL, error) {
	if o.proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(o.proxy)
	if err != nil || u.Host == "" {
		return nil, usagef("--proxy: not a URL such as http://proxy:3128") // it can hold a password
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, usagef("--proxy: %q is not http, https or socks5", u.Scheme)
}

// parseHeaders knows --header. Errors show names at most.
func (o *fetchFlags) parseHeaders() (http.Header, error) {
	h := http.Header{}
	for _, line := range o.headers {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok {
			return nil, usagef("--header: there is no colon; want \"Name: value\"") // it can hold a secret
		}
		if err := crawler.CheckHeader(http.Header{name: {value}}); err != nil {
			return nil, usagef("--header: %w", err)
		}
		h.Add(name, value)
	}
	return h, nil
}

// readCookies reads a cookies.txt: domain, whether subdomains too, path, whether https only, expiry, name, value,
// separated by tabs.
func (o *fetchFlags) readCookies() (http.CookieJar, error) {
	if o.cookies == "" {
		return nil, nil
	}
	f, err := os.Open(o.cookies)
	if err != nil {
		return nil, usagef("--cookies %w", withoutOp(err))
	}
	defer f.Close()
	jar, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // never fails
	lines := bufio.NewScanner(f)
	n := 1
	for ; lines.Scan(); n++ {
		line, httpOnly := strings.CutPrefix(lines.Text(), "#HttpOnly_")
		if line == "" || line[0] == '#' {
			continue
		}
		field := strings.Split(line, "\t")
		if len(field) != 7 {
			return nil, usagef("--cookies %s:%d: want 7 fields with tabs between them, as in a cookies.txt", o.cookies, n) // the line is a secret
		}
		setCookie(jar, field, httpOnly)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, usagef("--cookies %s:%d: longer than a line of a cookies.txt", o.cookies, n)
	case err != nil:
		return nil, usagef("--cookies %w", withoutOp(err))
	}
	return jar, nil
}

// setCookie puts a line of a cookies.txt into a jar. An expiry that is 0, or no number, makes it a cookie of the session.
func setCookie(jar http.CookieJar, field []string, httpOnly bool) {
	domain, host := field[0], strings.TrimPrefix(field[0], ".")
	if field[1] != "TRUE" {
		domain = "" // this host alone
	}
	c := &http.Cookie{Domain: domain, Path: field[2], Secure: field[3] == "TRUE", Name: field[5], Value: field[6], HttpOnly: httpOnly}
	if expires, err := strconv.ParseInt(field[4], 10, 64); err == nil && expires > 0 {
		c.Expires = time.Unix(expires, 0)
	}
	// As if the host had set it over TLS: over http a jar takes no secure ones.
	jar.SetCookies(&url.URL{Scheme: "https", Host: host, Path: "/"}, []*http.Cookie{c})
}
