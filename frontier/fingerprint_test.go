package frontier

import (
	"strings"
	"testing"
)

func TestFingerprintIsOfTheKeyUnderTheSecret(t *testing.T) {
	t.Parallel()
	one, other := NewFingerprints([16]byte{1}, nil), NewFingerprints([16]byte{15: 1}, nil)
	u := mustParse(t, "http://example.com/?a&b")
	if one.Of(u) != one.Of(mustParse(t, "http://example.com/?b&a&utm_id=1")) {
		t.Error("URLs with the same key have different fingerprints")
	}
	if one.Of(u) == one.Of(mustParse(t, "http://example.com/?a&c")) {
		t.Error("URLs with different keys have the same fingerprint")
	}
	if one.Of(u) == other.Of(u) {
		t.Error("the secret does not matter")
	}
}

// A changed fingerprint would make every crawl kept on disk forget what it has seen.
func TestFingerprintStaysWhatItWas(t *testing.T) {
	t.Parallel()
	secret := [16]byte([]byte("0123456789abcdef"))
	for raw, want := range map[string]uint64{
		"http://example.com/": 0x7933effd4e496ee1,
		"https://example.com/" + strings.Repeat("long/", 100): 0x124de250b4aed6cb,
	} {
		if got := NewFingerprints(secret, nil).Of(mustParse(t, raw)); got != want {
			t.Errorf("%.40s: got %#x; want %#x", raw, got, want)
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	fps := NewFingerprints([16]byte{1}, nil)
	for name, raw := range map[string]string{
		"path": "https://example.com/guide/intro/start.html", "query": "https://example.com/list?page=2&q=word&sort=asc",
	} {
		u := mustParse(b, raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fps.Of(u)
			}
		})
	}
}
