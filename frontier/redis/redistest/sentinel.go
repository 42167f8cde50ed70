package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// Sentinels watch a master with a replica. A master that is gone for a second is replaced.
type Sentinels struct {
	Master, Replica *Server // at the start
	Watchers        []*Server
}

// MasterName is what the sentinels call the master.
const MasterName = "crawls"

// StartSentinel starts a master, its replica and three sentinels.
func StartSentinel(t testing.TB, args ...string) *Sentinels {
	t.Helper()
	args = append([]string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, args...)
	s := &Sentinels{Master: Start(t, Options{TCP: true, Args: args})}
	host, port, _ := net.SplitHostPort(s.Master.Addr)
	s.Replica = Start(t, Options{TCP: true, Args: append(args, "--replicaof", host, port)})
	for range 3 {
		s.Watchers = append(s.Watchers, Start(t, Options{TCP: true, sentinel: true, Args: []string{
			fmt.Sprintf("sentinel monitor %s %s %s 2", MasterName, host, port),
			"sentinel down-after-milliseconds " + MasterName + " 1000",
			"sentinel failover-timeout " + MasterName + " 4000",
		}}))
	}
	waitInfo(t, s.Master, ",state=online,", 1)
	for _, w := range s.Watchers {
		err := Eventually(func() error {
			text := fmt.Sprint(w.do(t, "INFO", "sentinel"))
			if !strings.Contains(text, "slaves=1,sentinels=3") {
				return fmt.Errorf("%s: %s", w.Addr, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// URL is the address of the master, for redis.Open.
func (s *Sentinels) URL() string {
	return "redis-sentinel://" + addresses(s.Watchers) + "/" + MasterName
}
