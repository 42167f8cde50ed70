package worker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"trawl/frontier"
)

// TestWhatOthersLinkToKeepsNoPageOut has a host that links to very many pages of another one, which are not there.
func TestWhatOthersLinkToKeepsNoPageOut(t *testing.T) {
	const own, after = 60, 2
	answer := func(rw http.ResponseWriter, r *http.Request) {
		n, links := 0, []string(nil)
		switch _, err := fmt.Sscanf(r.URL.Path, "/page/%d", &n); {
		case r.Host == "bomb.test":
			for i := range 100 {
				links = append(links, fmt.Sprintf("http://a.test/junk%d%s/%d", i%7, strings.ReplaceAll(r.URL.Path, "/", "-"), i))
			}
			if len(r.URL.Path) < 5 {
				links = append(links, r.URL.Path+"x", r.URL.Path+"y")
			}
		case r.URL.Path == "/":
			links = []string{"/page/0"}
		case err != nil:
			rw.WriteHeader(http.StatusNotFound)
			return
		default:
			for child := 2*n + 1; child <= min(2*n+2, own-1); child++ {
				links = append(links, fmt.Sprintf("/page/%d", child))
			}
		}
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, link(links...))
	}
	p := echoes(func(p *frontier.Policy) {
		p.Scope, p.MaxHostQueue, p.Depth, p.EchoAfter = frontier.ScopeAny, 200, own+1, after
	})
	inBubble(t, p, answer, func(x *trial) {
		x.seed("http://bomb.test/", "http://a.test/")
		x.run()
		got, junk := 0, 0
		for _, r := range x.journal.records {
			switch {
			case strings.Contains(r.URL, "a.test/page/"):
				got++
			case strings.Contains(r.URL, "a.test/junk"):
				junk++
			}
		}
		if got != own || junk > 2*barrenAfter*after || x.stats().Refused[frontier.Barren] == 0 {
			x.Errorf("%d of %d pages, and %d of those that there are not; %v", got, own, junk, x.stats().Refused)
		}
	})
}

// TestManyHostsOfOneDomainStayStrangers has a name server that answers any name, and a host for each that answers: as
// strangers they wait in a line of their own.
func TestManyHostsOfOneDomainStayStrangers(t *testing.T) {
	for _, many := range []int{crowdedDomain / 2, 2 * crowdedDomain} {
		answer := answerWith(func(r *http.Request) string {
			var links []string
			for i := range many {
				links = append(links, fmt.Sprintf("http://x%d.wild.test/", i))
			}
			return link(links...)
		})
		p := policy(func(p *frontier.Policy) { p.Scope = frontier.ScopeAny })
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			inBubble(t, p, answer, func(x *trial) {
				x.seed("http://seed.wild.test/", "http://a.test/")
				x.run()
				x.settled(int64(many+2), 0)
				known := 0
				for _, r := range x.journal.reports {
					if r.Failures == 0 {
						known++
					}
				}
				want := 2
				if many < crowdedDomain {
					want += many
				}
				if known != want {
					x.Errorf("%d of %d hosts came to be known as those that answer, want %d", known, many+2, want)
				}
			})
		})
	}
}
