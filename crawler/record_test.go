package crawler

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestARecordIDIsStableAndItsOwn(t *testing.T) {
	t.Parallel()
	// Written down: ids are in people's files, so they may never change.
	const want = "lcg4jcez3bsrxnwnyylqia7ktu"
	if got := RecordID("crawl", "http://a.example/", 0); got != want {
		t.Errorf("id %q, want %q", got, want)
	}
	seen := make(map[string]bool)
	for _, crawl := range []string{"a", "ab"} {
		for _, key := range []string{"http://a.example/", "http://a.example/1", "bhttp://a.example/"} {
			for generation := range 12 {
				seen[RecordID(crawl, key, generation)] = true
			}
		}
	}
	if len(seen) != 2*3*12 {
		t.Errorf("%d ids for %d visits", len(seen), 2*3*12)
	}
}

func TestADigestIsThatOfWebArchives(t *testing.T) {
	t.Parallel()
	// The digest of the empty body, known from every WARC file.
	if got, want := Digest(nil), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"; got != want {
		t.Errorf("digest %q, want %q", got, want)
	}
}

func TestRetryAfterIsReadAndClamped(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"soon":                           0,
		"-1":                             0,
		"1.5":                            0,
		"+5":                             0,
		"0":                              time.Second,
		" 120 ":                          2 * time.Minute,
		"86401":                          24 * time.Hour,
		strings.Repeat("9", 100):         24 * time.Hour,
		"Fri, 20 Nov 2026 12:01:00 GMT":  time.Minute,
		"Fri, 20 Nov 2026 11:00:00 GMT":  time.Second,
		"Fri, 20 Nov 2099 11:00:00 GMT":  24 * time.Hour,
		"Friday, 20-Nov-26 12:02:00 GMT": 2 * time.Minute,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Fri, 20 Nov 2026 12:01:00 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		d := RetryAfter(http.Header{"Retry-After": {value}}, time.Now())
		if d != 0 && (d < minRetryAfter || d > maxRetryAfter) {
			t.Errorf("%q: %v", value, d)
		}
	})
}

func FuzzContentEncoding(f *testing.F) {
	f.Add("gzip", "")
	f.Add("br, gzip", "ZSTD")
	f.Fuzz(func(t *testing.T, a, b string) {
		switch e, err := contentEncoding(http.Header{"Content-Encoding": {a, b}}); {
		case err != nil && e != "":
			t.Errorf("%q and error %v", e, err)
		case e != "" && e != "gzip" && e != "br" && e != "zstd":
			t.Errorf("encoding %q", e)
		}
	})
}
