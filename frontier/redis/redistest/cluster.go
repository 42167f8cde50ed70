package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// Cluster is three masters, each with a replica. A master that is gone for two seconds is replaced.
type Cluster struct {
	Masters  []*Server // at the start; failovers change that
	Replicas []*Server // of the masters, in their order
}

const clusterMasters = 3

// StartCluster starts a Cluster, and waits until all of it is well.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := new(Cluster)
	for n := range 2 * clusterMasters {
		bus, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		s := Start(t, Options{TCP: true, Args: append([]string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", bus, "--repl-diskless-sync-delay", "0",
			"--cluster-config-file", "nodes.conf", "--cluster-require-full-coverage", "no", "--repl-ping-replica-period", "1",
		}, args...)})
		s.do(t, "CLUSTER", "SET-CONFIG-EPOCH", n+1)
		if n < clusterMasters {
			first, last := 16384*n/clusterMasters, 16384*(n+1)/clusterMasters-1
			s.do(t, "CLUSTER", "ADDSLOTSRANGE", first, last)
			c.Masters = append(c.Masters, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
		if n > 0 {
			host, port, _ := net.SplitHostPort(s.Addr)
			c.Masters[0].do(t, "CLUSTER", "MEET", host, port, bus)
		}
	}
	c.join(t)
	return c
}

// Servers are all of them.
func (c *Cluster) Servers() []*Server {
	return append(append([]*Server(nil), c.Masters...), c.Replicas...)
}

func (c *Cluster) join(t testing.TB) {
	t.Helper()
	c.wait(t, "cluster_known_nodes:6")
	for i, s := range c.Replicas {
		s.do(t, "CLUSTER", "REPLICATE", c.Masters[i].do(t, "CLUSTER", "MYID"))
	}
	c.wait(t, "cluster_state:ok")
	for _, s := range c.Masters {
		waitInfo(t, s, ",state=online,", 1)
	}
	for _, s := range c.Servers() { // all know all roles: else there is nobody to replace a master
		err := Eventually(func() error {
			text := fmt.Sprint(s.do(t, "CLUSTER", "NODES"))
			if n := strings.Count(text, "slave "); n != clusterMasters {
				return fmt.Errorf("%s knows %d replicas", s.Addr, n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wait waits until all servers say something of the Cluster.
func (c *Cluster) wait(t testing.TB, want string) {
	t.Helper()
	for _, s := range c.Servers() {
		err := Eventually(func() error {
			if text := fmt.Sprint(s.do(t, "CLUSTER", "INFO")); !strings.Contains(text, want) {
				return fmt.Errorf("%s: want %s:\n%s", s.Addr, want, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// waitInfo waits until the answer to INFO replication has a word so many times.
func waitInfo(t testing.TB, s *Server, word string, times int) {
	t.Helper()
	err := Eventually(func() error {
		if text := fmt.Sprint(s.do(t, "INFO", "replication")); strings.Count(text, word) != times {
			return fmt.Errorf("%s: want %d %s:\n%s", s.Addr, times, word, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// URL is the address of the Cluster, for redis.Open.
func (c *Cluster) URL() string { return "redis-cluster://" + addresses(c.Servers()) }

func addresses(servers []*Server) string {
	var list []string
	for _, s := range servers {
		list = append(list, s.Addr)
	}
	return strings.Join(list, ",")
}

// Owner is the server that has a slot now, as the first one that answers has it.
func (c *Cluster) Owner(t testing.TB, slot int) *Server {
	t.Helper()
	for _, asked := range c.Servers() {
		client := asked.client()
		ranges, err := client.ClusterSlots(t.Context()).Result() //nolint:staticcheck // its successor needs Redis 7
		client.Close()
		if err != nil {
			continue
		}
		for _, r := range ranges {
			for _, s := range c.Servers() {
				if r.Start <= slot && slot <= r.End && r.Nodes[0].Addr == s.Addr {
					return s
				}
			}
		}
	}
	t.Fatalf("no server has slot %d", slot)
	return nil
}

// Move moves a slot with all its keys to another master, as resharding does. During is called when the slot is between
// the two.
func (c *Cluster) Move(t testing.TB, slot int, from, to *Server, during func()) {
	t.Helper()
	source, target := from.do(t, "CLUSTER", "MYID"), to.do(t, "CLUSTER", "MYID")
	to.do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", source)
	from.do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	during()
	host, port, _ := net.SplitHostPort(to.Addr)
	for {
		keys, _ := from.do(t, "CLUSTER", "GETKEYSINSLOT", slot, 100).([]any)
		if len(keys) == 0 {
			break
		}
		from.do(t, append([]any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}, keys...)...)
	}
	for _, s := range []*Server{to, from} {
		s.do(t, "CLUSTER", "SETSLOT", slot, "NODE", target)
	}
}
