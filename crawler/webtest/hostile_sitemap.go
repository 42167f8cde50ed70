package webtest

import (
	"fmt"
	"strconv"
	"strings"
)

// Classes whose sitemaps are hostile. Their pages are good.
var sitemapTraits = []trait{
	{class: "sitemap-deep", does: "sitemap indexes, 10 deep", front: done, page: sitemapDeep, robots: sitemapAt("/index/0.xml")},
	{class: "sitemap-cycle", does: "sitemap indexes that name each other", front: done, page: sitemapCycle, robots: sitemapAt("/a.xml")},
	{class: "sitemap-bomb", does: "a sitemap of 10 GiB in gzip", front: done, page: sitemapBomb, robots: sitemapAt("/sitemap.xml.gz")},
	{class: "sitemap-large", does: "a sitemap of very many URLs", front: done, page: sitemapLarge, robots: sitemapAt("/sitemap.xml")},
}

func sitemapAt(path string) func(*visit) {
	return func(v *visit) { v.text("User-agent: *\nDisallow:\nSitemap: " + v.origin() + path + "\n") }
}

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	namespace = `xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"`
)

func (v *visit) sitemap(urls ...string) { v.xml("urlset", "url", urls) }

func (v *visit) sitemapIndex(urls ...string) { v.xml("sitemapindex", "sitemap", urls) }

func (v *visit) xml(root, element string, urls []string) {
	v.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(v, "%s<%s %s>\n", xmlHead, root, namespace)
	for _, u := range urls {
		fmt.Fprintf(v, "<%[1]s><loc>%[2]s</loc></%[1]s>\n", element, u)
	}
	fmt.Fprintf(v, "</%s>\n", root)
}

func sitemapDeep(v *visit) {
	digits, ok := strings.CutPrefix(v.path, "/index/")
	switch n := number(strings.TrimSuffix(digits, ".xml"), 0); {
	case !ok:
		threePages(v)
	case n < 10:
		v.sitemapIndex(v.origin() + "/index/" + strconv.Itoa(n+1) + ".xml")
	default:
		v.sitemap(v.origin() + "/deep")
	}
}

func sitemapCycle(v *visit) {
	switch v.path {
	case "/a.xml":
		v.sitemapIndex(v.origin()+"/b.xml", v.origin()+"/a.xml")
	case "/b.xml":
		v.sitemapIndex(v.origin()+"/a.xml", v.origin()+"/c.xml")
	case "/c.xml":
		v.sitemap(v.origin()+"/from-c", v.origin()+"/a.xml")
	default:
		threePages(v)
	}
}

func sitemapBomb(v *visit) {
	if v.path != "/sitemap.xml.gz" {
		threePages(v)
		return
	}
	v.Header().Set("Content-Type", "application/gzip")
	writeBomb(v, "gzip", bombMiB)
}

func sitemapLarge(v *visit) {
	switch v.path {
	case "/":
		threePages(v)
	case "/sitemap.xml":
		v.Header().Set("Content-Type", "application/xml")
		v.repeat(xmlHead+"<urlset "+namespace+">\n", 1)
		v.each(5*v.many(), func(b []byte, i int) []byte {
			b = append(append(append(b, "<url><loc>"...), v.origin()...), "/n/"...)
			return append(strconv.AppendInt(b, int64(i), 10), "</loc></url>\n"...)
		})
		v.repeat("</urlset>\n", 1)
	default:
		v.notFound()
	}
}
