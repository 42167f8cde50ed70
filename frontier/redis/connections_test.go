package redis_test

import (
	"fmt"
	"testing"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// BenchmarkConnections tells how many calls a second a process gets through so many connections, with 64 callers that
// push 40 URLs, and with and without waiting for a replica. It is where maxConns comes from.
func BenchmarkConnections(b *testing.B) {
	for _, durability := range []string{"none", "wait"} {
		for _, n := range []int{1, 2, 4, 8, 16} {
			b.Run(fmt.Sprintf("%s, %d connections", durability, n), func(b *testing.B) {
				master := redistest.Start(b, redistest.Options{TCP: true, Args: []string{"--repl-diskless-sync-delay", "0"}})
				master.Follow(b)
				s, err := redis.Open(b.Context(), master.URL(), redis.Config{Create: true, Durability: durability})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				s.Limit(n)
				b.SetParallelism(32)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					list := make([]frontier.Entry, 40)
					for i := range list {
						list[i] = page(i/10, i)
					}
					for pb.Next() {
						if _, err := s.Push(b.Context(), list); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			})
		}
	}
}
