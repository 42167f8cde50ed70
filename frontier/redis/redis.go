package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// ErrNoCrawl is returned by Open when the crawl is not there and is not to be made, and by every method when somebody
// removed it.
var ErrNoCrawl = errors.New("no such crawl")

// Config opens a crawl.
type Config struct {
	Crawl  string           // its name; default "default"
	Policy *frontier.Policy // of a new crawl; default frontier.DefaultPolicy; an existing one keeps its own
	Create bool             // make the crawl if it is not there
	Hold   string           // a holder of the crawl for its first minute, if it is made: see frontier.Holder

	// Durability says whether a call that writes waits until a replica has it, so that no failover takes it back:
	// wait, none, or auto, the default: from the moment on when a replica is seen.
	Durability string

	Now func() time.Time // the clock, for tests; default the server's
}

// Store is a crawl on a server. It implements frontier.Frontier and all optional powers.
type Store struct {
	cfg    Config
	link   *link
	client *goredis.Client // the link's
	keys   []string        // the prefix: KEYS of every script
	id     string          // of the crawl: another one of the same name is not ours
	fp     frontier.Fingerprints
	cache  cache
	way    way

	acks, linkAcks *flight
	closed         atomic.Bool
}

var (
	_ frontier.Frontier = (*Store)(nil)
	_ frontier.Holder   = (*Store)(nil)
	_ frontier.Keeper   = (*Store)(nil)
	_ frontier.Fleet    = (*Store)(nil)
	_ frontier.Memory   = (*Store)(nil)
)

// Open opens a crawl on the server that a URL tells:
//
//	redis://user:password@host:port/db     one server; port 6379, db 0 if not given
//	rediss://user:password@host:port/db    the same with TLS
//	unix://user:password@/path/to/socket   the same on this machine
//	redis-sentinel://user:password@host:port,host:port/master-name/db
//	redis-cluster://user:password@host:port,host:port
//
// After a question mark there can be tls=true, ca=FILE (the authority that signs servers), cert=FILE and key=FILE (of the
// client), skip_verify=true, sentinel_user=, sentinel_password= and db=. Sentinels are asked for the master, nodes of a
// Cluster for the owner of the crawl's slot, again whenever that may have changed.
//
// It refuses a server that evicts keys when its memory is full, and one older than 6.2. Errors never show the password.
func Open(ctx context.Context, address string, cfg Config) (*Store, error) {
	s, err := newStore(address, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.link.close()
		return nil, s.named(err)
	}
	return s, nil
}

// newStore makes a store that has not talked to its server yet.
func newStore(address string, cfg Config) (*Store, error) {
	cfg.Crawl, cfg.Durability = cmp.Or(cfg.Crawl, "default"), cmp.Or(cfg.Durability, durabilityAuto)
	keys, err := prefix(cfg.Crawl)
	if err != nil {
		return nil, err
	}
	if err := checkDurability(cfg.Durability); err != nil {
		return nil, err
	}
	place, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, keys: []string{keys}, acks: newFlight(ackScript), linkAcks: newFlight(ackLinksScript)}
	s.link = newLink(place, s.keys, cfg.Durability)
	s.client = s.link.client
	return s, nil
}

// named makes an error say which crawl it is about, and what to do.
func (s *Store) named(err error) error {
	return fmt.Errorf("crawl %s: %w", s.cfg.Crawl, advise(err, s.link.place.tls != nil))
}

// start checks the server, and finds the crawl or makes it.
func (s *Store) start(ctx context.Context) error {
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	if s.cfg.Create {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	v, err := s.meta(ctx, "schema", "secret", "id", "policy")
	if errors.Is(err, ErrNoCrawl) {
		return s.noCrawl(ctx)
	}
	if err != nil {
		return err
	}
	if v[0] != schema {
		return fmt.Errorf("it has schema %s, and this program knows %s: finish or export it with the trawl that made it, "+
			"or remove it with trawl purge", v[0], schema)
	}
	s.id = v[2]
	if doing, _, ok := strings.Cut(s.id, ":"); ok { // see purge.lua and import.go
		return fmt.Errorf("its %s is not finished: trawl purge removes what is there", doing)
	}
	var secret [16]byte
	if n, err := hex.Decode(secret[:], []byte(v[1])); err != nil || n != len(secret) {
		return errors.New("its secret is damaged")
	}
	var p frontier.Policy
	if err := json.Unmarshal([]byte(v[3]), &p); err != nil {
		return errors.New("its policy is damaged")
	}
	rules, err := frontier.NewKeyRules(p)
	if err != nil {
		return fmt.Errorf("its policy is damaged: %w", err)
	}
	s.fp = frontier.NewFingerprints(secret, &rules)
	return nil
}

// holdTTL is how long Config.Hold lasts.
const holdTTL = time.Minute

// create makes the crawl, unless it is there.
func (s *Store) create(ctx context.Context) error {
	p := frontier.DefaultPolicy()
	if s.cfg.Policy != nil {
		p = *s.cfg.Policy
	}
	fields, err := policyFields(p)
	if err != nil {
		return err
	}
	created := time.Now()
	if s.cfg.Now != nil {
		created = s.cfg.Now()
	}
	s.id = randomHex(8)
	args := append([]any{
		s.cfg.Hold, holdTTL.Milliseconds(),
		"schema", schema, "crawl", s.id, "name", s.cfg.Crawl, "created", created.UTC().Format(time.RFC3339Nano),
		"secret", randomHex(16), "state", string(frontier.Running),
	}, fields...)
	if _, err = s.run(ctx, initScript, args...); err != nil {
		return err
	}
	s.enlist(ctx)
	return s.renewRun(ctx) // connections that are there could not note it in a crawl that was not
}

// policyFields is a policy as fields of T:m: whole for workers, in part for scripts.
func policyFields(p frontier.Policy) ([]any, error) {
	text, err := json.Marshal(p)
	return []any{
		"policy", string(text), "max_pages", p.MaxPages, "max_host_pages", p.MaxHostPages, "max_host_queue", p.MaxHostQueue,
		"delay", millis(p.Delay),
	}, err
}

// meta reads fields of T:m. The first one must be there.
func (s *Store) meta(ctx context.Context, fields ...string) ([]string, error) {
	v, err := s.client.HMGet(ctx, s.keys[0]+"m", fields...).Result()
	if err != nil {
		return nil, storeError(ctx, err)
	}
	if v[0] == nil {
		return nil, ErrNoCrawl
	}
	texts := make([]string, len(v))
	for i := range v {
		texts[i], _ = v[i].(string)
	}
	return texts, nil
}

// Close gives up the connections.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.link.close()
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// millis rounds up, so that nothing happens before its time.
func millis(d time.Duration) int64 {
	n := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		n++
	}
	return n
}
