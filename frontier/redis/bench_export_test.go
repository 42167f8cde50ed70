package redis

import "trawl/frontier"

// ForgetLinks empties the seen cache.
func (s *Store) ForgetLinks() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	clear(s.cache.sets)
}

// Unknown counts those links that an ack would offer to the server.
func (s *Store) Unknown(links []frontier.Entry) (n int) {
	for _, o := range s.offers(links) {
		if !s.cache.has(s.runID(), o.fp) {
			n++
		}
	}
	return n
}
