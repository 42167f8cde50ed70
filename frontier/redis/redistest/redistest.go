// Package redistest starts Redis for tests: a server, a Cluster, a master watched by sentinels. All of them are private
// to their test, on loopback or on a socket, keep their files in a folder of their own, and die with the test, or with
// the process that runs it.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// patience is how long a server may take to do what it is told.
const patience = 20 * time.Second

// maxSocket is how long the path of a socket may be; a test's folder can be longer.
const maxSocket = 100

// Options are those of a server.
type Options struct {
	Dir  string   // for its files; default a new one of the test's
	TCP  bool     // a port of loopback instead of a socket
	TLS  bool     // that port speaks TLS, see Server.CA; clients need no certificate
	Args []string // more options of redis-server

	sentinel bool
}

// Server is a running redis-server.
type Server struct {
	Dir  string
	Addr string // host:port, or the path of its socket
	CA   string // file of the authority that signed its certificate, with Options.TLS

	tcp  bool
	args []string

	mu      sync.Mutex
	process *exec.Cmd
	gone    chan struct{} // closed when the process has ended
}

// Start starts a server and waits until it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Launch(o)
	if err != nil {
		t.Fatalf("these tests need redis-server (Debian: apt install redis-server): %v", err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Launch is Start without a test, in o.Dir. The caller kills the server.
func Launch(o Options) (*Server, error) {
	var err error
	for range 3 { // somebody else may have taken the port
		var s *Server
		if s, err = newServer(o); err != nil {
			return nil, err
		}
		if err = s.start(); err == nil {
			return s, nil
		}
		s.Kill()
	}
	return nil, err
}

func newServer(o Options) (*Server, error) {
	socket := filepath.Join(o.Dir, "redis.sock")
	s := &Server{Dir: o.Dir, tcp: o.TCP || o.TLS || len(socket) > maxSocket}
	s.args = []string{"--save", "", "--appendonly", "no", "--dir", o.Dir, "--logfile", filepath.Join(o.Dir, "redis.log")}
	if !s.tcp {
		s.Addr = socket
		s.args = append(s.args, "--port", "0", "--unixsocket", s.Addr)
	} else if err := s.usePort(o); err != nil {
		return nil, err
	}
	s.args = append(s.args, o.Args...)
	if o.sentinel {
		config := filepath.Join(o.Dir, "sentinel.conf")
		_, port, _ := net.SplitHostPort(s.Addr)
		text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %q\nlogfile sentinel.log\n%s\n", port, o.Dir, strings.Join(o.Args, "\n"))
		s.args = []string{config, "--sentinel"}
		return s, os.WriteFile(config, []byte(text), 0o600)
	}
	return s, nil
}

func (s *Server) usePort(o Options) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	s.args = append(s.args, "--bind", "127.0.0.1")
	if !o.TLS {
		s.args = append(s.args, "--port", port)
		return nil
	}
	cert, err := writeCertificates(o.Dir)
	if err != nil {
		return err
	}
	s.CA = cert.ca
	s.args = append(s.args, "--port", "0", "--tls-port", port, "--tls-auth-clients", "optional",
		"--tls-cert-file", cert.cert, "--tls-key-file", cert.key, "--tls-ca-cert-file", cert.ca)
	return nil
}

// freePort is a port of loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// start starts the process, and waits until it takes connections.
func (s *Server) start() error {
	process := exec.Command("redis-server", s.args...)
	process.SysProcAttr = mortal()
	if err := process.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() { // ends with the process, which Kill waits for
		process.Wait()
		close(gone)
	}()
	s.mu.Lock()
	s.process, s.gone = process, gone
	s.mu.Unlock()
	return Eventually(func() error {
		select {
		case <-gone:
			text, _ := os.ReadFile(filepath.Join(s.Dir, "redis.log"))
			return errEnd{fmt.Errorf("redis-server ended: %s", text)}
		default:
		}
		c, err := net.Dial(s.network(), s.Addr)
		if err == nil {
			c.Close()
		}
		return err
	})
}

func (s *Server) network() string {
	if s.tcp {
		return "tcp"
	}
	return "unix"
}

// Kill kills the server, as kill -9 does.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	s.process.Process.Kill()
	<-s.gone
	s.process = nil
}

// Restart kills the server if it runs, and starts it again on its files.
func (s *Server) Restart() error {
	s.Kill()
	return s.start()
}

// Stop freezes the server.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Cont lets a frozen server go on.
func (s *Server) Cont() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(what syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Process.Signal(what)
	}
}

// URL is the address of the server, for redis.Open.
func (s *Server) URL() string {
	switch {
	case s.CA != "":
		return "rediss://" + s.Addr + "?ca=" + s.CA
	case s.tcp:
		return "redis://" + s.Addr
	}
	return "unix://" + s.Addr
}

// Client is a client of the server's own, without TLS. It is closed with the test.
func (s *Server) Client(t testing.TB) *goredis.Client {
	c := s.client()
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *Server) client() *goredis.Client {
	return goredis.NewClient(&goredis.Options{Network: s.network(), Addr: s.Addr, MaxRetries: -1, DisableIdentity: true})
}

// do runs a command, and ends the test if it fails.
func (s *Server) do(t testing.TB, args ...any) any {
	t.Helper()
	c := s.client()
	defer c.Close()
	reply, err := c.Do(context.Background(), args...).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		t.Fatalf("%s: %v: %v", s.Addr, args, err)
	}
	return reply
}

// errEnd is an error that trying again does not mend.
type errEnd struct{ error }

// Eventually tries until it works, for twenty seconds.
func Eventually(try func() error) error {
	end := time.After(patience)
	for tick := time.Tick(5 * time.Millisecond); ; {
		err := try()
		if _, hopeless := errors.AsType[errEnd](err); err == nil || hopeless {
			return err
		}
		select {
		case <-tick:
		case <-end:
			return err
		}
	}
}

// Follow starts a replica of the server, and waits until it follows.
func (s *Server) Follow(t testing.TB) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	replica := Start(t, Options{TCP: true, Args: []string{"--replicaof", host, port}})
	waitInfo(t, s, ",state=online,", 1)
	return replica
}
