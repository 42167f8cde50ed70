package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// locate finds the server that holds the crawl now.
func (l *link) locate(ctx context.Context) (string, error) {
	switch l.place.scheme {
	case sentinelScheme:
		return l.ask(ctx, l.askSentinel)
	case clusterScheme:
		return l.ask(ctx, l.askNode)
	}
	return l.place.nodes[0], nil
}

// maxNodes is how many nodes of a Cluster are remembered.
const maxNodes = 100

// ask asks the nodes in turn. The one that answered is asked first the next time.
func (l *link) ask(ctx context.Context, question func(ctx context.Context, node string) (string, []string, error)) (string, error) {
	var failed error
	for _, node := range l.nodes { // only whoever has the turn uses them
		limited, cancel := context.WithTimeout(ctx, nodeTimeout)
		server, more, err := question(limited, node)
		cancel()
		if err == nil {
			l.remember(node, more)
			return server, nil
		}
		// A setting that is wrong explains more than a node that is away.
		if m := (*misfit)(nil); failed == nil || errors.As(err, &m) {
			failed = answered(err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", failed
}

// answered is an error of a node that was asked. But for its rights nobody can say whether it stays so.
func answered(err error) error {
	for _, word := range []string{"NOAUTH", "WRONGPASS", "NOPERM"} {
		if strings.Contains(err.Error(), word) {
			return err
		}
	}
	if _, remote := errors.AsType[goredis.Error](err); remote {
		return errors.New(err.Error())
	}
	return err
}

// remember keeps those that were given by name, too: all others may be replaced while we are not looking.
func (l *link) remember(first string, more []string) {
	nodes := append([]string{first}, more...)
	for _, n := range append(l.nodes, l.place.nodes...) {
		if !slices.Contains(nodes, n) && (len(nodes) < maxNodes || slices.Contains(l.place.nodes, n)) {
			nodes = append(nodes, n)
		}
	}
	l.nodes = nodes
}

// askSentinel asks a sentinel for the master.
func (l *link) askSentinel(ctx context.Context, node string) (string, []string, error) {
	opt := l.askOptions(node)
	opt.Username, opt.Password = l.place.sentinelUser, l.place.sentinelPassword
	c := goredis.NewSentinelClient(opt)
	defer c.Close()
	pair, err := c.GetMasterAddrByName(ctx, l.place.master).Result()
	switch {
	case errors.Is(err, goredis.Nil):
		return "", nil, misfitf("sentinel %s knows no master %q", node, l.place.master)
	case err != nil && strings.Contains(err.Error(), "unknown command"):
		return "", nil, misfitf("%s is no sentinel: is redis:// meant?", node)
	case err != nil:
		return "", nil, fmt.Errorf("sentinel %s: %w", node, err)
	case len(pair) != 2:
		return "", nil, fmt.Errorf("sentinel %s: %w", node, errReply)
	}
	return net.JoinHostPort(pair[0], pair[1]), nil, nil
}

// askNode asks a node of a Cluster for the owner of the crawl's slot, and for the other nodes.
func (l *link) askNode(ctx context.Context, node string) (server string, nodes []string, err error) {
	c := goredis.NewClient(l.askOptions(node)) // for one question: the node may not be the one that we work with
	defer c.Close()
	ranges, err := c.ClusterSlots(ctx).Result() //nolint:staticcheck // its successor needs Redis 7
	switch {
	case err != nil && strings.Contains(err.Error(), "cluster support disabled"):
		return "", nil, misfitf("%s is in no Cluster: use redis:// or rediss://", node)
	case err != nil:
		return "", nil, fmt.Errorf("node %s: %w", node, err)
	}
	host, _, _ := net.SplitHostPort(node)
	want := slot(l.keys[0])
	for _, r := range ranges {
		for i, n := range r.Nodes {
			if at, port, _ := net.SplitHostPort(n.Addr); at == "" || at == "?" {
				n.Addr = net.JoinHostPort(host, port) // the node does not know by which name it is reached
			}
			if i == 0 && r.Start <= want && want <= r.End {
				server = n.Addr
			}
			if !slices.Contains(nodes, n.Addr) && n.Addr != node {
				nodes = append(nodes, n.Addr)
			}
		}
	}
	if server == "" {
		return "", nil, fmt.Errorf("node %s: no server has slot %d, that of the crawl", node, want)
	}
	return server, nodes, nil
}

// askOptions are those of a client for one question.
func (l *link) askOptions(node string) *goredis.Options {
	opt := baseOptions(l.place)
	opt.Addr, opt.PoolSize = node, 1
	opt.ReadTimeout, opt.WriteTimeout, opt.DialTimeout = nodeTimeout, nodeTimeout, nodeTimeout
	opt.Dialer = l.place.dial
	return opt
}

// slot is the slot of a key in a Cluster: CRC16 (XMODEM) of what is within the first braces.
func slot(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}

// dial connects to a server, a node or a sentinel.
func (a *address) dial(ctx context.Context, network, server string) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, network, server)
	if err != nil || a.tls == nil {
		return raw, err
	}
	config := a.tls.Clone()
	config.ServerName, _, _ = net.SplitHostPort(server)
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, explainTLS(server, err)
	}
	return c, nil
}

// explainTLS says what to do about a handshake that failed.
func explainTLS(server string, err error) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return misfitf("%s does not speak TLS: use redis://, or leave out tls=true", server)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return misfitf("TLS to %s: %v; give the CA that signed it with ca=FILE", server, err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return misfitf("TLS to %s: %v", server, err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("TLS to %s: no answer in time: does this port speak TLS?", server)
	}
	return fmt.Errorf("TLS to %s: %w", server, err)
}
