package redis

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// address is a parsed URL of Open: where to ask for the server that has a crawl, and how to be let in.
type address struct {
	scheme string
	nodes  []string // host:port of servers, or of sentinels; one path of a socket
	master string   // its name, for the sentinels
	db     int

	user, password                 string
	sentinelUser, sentinelPassword string

	tls *tls.Config // nil: without
}

// The schemes of addresses.
const (
	plainScheme    = "redis"
	tlsScheme      = "rediss"
	unixScheme     = "unix"
	sentinelScheme = "redis-sentinel"
	clusterScheme  = "redis-cluster"
)

// addressOptions are what may follow the question mark.
var addressOptions = []string{"ca", "cert", "db", "key", "sentinel_password", "sentinel_user", "skip_verify", "tls"}

// ErrAddress is returned by Open for a URL that cannot be one of a server.
var ErrAddress = errors.New("redis URL")

// parseAddress reads a URL. What it was given may hold a password anywhere, so no error repeats it.
func parseAddress(text string) (*address, error) {
	a, err := readAddress(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return a, nil
}

func readAddress(text string) (*address, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	a := &address{scheme: scheme}
	switch scheme {
	case plainScheme, tlsScheme, unixScheme, sentinelScheme, clusterScheme:
	default:
		return nil, errors.New("it must begin with redis://, rediss://, unix://, redis-sentinel:// or redis-cluster://")
	}
	if strings.Contains(rest, "#") {
		return nil, errors.New("a # in it is written %23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	at := strings.IndexByte(rest, '/')
	if at < 0 {
		at = len(rest)
	}
	hosts, path := rest[:at], rest[at:]
	var err error
	if at = strings.LastIndexByte(hosts, '@'); at >= 0 {
		if a.user, a.password, err = readUser(hosts[:at]); err != nil {
			return nil, err
		}
		hosts = hosts[at+1:]
	}
	if err = a.readPlace(hosts, path); err != nil {
		return nil, err
	}
	return a, a.readOptions(query)
}

// readUser reads user:password.
func readUser(info string) (user, password string, err error) {
	user, password, _ = strings.Cut(info, ":")
	user, errU := url.PathUnescape(user)
	password, errP := url.PathUnescape(password)
	if errU != nil || errP != nil {
		return "", "", errors.New("a % in user or password is written %25")
	}
	return user, password, nil
}

// readPlace reads what names the server.
func (a *address) readPlace(hosts, path string) error {
	if a.scheme == unixScheme {
		if hosts != "" || path == "" {
			return errors.New("want unix:///path/to/socket; / and @ in a password are written %2F and %40")
		}
		a.nodes = []string{path}
		return nil
	}
	if strings.Contains(path, "@") {
		return errors.New("/, ? and @ in a password are written %2F, %3F and %40")
	}
	path = strings.TrimPrefix(path, "/")
	if a.scheme == sentinelScheme {
		a.master, path, _ = strings.Cut(path, "/")
		if a.master == "" {
			return errors.New("want the name of the master: redis-sentinel://host:port,host:port/master-name")
		}
	}
	if err := a.readDB(cmp.Or(path, "0")); err != nil {
		return err
	}
	return a.readHosts(hosts)
}

func (a *address) readDB(text string) (err error) {
	a.db, err = strconv.Atoi(text)
	switch {
	case err != nil || a.db < 0:
		return errors.New("the number of the database is not a number")
	case a.scheme == clusterScheme && a.db != 0:
		return errors.New("a Cluster has database 0 alone")
	}
	return nil
}

func (a *address) readHosts(hosts string) error {
	list := strings.Split(hosts, ",")
	if len(list) > 1 && a.scheme != sentinelScheme && a.scheme != clusterScheme {
		return errors.New("several servers are given with redis-sentinel:// or redis-cluster://")
	}
	for _, text := range list {
		node, err := a.readHost(text)
		if err != nil {
			return err
		}
		a.nodes = append(a.nodes, node)
	}
	return nil
}

// readHost reads host, host:port, [ipv6] or [ipv6]:port.
func (a *address) readHost(text string) (string, error) {
	port := "6379"
	if a.scheme == sentinelScheme {
		port = "26379"
	}
	host := text
	if at := strings.LastIndexByte(text, ':'); at >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:at], text[at+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("a port is a number from 1 to 65535")
	}
	if bare, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(bare, "]")
		if net.ParseIP(host) == nil {
			return "", errors.New("the address in brackets is not one of IPv6")
		}
	} else if strings.ContainsAny(host, ":[] \t") {
		return "", errors.New("host not understood; an IPv6 address stands in brackets")
	}
	if host == "" && (a.scheme == sentinelScheme || a.scheme == clusterScheme) {
		return "", errors.New("a host has no name")
	}
	return net.JoinHostPort(cmp.Or(host, "localhost"), port), nil
}

// readOptions reads what follows the question mark.
func (a *address) readOptions(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("its options are not understood")
	}
	for name := range values {
		if slices.Contains(addressOptions, name) && len(values[name]) == 1 {
			continue
		}
		what := "an option"
		if !strings.Contains(query, "@") { // else the question mark may be one of the password
			what = fmt.Sprintf("option %q", name)
		}
		return fmt.Errorf("%s is unknown, or given twice; there are %s", what, strings.Join(addressOptions, ", "))
	}
	if db := values.Get("db"); db != "" {
		if err := a.readDB(db); err != nil {
			return err
		}
	}
	a.sentinelUser, a.sentinelPassword = values.Get("sentinel_user"), values.Get("sentinel_password")
	if a.scheme != sentinelScheme && (values.Has("sentinel_user") || values.Has("sentinel_password")) {
		return errors.New("sentinel_user and sentinel_password go with redis-sentinel://")
	}
	return a.readTLS(values)
}

func (a *address) readTLS(values url.Values) error {
	with, errTLS := readBool(values.Get("tls"), a.scheme == tlsScheme)
	skip, errSkip := readBool(values.Get("skip_verify"), false)
	ca, cert, key := values.Get("ca"), values.Get("cert"), values.Get("key")
	switch {
	case errTLS != nil || errSkip != nil:
		return errors.New("tls and skip_verify are true or false")
	case !with && a.scheme == tlsScheme:
		return errors.New("rediss:// is with TLS; without it is redis://")
	case !with && (ca != "" || cert != "" || key != "" || skip):
		return errors.New("ca, cert, key and skip_verify need rediss:// or tls=true")
	case !with:
		return nil
	case a.scheme == unixScheme:
		return errors.New("a socket needs no TLS")
	}
	a.tls = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skip}
	return a.readFiles(ca, cert, key)
}

func readBool(text string, def bool) (bool, error) {
	if text == "" {
		return def, nil
	}
	return strconv.ParseBool(text)
}

// readFiles reads the authority that signs servers, and what shows who we are.
func (a *address) readFiles(ca, cert, key string) error {
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return fmt.Errorf("ca: %w", err)
		}
		a.tls.RootCAs = x509.NewCertPool()
		if !a.tls.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("ca: no certificate in %s", ca)
		}
	}
	if cert == "" && key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("cert and key: %w", err)
	}
	a.tls.Certificates = []tls.Certificate{pair}
	return nil
}

// network is what a dialer wants to know beside the address.
func (a *address) network() string {
	if a.scheme == unixScheme {
		return "unix"
	}
	return "tcp"
}

// String is the address without all that is secret.
func (a *address) String() string {
	s := a.scheme + "://" + strings.Join(a.nodes, ",")
	if a.master != "" {
		s += "/" + a.master
	}
	return s
}
