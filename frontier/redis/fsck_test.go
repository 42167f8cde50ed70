package redis_test

import (
	"context"
	"fmt"
	"testing"

	"trawl/frontier/redis"
)

// fsck checks that all that is kept of a crawl fits together.
func fsck(t testing.TB, s *redis.Store, crawl string) {
	t.Helper()
	found, err := s.Check(context.Background(), false) // it runs when the test's own context has ended
	if err != nil || len(found) > 0 {
		t.Errorf("check of %s: %q, %v", crawl, found, err)
	}
}

// crawl is a new crawl of the test's own, checked at its end.
func crawl(t testing.TB, url string, cfg redis.Config) *redis.Store {
	t.Helper()
	cfg.Crawl, cfg.Create = fmt.Sprintf("own-%d", crawls.Add(1)), true
	s, err := redis.Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		fsck(t, s, cfg.Crawl)
		s.Close()
	})
	return s
}
