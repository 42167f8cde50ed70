package main

import (
	"strings"
	"testing"
)

// Nothing is lost when the proxy is wrong: the same command goes on with another.
func TestACrawlByAProxyThatIsNotThereFails(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	for _, proxy := range []string{"http://me:secret@127.0.0.1:1", "socks5h://me:secret@127.0.0.1:1"} {
		dir := t.TempDir()
		r := call(t, dir, quick(append([]string{"--proxy", proxy}, server.Seeds()[0])...)...)
		if r.code != exitFailed || !strings.Contains(r.err, "proxy") || strings.Contains(r.out+r.err, "secret") || !strings.Contains(r.out, "left       1 URLs") {
			t.Errorf("%s: %+v", proxy, r)
		}
		if r := crawl(t, dir); !strings.Contains(r.out, "200 OK") {
			t.Errorf("without the proxy: %+v", r)
		}
	}
}
