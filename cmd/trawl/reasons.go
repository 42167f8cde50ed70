package main

import (
	"regexp"
	"slices"
	"strings"

	"trawl/crawler"
	"trawl/frontier"
)

// reasonFlag is --reason: why URLs were given up, or links refused.
type reasonFlag struct {
	frontier.Reason
	known []frontier.Reason
}

func (r *reasonFlag) String() string { return string(r.Reason) }
func (r *reasonFlag) Type() string   { return "reason" }

// Set takes any word: a trawl that is newer than this one may have worked on the crawl.
func (r *reasonFlag) Set(s string) error {
	r.Reason = frontier.Reason(s)
	return nil
}

func (r *reasonFlag) propose(string) (list []string) {
	for _, known := range r.known {
		list = append(list, string(known))
	}
	return list
}

// check tells a reason that nothing was counted for yet from a word that is none.
func (r *reasonFlag) check(counted map[frontier.Reason]int64) error {
	if r.Reason == "" || counted[r.Reason] > 0 || slices.Contains(r.known, frontier.Reason(anyStatus.ReplaceAllString(r.String(), "http-503"))) {
		return nil
	}
	if len(counted) == 0 {
		return usagef("--reason %q: no such reason; want one of %s", r.Reason, strings.Join(r.propose(""), ", "))
	}
	return usagef("--reason %q: no such reason; there are %s", r.Reason, list(counted, reasonName))
}

// anyStatus is the reason of a status, of which deadReasons has but one.
var anyStatus = regexp.MustCompile(`^http-[45]\d\d$`)

// deadReasons are those for which URLs are given up.
func deadReasons() []frontier.Reason {
	list := []frontier.Reason{frontier.Poison, frontier.HostDown, "robots-unreachable", "http-503", "panic", "internal"}
	for _, kind := range []crawler.Kind{
		crawler.KindURL, crawler.KindAddress, crawler.KindNoHost, crawler.KindDNS, crawler.KindConnect, crawler.KindTLS, crawler.KindTimeout,
		crawler.KindMemory, crawler.KindProxy, crawler.KindReset, crawler.KindHeader, crawler.KindProtocol, crawler.KindDecode,
	} {
		list = append(list, frontier.Reason(kind))
	}
	return list
}

// refusalReasons are those for which links are refused.
func refusalReasons() []frontier.Reason {
	return []frontier.Reason{
		frontier.OutOfScope, frontier.NotIncluded, frontier.Excluded, frontier.TooDeep, frontier.TooLong, frontier.TooManyHops,
		frontier.BadURL, frontier.BadScheme, frontier.ByRobots, frontier.ByNofollow, frontier.HostPagesCap, frontier.HostQueueCap,
		frontier.PathDepth, frontier.PathRepeats, frontier.Calendar, frontier.ManyQueries, frontier.SessionID, frontier.Echo,
		frontier.ManyHosts, frontier.Barren, frontier.SitemapHost, frontier.SitemapDepth, frontier.ManySitemaps,
	}
}
