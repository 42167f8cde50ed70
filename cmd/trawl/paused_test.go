package main

import (
	"syscall"
	"testing"
)

func TestAPausedCrawlSaysSo(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	t.Run("alone", func(t *testing.T) {
		dir := t.TempDir()
		crawl(t, dir, append(server.Seeds(), "--max-pages", "10")...)
		if r := call(t, dir, "pause"); r.code != exitDone {
			t.Fatalf("%+v", r)
		}
		isMistake(t, call(t, dir, quick("--max-pages", "20")...), exitFailed, "paused", "trawl resume")
	})
	t.Run("in a fleet", func(t *testing.T) {
		f := newFleet(t)
		f.seed(append(server.Seeds(), "--paused")...)
		w := f.worker("w")
		await(t, "a word", func() bool { return w.err.String() != "" })
		mentions(t, w.err.String(), "paused", "trawl resume")
		w.signal(t, syscall.SIGTERM)
		w.end(t)
	})
}
