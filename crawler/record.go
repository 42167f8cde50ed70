package crawler

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// Record is what is known of a settled URL: one line of pages.jsonl. Numbers, ID, URL, Host and FetchedAt are always
// written; the other fields only when they say something.
type Record struct {
	ID          string    `json:"id"`         // RecordID: the same for every record of one visit
	URL         string    `json:"url"`        // as fetched
	Host        string    `json:"host"`       // scheme and authority
	Status      int       `json:"status"`     // of HTTP; 0: there was no response
	FetchedAt   time.Time `json:"fetched_at"` // when the request was sent; written in UTC, with milliseconds
	DurationMS  int64     `json:"duration_ms"`
	Depth       int       `json:"depth"`
	Attempt     int       `json:"attempt"` // earlier attempts that failed
	Length      int64     `json:"length"`  // of the decoded body, in bytes
	Via         string    `json:"via,omitempty"`
	Redirect    string    `json:"redirect,omitempty"` // where the response leads, absolute
	ContentType string    `json:"content_type,omitempty"`
	Charset     string    `json:"charset,omitempty"`
	Digest      string    `json:"digest,omitempty"` // Digest of the decoded body
	Title       string    `json:"title,omitempty"`
	Truncated   bool      `json:"truncated,omitempty"` // the body was longer than is kept, or had too many links or fields
	Links       []string  `json:"links,omitempty"`     // absolute
	// Fields are what was extracted from the page by the user's rules.
	Fields map[string][]string `json:"fields,omitempty"`
	Error  *RecordError        `json:"error,omitempty"`
	Worker string              `json:"worker,omitempty"`
}

// RecordError says why a URL was given up, or a sitemap could not be read to its end.
type RecordError struct {
	Kind   string `json:"kind"` // a Kind, or another short fixed word
	Detail string `json:"detail,omitempty"`
}

// base32 in lower case: 26 characters for 128 bits, safe in file names and easy to select with a double click.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// RecordID names one visit of a URL: the dedupe key of the URL, and how many times it had been settled before. A page
// that is written twice because its worker died before the ack gets the same id, so readers can drop the repeat.
func RecordID(crawlID, key string, generation int) string {
	h := sha256.New()
	// A NUL occurs in none of the three, so different triples never hash the same bytes.
	h.Write([]byte(crawlID + "\x00" + key + "\x00" + strconv.Itoa(generation)))
	var sum [sha256.Size]byte
	return idEncoding.EncodeToString(h.Sum(sum[:0])[:16])
}

// Digest is "sha1:" and the SHA-1 of a body in base32, as web archives write it.
func Digest(body []byte) string {
	sum := sha1.Sum(body)
	var b strings.Builder
	b.Grow(len("sha1:") + base32.StdEncoding.EncodedLen(len(sum)))
	b.WriteString("sha1:")
	b.WriteString(base32.StdEncoding.EncodeToString(sum[:]))
	return b.String()
}
