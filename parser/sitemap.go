package parser

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Limits of a sitemap (sitemaps.org, "Sitemap file location"). What is over one of the first two makes it Truncated.
const (
	MaxSitemapURLs = 50_000
	MaxSitemap     = 50 << 20 // decoded bytes
	MaxLoc         = 2048     // bytes of one URL
)

// SitemapEntry is a URL that a sitemap lists: absolute, or from the root of a site on ("/x", "//host/x"), in UTF-8 and
// at most MaxLoc bytes long. It need not be a good URL.
type SitemapEntry struct {
	Loc     string
	Sitemap bool // it is a sitemap itself, listed by a sitemap index

	LastMod    time.Time // zero if the sitemap does not say, or not in a way that can be read
	ChangeFreq string    // as written, in lower case: "daily"
	Priority   float64   // 0 to 1; 0.5 if the sitemap does not say
}

// SitemapInfo says what a sitemap was.
type SitemapInfo struct {
	Format    SitemapFormat
	Entries   int    // yielded
	Truncated bool   // it had more than MaxSitemapURLs, or was longer than MaxSitemap: the rest was not read
	Bad       int    // entries without an absolute http or https URL; they are not yielded
	TooLong   int    // those with a URL of more than MaxLoc bytes
	Example   string // one of those, as written but for its length
}

// SitemapFormat is a kind of sitemap.
type SitemapFormat uint8

// The formats of sitemaps.
const (
	NotSitemap   SitemapFormat = iota
	SitemapXML                 // urlset
	SitemapIndex               // sitemapindex
	SitemapRSS                 // RSS 2.0 and its forerunners
	SitemapAtom
	SitemapText // one URL a line
)

// String returns the format in a word.
func (f SitemapFormat) String() string {
	return [...]string{"none", "urlset", "index", "rss", "atom", "text"}[f]
}

// ErrNotSitemap is the error of a file that is in none of the formats.
var ErrNotSitemap = errors.New("neither an XML sitemap nor a feed nor a list of URLs")

// Sitemap reads a sitemap (sitemaps.org 0.9) from r and calls yield for each of its entries, until that returns false:
// urlset, sitemapindex, RSS, Atom or a list of URLs, told apart by what they begin with, plain or gzipped, whatever their
// name and type say; contentType, as received or empty, matters for its charset only.
//
// XML is read leniently. Namespaces are told by prefix, not by name; elements of other namespaces (images, videos,
// alternates in other languages: pages list themselves) are passed over; entities that are not of XML or HTML stand for
// themselves, and no other file is ever read.
//
// An error says why the rest was not read: ErrNotSitemap, io.ErrUnexpectedEOF for one that ends in its middle, or an
// error of r or of gzip. What was read before it has been yielded. Cost: one pass; memory does not depend on the
// sitemap.
func Sitemap(r io.Reader, contentType string, yield func(SitemapEntry) bool) (SitemapInfo, error) {
	src, limit, err := openSitemap(r, contentType)
	s := sitemap{yield: yield}
	if err == nil {
		err = s.read(src)
	}
	if limit != nil && limit.reached {
		s.info.Truncated = true
	}
	if s.info.Truncated && errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errStop) {
		err = nil
	}
	return s.info, err
}

// sniffSitemap is how much of a page is looked at to tell whether it is an XML sitemap.
const sniffSitemap = 1 << 10

// IsSitemap tells whether a page is an XML sitemap or a sitemap index, plain or gzipped, by its first KiB. Feeds and lists
// of URLs do not count: they are often something else.
func IsSitemap(body []byte) bool {
	gz := bytes.HasPrefix(body, gzipMagic)
	head := body[:min(len(body), sniffSitemap)]
	if !gz && !bytes.Contains(head, []byte("urlset")) && !bytes.Contains(head, []byte("sitemapindex")) {
		return false
	}
	if gz {
		head = body
	}
	src, _, err := openSitemap(bytes.NewReader(head), "")
	if err != nil {
		return false
	}
	if gz {
		src = bufio.NewReader(io.LimitReader(src, sniffSitemap))
	}
	x := xmlScanner{r: src}
	format := x.root()
	return format == SitemapXML || format == SitemapIndex
}

