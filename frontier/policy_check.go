package frontier

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// Validate returns the first fault of a policy, in one line that names the command's flag. It accepts DefaultPolicy.
func (p Policy) Validate() error {
	if _, err := NewScope(p); err != nil {
		return err
	}
	if _, err := p.Networks(); err != nil {
		return err
	}
	checks := []struct {
		ok    bool
		flag  string
		value any
		want  string
	}{
		{p.MaxPages >= 0, "--max-pages", p.MaxPages, "must not be negative; 0 means any"},
		{p.MaxHostPages >= 0, "--max-host-pages", p.MaxHostPages, "must not be negative; 0 means any"},
		{p.MaxHostQueue >= 0, "--max-host-queue", p.MaxHostQueue, "must not be negative; 0 means any"},
		{p.Delay >= 0, "--delay", p.Delay, "must not be negative"},
		{p.PerHost >= 1, "--per-host", p.PerHost, "must be at least 1"},
		{p.MaxCrawlDelay >= 0, "--max-crawl-delay", p.MaxCrawlDelay, "must not be negative"},
		{p.MaxRetryAfter >= 0, "--max-retry-after", p.MaxRetryAfter, "must not be negative; 0 means any"},
		{!strings.ContainsFunc(p.UserAgent, unicode.IsControl), "--user-agent", p.UserAgent, "must not hold control characters"},
		{p.RobotsCache >= 0 && p.RobotsCache <= MaxRobotsCache, "--robots-cache", p.RobotsCache, "must be more than 0, and 24h at most"},
		{p.MaxPathDepth >= 0, "--max-path-depth", p.MaxPathDepth, "must not be negative; 0 means any"},
		{p.MaxPathRepeats >= 0, "--max-path-repeats", p.MaxPathRepeats, "must not be negative; 0 means any"},
		{p.MaxDates >= 0, "--max-dates", p.MaxDates, "must not be negative; 0 means any"},
		{p.MaxQueries >= 0, "--max-queries", p.MaxQueries, "must not be negative; 0 means any"},
		{p.MaxDomainHosts >= 0, "--max-domain-hosts", p.MaxDomainHosts, "must not be negative; 0 means any"},
		{p.EchoAfter >= 0, "--echo-after", p.EchoAfter, "must not be negative; 0 means never"},
		{p.HostFailures >= 0, "--host-failures", p.HostFailures, "must not be negative; 0 means never"},
		{p.Timeout > 0, "--timeout", p.Timeout, "must be more than 0"},
		{p.MaxBody > 0, "--max-body", p.MaxBody, "must be more than 0"},
		{p.Retries >= 0 && p.Retries <= MaxRetries, "--retries", p.Retries, fmt.Sprintf("must be 0 to %d", MaxRetries)},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("%s %v: %s", c.flag, quoted(c.value), c.want)
		}
	}
	return nil
}

// Networks parses AllowNet.
func (p Policy) Networks() (nets []netip.Prefix, err error) {
	for _, s := range p.AllowNet {
		net, err := netip.ParsePrefix(s)
		if addr, e := netip.ParseAddr(s); e == nil {
			net, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("--allow-net %q: want a network such as 10.1.0.0/16", s)
		}
		if a := net.Addr(); a.Is4In6() && net.Bits() >= 96 { // it is dialled as the other
			net = netip.PrefixFrom(a.Unmap(), net.Bits()-96)
		}
		if net != net.Masked() {
			return nil, fmt.Errorf("--allow-net %q: is in the network %s; name that, or a smaller one", s, net.Masked())
		}
		nets = append(nets, net)
	}
	return nets, nil
}

// quoted keeps an error on one line whatever the value holds.
func quoted(value any) any {
	if s, ok := value.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return value
}
