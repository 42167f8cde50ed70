package redis_test

import (
	"bytes"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// The clock of a server that took over may be behind: by how much, the crawl knows.
func TestAgesOfNotesByTheCrawlsClock(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	push(t, s, 1, pages(0, 1))
	l := leaseOne(t, s, 1)
	skew := func(d time.Duration) {
		t.Helper()
		if err := s.Client().HSet(t.Context(), prefixOf(t, s)+"m", "skew", d.Milliseconds()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	skew(time.Hour)
	if err := s.Remember(t.Context(), l, []byte("note")); err != nil {
		t.Fatal(err)
	}
	for ahead, want := range map[time.Duration]time.Duration{0: 0, time.Hour: 0, 3 * time.Hour: 2 * time.Hour} {
		skew(ahead)
		note, age, err := s.Recall(t.Context(), hostA)
		if err != nil || string(note) != "note" || age < want || age > want+time.Minute {
			t.Errorf("%v ahead: %q, %v old, %v; want %v", ahead, note, age, err, want)
		}
	}
	skew(time.Hour)
}

func TestNotesOfAllKinds(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	push(t, s, 1, pages(0, 1))
	l := leaseOne(t, s, 1)
	long := bytes.Repeat([]byte("\x00 \n\xff"), frontier.MaxNote/4)
	for _, want := range [][]byte{{}, []byte(" 1 2"), long} {
		err := s.Remember(t.Context(), l, want)
		if got, _, failed := s.Recall(t.Context(), hostA); err != nil || failed != nil || got == nil || !bytes.Equal(got, want) {
			t.Errorf("%.20q is %.20q, %v, %v", want, got, err, failed)
		}
	}
	if err := s.Remember(t.Context(), l, append(long, 'x')); err == nil {
		t.Errorf("a note of %d bytes was kept", len(long)+1)
	}
	if got, _, err := s.Recall(t.Context(), hostA); err != nil || len(got) != len(long) {
		t.Errorf("after one that is too long: %d bytes, %v", len(got), err)
	}
	s.Client().Set(t.Context(), prefixOf(t, s)+"n:"+string(hostA), "damaged", 0)
	if got, _, err := s.Recall(t.Context(), hostA); err != nil || got != nil {
		t.Errorf("a damaged note is %q, %v", got, err)
	}
}

// Scripts find the path of a URL behind its flags, whichever it has.
func TestExamplesOfRefusedSitemaps(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: &frontier.Policy{MaxHostPages: 1}})
	list := pages(0, 2)
	for i := range list {
		list[i].Sitemap, list[i].Depth = true, 100
	}
	push(t, s, 1, list)
	if got := s.Client().LRange(t.Context(), prefixOf(t, s)+"e:max-host-pages", 0, -1).Val(); len(got) != 1 || got[0] != "https://a.test/1" {
		t.Errorf("examples: %q", got)
	}
}
