package crawler

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trawl/parser"
)

// ruled returns a cache with a ruling on https://a.test.
func ruled(t testing.TB, c RobotsConfig, file string, life time.Duration) (*Robots, *Ruling) {
	t.Helper()
	if c.Token == "" {
		c.Token = "trawl"
	}
	r, err := NewRobots(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return r, learned(parser.ParseRobots([]byte(file), c.Token), len(file), life)
}

const noteMax = 512 << 10

func TestManyRulesWithStarsAreHeavy(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]bool{"Disallow: /a*b\n": true, "Disallow: /a\n": false} {
		for n, want := range map[int]bool{heavyRules: false, heavyRules + 1: want} {
			if _, r := ruled(t, RobotsConfig{}, "User-agent: *\n"+strings.Repeat(rule, n), time.Hour); r.IsHeavy() != want {
				t.Errorf("%d times %q: heavy %v", n, rule, r.IsHeavy())
			}
		}
	}
}

func TestANoteSaysWhatTheRulingSays(t *testing.T) {
	t.Parallel()
	long := "User-agent: *\nDisallow: /other\nUser-agent: trawl\nDisallow: /a*b$ # why\nCrawl-delay: 0.3\nSitemap: https://a.test/s\n"
	for i := range 1000 {
		long += fmt.Sprintf("Disallow: /folder/%d\n", i)
	}
	for name, file := range map[string]string{"none": "", "short": "User-agent: *\nDisallow: /a*b$", "long": long} {
		r, ruling := ruled(t, RobotsConfig{}, file, time.Hour)
		note := r.Note(ruling, noteMax)
		if len(note) > 64 && len(note) > len(file)/2 {
			t.Errorf("%s: %d bytes for %d", name, len(note), len(file))
		}
		other, _ := ruled(t, RobotsConfig{}, "", 0)
		got, fresh := other.Adopt("https://a.test", note, time.Minute)
		if !fresh {
			t.Fatalf("%s: not fresh", name)
		}
		if cached, ok := other.Cached("https://a.test"); !ok || cached != got {
			t.Errorf("%s: it is not kept", name)
		}
		for _, path := range []string{"/", "/a/b", "/folder/999", "/other"} {
			want, line := ruling.Allowed(path)
			if ok, again := got.Allowed(path); ok != want || line != again {
				t.Errorf("%s: %s: %v by %q, want %v by %q", name, path, ok, again, want, line)
			}
		}
		if got.CrawlDelay() != ruling.CrawlDelay() || !slices.Equal(got.Sitemaps(), ruling.Sitemaps()) || got.Failures() != 0 {
			t.Errorf("%s: %v %q", name, got.CrawlDelay(), got.Sitemaps())
		}
	}
}

func TestANoteSaysWhetherTheSitemapsWereAnnounced(t *testing.T) {
	for _, lines := range []int{1, 100} { // a short one, and one that is deflated
		synctest.Test(t, func(t *testing.T) {
			r, ruling := ruled(t, RobotsConfig{}, strings.Repeat("Sitemap: /s\n", lines), time.Hour)
			r.rulings.set("https://a.test", ruling, 1)
			after := r.Mark("https://a.test", ruling, Marks{Announced: true})
			if cached, _ := r.Cached("https://a.test"); cached != after {
				t.Error("it is not kept")
			}
			for _, told := range []*Ruling{ruling, after} {
				other, _ := ruled(t, RobotsConfig{}, "", 0)
				got, fresh := other.Adopt("https://a.test", r.Note(told, noteMax), 0)
				if !fresh || got.Marks() != told.marks || len(got.Sitemaps()) != lines {
					t.Errorf("fresh %v, marks %+v, %d sitemaps", fresh, got.Marks(), len(got.Sitemaps()))
				}
			}
			if a, b := len(r.Note(ruling, noteMax)), len(r.Note(after, noteMax)); a != b {
				t.Errorf("%d bytes, %d before", b, a)
			}
		})
	}
}

func TestANoteServesUntilItIsAsOldAsTheCacheTime(t *testing.T) {
	for _, test := range []struct {
		law                             string
		life, wait, age, keep, wantLeft time.Duration // wait: before the note is made
		fresh, known                    bool
	}{
		{"one just made", 12 * time.Hour, 0, 0, 0, 12 * time.Hour, true, true},
		{"its age counts", 12 * time.Hour, 0, 5 * time.Hour, 0, 7 * time.Hour, true, true},
		{"and that of the rules before", 12 * time.Hour, time.Hour, 5 * time.Hour, 0, 6 * time.Hour, true, true},
		{"the site may have wanted less", 10 * time.Minute, time.Minute, time.Minute, 0, 8 * time.Minute, true, true},
		{"as may the reader", 12 * time.Hour, time.Hour, time.Hour, 3 * time.Hour, time.Hour, true, true},
		{"it ends at the cache time", 12 * time.Hour, 0, 12 * time.Hour, 0, 0, false, true},
		{"an old one is not fresh", 12 * time.Hour, 0, 24 * time.Hour, 0, -12 * time.Hour, false, true},
		{"one over 24 h is none", 12 * time.Hour, 0, 24*time.Hour + 1, 0, 0, false, false},
		{"as when the rules are", 12 * time.Hour, time.Hour, 23*time.Hour + 1, 0, 0, false, false},
	} {
		t.Run(test.law, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, ruling := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /", test.life)
				time.Sleep(test.wait)
				note := r.Note(ruling, noteMax)
				reader, _ := ruled(t, RobotsConfig{Keep: test.keep}, "", 0)
				got, fresh := reader.Adopt("https://a.test", note, test.age)
				if fresh != test.fresh || (got != nil) != test.known {
					t.Fatalf("fresh %v, known %v", fresh, got != nil)
				}
				if test.known && time.Until(got.Expires()) != test.wantLeft {
					t.Errorf("serves for %v, want %v", time.Until(got.Expires()), test.wantLeft)
				}
			})
		})
	}
}

func TestAnOldNoteServesWhileTheOriginDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		f, wait := local(t, func(w http.ResponseWriter, _ *http.Request) { requests.Add(1); w.WriteHeader(503) })
		defer wait()
		r := newRobots(t, f)
		writer, ruling := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /private", 12*time.Hour)
		note := writer.Note(ruling, noteMax)
		get(t, r, "http://a.example") // in vain
		if _, fresh := r.Adopt("http://a.example", note, 23*time.Hour); fresh {
			t.Error("an old note is fresh")
		}
		got := get(t, r, "http://a.example")
		public, _ := got.Allowed("/public")
		private, _ := got.Allowed("/private")
		if !public || private || got.Unreachable() != nil || got.Failures() != 2 || requests.Load() != 2 {
			t.Errorf("public %v, private %v, %v, %d failures, %d requests", public, private, got.Unreachable(), got.Failures(), requests.Load())
		}
		time.Sleep(time.Hour)
		if got := get(t, r, "http://a.example"); got.Unreachable() == nil {
			t.Error("rules over a day old serve")
		}
	})
}

func TestWhatIsNewerThanANoteStays(t *testing.T) {
	t.Parallel()
	writer, old := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /", time.Hour)
	note := writer.Note(old, noteMax)
	r, ruling := ruled(t, RobotsConfig{}, "", time.Hour)
	r.rulings.set("https://a.test", ruling, 1)
	if got, fresh := r.Adopt("https://a.test", note, time.Minute); got != ruling || !fresh {
		t.Errorf("%+v, fresh %v", got, fresh)
	}
}

func TestADamagedNoteSaysNothing(t *testing.T) {
	t.Parallel()
	r, ruling := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /private\n"+strings.Repeat("Disallow: /x\n", 100), time.Hour)
	note := r.Note(ruling, noteMax)
	bad := [][]byte{nil, {}, {noteVersion}, []byte("User-agent: *\nDisallow: /\n")}
	for i := range note {
		flipped := slices.Clone(note)
		flipped[i] ^= 1 << rand.IntN(8)
		bad = append(bad, flipped, note[:i])
	}
	for _, b := range bad {
		if got, _ := r.Adopt("https://a.test", b, 0); got != nil {
			t.Errorf("%q of %q was read", b, note)
		}
	}
	other, _ := ruled(t, RobotsConfig{Token: "other"}, "", 0)
	if got, _ := other.Adopt("https://a.test", note, 0); got != nil {
		t.Error("a note for another token was read")
	}
}

func TestWhatCannotBeSharedIsNoNote(t *testing.T) {
	t.Parallel()
	r, ruling := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /private\n", time.Hour)
	if note := r.Note(ruling, 20); note != nil {
		t.Errorf("%d bytes of 20", len(note))
	}
	failed := unreachable(fmt.Errorf("status 500"), time.Hour).after(ruling)
	for _, ruling := range []*Ruling{unreachable(fmt.Errorf("status 500"), time.Hour), failed} {
		if r.Note(ruling, noteMax) != nil {
			t.Errorf("%+v can be shared", ruling)
		}
	}
	// Each byte becomes three.
	_, vast := ruled(t, RobotsConfig{}, "User-agent: *\nDisallow: /"+strings.Repeat("\xff", 400<<10), time.Hour)
	if note := r.Note(vast, noteMax); note != nil {
		t.Errorf("a note of %d bytes is of rules that are longer than what is read of any", len(note))
	}
}

// FuzzRulingNote: whatever a note says, it is read within bounds, and what was read makes the same note.
func FuzzRulingNote(f *testing.F) {
	r, ruling := ruled(f, RobotsConfig{}, "User-agent: *\nDisallow: /p\nSitemap: x", time.Hour)
	f.Add(r.Note(ruling, noteMax)[noteHeader:], uint32(1))
	_, ruling = ruled(f, RobotsConfig{}, "User-agent: *\n"+strings.Repeat("Disallow: /p\n", 99), time.Hour)
	f.Add(r.Note(ruling, noteMax)[noteHeader:], uint32(1<<31))
	f.Fuzz(func(t *testing.T, body []byte, age uint32) {
		note := append([]byte{noteVersion, 0, 0, 0, 0}, body...)
		binary.LittleEndian.PutUint32(note[1:], crc32.Checksum(body, castagnoli))
		got, ok := r.readNote(note, time.Duration(age)<<16)
		if !ok {
			return
		}
		if got.size > parser.MaxRobots || time.Until(got.expires) > robotsFresh || time.Since(got.learned) > robotsStale+time.Minute {
			t.Errorf("%d bytes for %v of %v ago", got.size, time.Until(got.expires), time.Since(got.learned))
		}
		again, ok := r.readNote(r.Note(got, noteMax), 0)
		if text := got.rules.Text(); ok && again.rules.Text() != text || !ok && len(text) < noteMax/2 && time.Since(got.learned) < robotsStale {
			t.Errorf("%q became %+v", text, again)
		}
	})
}