// errStop ends the reading of a sitemap from which no more is wanted.
var errStop = errors.New("stop")

// sitemap collects the entries of one sitemap.
type sitemap struct {
	yield func(SitemapEntry) bool
	info  SitemapInfo
	entry SitemapEntry // at hand
	has   bool         // its Loc, or something in its place that was counted
}

func (s *sitemap) read(src *bufio.Reader) error {
	first, err := src.Peek(1)
	if err != nil {
		return notSitemap(err)
	}
	if first[0] != '<' {
		return s.readText(src)
	}
	x := xmlScanner{r: src}
	if s.info.Format = x.root(); s.info.Format == NotSitemap {
		return notSitemap(x.err)
	}
	return s.readXML(&x)
}

// notSitemap is the error of a file that ended, or failed, before it said what it is.
func notSitemap(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrNotSitemap
	}
	return err
}

// proseLines is after how many lines without a URL a text is taken for something else.
const proseLines = 20

// readText reads a list of URLs, one a line. What is there of a line when reading fails may not be all of it: it is lost.
func (s *sitemap) readText(src *bufio.Reader) error {
	s.info.Format = SitemapText
	s.emit() // nothing yet
	for {
		line, err := readLine(src, maxRun)
		ends := errors.Is(err, io.EOF)
		if err == nil || ends {
			s.line(strings.TrimSpace(strings.ToValidUTF8(string(line), "\ufffd")), len(line) == maxRun)
			if err := s.emit(); err != nil {
				return err
			}
		}
		if s.info.Entries == 0 && (err != nil || s.info.Bad >= proseLines) {
			s.info = SitemapInfo{}
			return notSitemap(err)
		}
		if ends {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *sitemap) line(text string, cut bool) {
	if strings.HasPrefix(text, "www.") {
		text = "//" + text // it happens
	}
	if text != "" {
		s.loc(text, cut)
	}
}

// readLine returns the next line, its first bytes if it is longer than limit. An error can come with a last line.
func readLine(r *bufio.Reader, limit int) (line []byte, err error) {
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece[:min(len(piece), limit-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// emit yields the entry at hand, if there is one, and begins the next.
func (s *sitemap) emit() error {
	e, ok := s.entry, s.has && s.entry.Loc != ""
	s.entry, s.has = SitemapEntry{Priority: 0.5, Sitemap: s.info.Format == SitemapIndex}, false
	if !ok {
		return nil
	}
	if s.info.Entries == MaxSitemapURLs {
		s.info.Truncated = true
		return errStop
	}
	s.info.Entries++
	if !s.yield(e) {
		return errStop
	}
	return nil
}

// loc takes the URL of the entry at hand, of which there may have been more. One that is none is counted instead.
func (s *sitemap) loc(text string, cut bool) {
	s.has, s.entry.Loc = true, ""
	switch {
	case !isLoc(text):
		s.info.Bad++
	case cut || len(text) > MaxLoc:
		s.info.TooLong++
	default:
		s.entry.Loc = text
		return
	}
	if s.info.Example == "" {
		s.info.Example = strings.ToValidUTF8(text[:min(len(text), MaxLoc)], "")
	}
}

// isLoc tells what can be the URL of a page. A reference that is relative to the sitemap is none by the standard, and in
// truth it is nearly always something else: an entity that nobody defined, a word of a text.
func isLoc(s string) bool {
	if strings.HasPrefix(s, "/") {
		return true
	}
	scheme, _, ok := strings.Cut(s[:min(len(s), len("https://"))], "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// set takes a property of the entry at hand.
func (s *sitemap) set(p property, text string) {
	switch p {
	case propLastMod:
		s.entry.LastMod = parseTime(text)
	case propChangeFreq:
		s.entry.ChangeFreq = strings.ToLower(text[:min(len(text), len("hourly..."))])
	case propPriority:
		if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 && n <= 1 {
			s.entry.Priority = n
		}
	}
}

// timeLayouts are those of W3C-DTF, with the ways in which sites get it wrong, and of RSS.
var timeLayouts = []string{
	time.RFC3339, "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01", "2006", time.RFC1123Z, time.RFC1123, "2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
}

func parseTime(text string) time.Time {
	if len(text) > 64 {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
