package webtest

import (
	"strconv"
	"strings"
)

// Classes that lead to this machine and its network.
var privateTraits = []trait{
	{class: "ssrf", does: "links and redirects to private addresses", front: done, page: ssrf},
	{class: "ssrf-robots", does: "robots.txt redirects to a private address", front: settled, page: threePages, robots: ssrfRobots},
	{class: "ssrf-sitemap", does: "sitemaps at private addresses, and with URLs of them", front: done, page: ssrfSitemap, robots: ssrfSitemapRobots},
}

// privatePlaces are URLs of a port of this machine, in all spellings, and of private networks.
func privatePlaces(port string) []string {
	hosts := []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "x.localhost", "2130706433", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1",
		"0", "0.0.0.0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
		"%31%32%37.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "user:pass@127.0.0.1", "127.9.9.9", "127.0.0.1.", "[::1%25lo]",
		"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "224.0.0.1", "255.255.255.255", "[ff02::1]",
	}
	urls := make([]string, len(hosts))
	for i, host := range hosts {
		urls[i] = "http://" + host + ":" + port + "/" + strconv.Itoa(i)
	}
	return append(urls, "http://169.254.169.254/latest/meta-data/", "https://127.0.0.1:"+port+"/", "//127.0.0.1:"+port+"/relative")
}

func ssrf(v *visit) {
	places := privatePlaces(v.server.canary.port)
	if v.path == "/" {
		links := places
		for i := range places {
			links = append(links, "/to/"+strconv.Itoa(i))
		}
		refresh := `<meta http-equiv="refresh" content="0;url=` + places[0] + `?refresh"><iframe src="` + places[0] + `?frame"></iframe>`
		v.html("places", refresh, links...)
		return
	}
	i := number(strings.TrimPrefix(v.path, "/to/"), -1)
	if i < 0 || i >= len(places) {
		v.notFound()
		return
	}
	v.redirect(places[i])
}

func ssrfRobots(v *visit) { v.redirect("http://127.0.0.1:" + v.server.canary.port + "/robots.txt") }

func ssrfSitemapRobots(v *visit) {
	at := "http://127.0.0.1:" + v.server.canary.port
	v.text("User-agent: *\nDisallow:\nSitemap: " + at + "/sitemap.xml\nSitemap: http://[::1]:" + v.server.canary.port + "/sitemap.xml\nSitemap: " +
		v.origin() + "/index.xml\nSitemap: file:///etc/passwd\n")
}

func ssrfSitemap(v *visit) {
	at := "http://127.0.0.1:" + v.server.canary.port
	switch v.path {
	case "/index.xml":
		v.sitemapIndex(at+"/part.xml", v.origin()+"/urls.xml", v.origin()+"/to-private.xml")
	case "/urls.xml":
		v.sitemap(privatePlaces(v.server.canary.port)...)
	case "/to-private.xml":
		v.redirect(at + "/redirected.xml")
	default:
		threePages(v)
	}
}

// origin is the visited host's, without a slash.
func (v *visit) origin() string {
	return strings.TrimSuffix(string(v.server.web.appendHostileURL(nil, v.host, v.server.port)), "/")
}

// hasCanary tells whether a class leads to the canary.
func (c Config) hasCanary() bool {
	for _, class := range c.Hostile {
		if strings.HasPrefix(string(class), "ssrf") {
			return true
		}
	}
	return false
}
