package worker

import (
	"net/http"
	"testing"

	"trawl/frontier"
)

func TestAssetsBelongToTheirPage(t *testing.T) {
	page := `<meta name=robots content=nofollow><a href="/next">next</a><img src="/logo.png"><script src="//cdn.a.test/x.js"></script><img src="//b.test/ad.png">`
	answer := pages(map[string]string{"a.test/": page})
	for scope, want := range map[frontier.ScopeRule][]string{
		frontier.ScopePage: {"http://a.test/logo.png", "http://cdn.a.test/x.js"},
		frontier.ScopeHost: {"http://a.test/logo.png", "http://cdn.a.test/x.js"},
		frontier.ScopeAny:  {"http://a.test/logo.png", "http://cdn.a.test/x.js", "http://b.test/ad.png"},
	} {
		t.Run(string(scope), func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Scope, p.Depth, p.Assets = scope, 0, true })
			inBubble(t, p, answer, func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				x.settled(int64(1+len(want)), 0)
				for _, url := range want {
					if x.journal.record(url) == nil {
						x.Errorf("%s is not fetched", url)
					}
				}
			})
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
			x.seed("http://a.test/")
			x.run()
			x.settled(1, 0)
			if s := x.stats(); s.Refused[frontier.ByNofollow] != 1 || len(s.Refused) != 1 {
				x.Errorf("refused %v", s.Refused)
			}
		})
	})
}

func TestALocationInAnyBytesIsAskedForByThoseBytes(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			rw.Header().Set("Location", "/caf\xe9?q=\xfc")
			rw.WriteHeader(http.StatusFound)
		}
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(2, 0)
		if x.journal.record("http://a.test/caf%E9?q=%FC") == nil {
			x.Errorf("records %+v", x.journal.records)
		}
	})
}
