package disk

import (
	"context"

	"trawl/frontier"
)

// Push implements frontier.Frontier.
func (s *Store) Push(ctx context.Context, entries []frontier.Entry) (int, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	added := s.accept(entries)
	return added, s.end()
}

// accept takes in what is new and under the caps.
func (s *Store) accept(entries []frontier.Entry) (added int) {
	s.accepts++ // so every host begins another chunk: those of earlier calls are sealed
	for i := range entries {
		e := &entries[i]
		fp := s.print(e.URL)
		if s.seen.has(fp) {
			continue
		}
		h := s.host(e.URL.Host())
		if reason := s.overCap(h, e.Priority); reason != "" {
			s.refuse(reason, 1, e.URL.String())
			continue // not seen: it is accepted when it is found again and there is room
		}
		s.see(fp)
		if h.id == 0 { // now: a host of which every URL was refused is none
			s.stats.Hosts++
			s.hostIDs++
			h.id = s.hostIDs
			s.order = append(s.order, h)
		}
		h.accepted++
		s.enqueue(h, e, 0)
		if e.Seed {
			s.batch.seeds = append(s.batch.seeds, *e)
			s.changed()
		}
		added++
	}
	s.sealOpen()
	return added
}

// host finds a host, or makes it.
func (s *Store) host(name frontier.Host) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{name: name, failures: -1}
		s.hosts[name] = h
	}
	return h
}

// overCap tells which cap keeps one more URL of a host out. For max-host-pages dead URLs count too, refused ones do not.
func (s *Store) overCap(h *host, of frontier.Priority) frontier.Reason {
	p := &s.crawl.Policy
	switch {
	case p.MaxHostPages > 0 && h.accepted >= p.MaxHostPages:
		return frontier.HostPagesCap
	case h.waiting >= p.QueueRoom(of):
		return frontier.HostQueueCap
	}
	return ""
}

// refuse counts links that were not accepted and keeps an example: of each reason one a commit, the latest.
func (s *Store) refuse(reason frontier.Reason, n int, example string) {
	s.stats.Refused[reason] += int64(n)
	s.batch.examples[reason] = example
}

// print is the fingerprint of a URL, as far as it counts.
func (s *Store) print(u frontier.URL) uint64 { return s.prints.mask(s.fp.Of(u)) }

// see and forget change memory and note it for the file in the same order, for one may undo the other.
func (s *Store) see(fp uint64) {
	s.seen.add(fp)
	s.stats.Seen++
	s.batch.note(fp, false)
}

func (s *Store) forget(fp uint64) {
	s.seen.remove(fp)
	s.stats.Seen--
	s.batch.note(fp, true)
}

// changed raises the version: workers are to know of it before they go on.
func (s *Store) changed() {
	s.crawl.Version++
	s.batch.meta = true
}

// enqueue puts a URL at the end of its host's line, as if it had never been tried. The caller seals what it opens.
func (s *Store) enqueue(h *host, e *frontier.Entry, generation int) {
	of := origin{host: h, priority: min(e.Priority, frontier.MaxPriority), depth: e.Depth, hops: e.Hops, seed: e.Seed,
		sitemap: e.Sitemap, generation: generation, via: e.Via}
	if h.openFor != s.accepts || h.open.origin != of || h.open.n == chunkMax {
		s.openChunk(h, of)
	}
	h.open.add(e.URL.Path())
	h.waiting++
	s.stats.Queued++
	s.batch.touch(h)
	s.makeReady(h)
}

// openChunk starts a chunk at the end of h's line.
func (s *Store) openChunk(h *host, of origin) {
	s.ids++
	c := &chunk{origin: of, id: s.ids}
	h.lines[of.priority].push(c)
	h.open, h.openFor = c, s.accepts
	s.batch.change(c)
	s.opened = append(s.opened, c)
}

// sealOpen ends the open chunks. No batch takes an open one, since it runs before the lock is given up.
func (s *Store) sealOpen() {
	for _, c := range s.opened {
		c.seal()
		s.inRAM += int64(len(c.text))
	}
	s.opened = s.opened[:0]
}

// makeReady puts an idle host with URLs in line among those that can be lent. Who became due first goes first.
func (s *Store) makeReady(h *host) {
	if h.ready || h.live() || !h.queued() {
		return
	}
	h.ready = true
	line := 0
	if h.failures != 0 { // it is a stranger: see nextHost
		line = 1
	}
	s.ready[line].push(max(h.next, s.clock), h)
}
