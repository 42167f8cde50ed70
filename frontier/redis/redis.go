package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

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
	Now    func() time.Time // the clock, for tests; default the server's
}

// maxConns is how many connections a process has at most, however many calls it makes at once.
const maxConns = 16

// Store is a crawl on a server. It implements frontier.Frontier, frontier.Holder and frontier.Keeper.
type Store struct {
	cfg    Config
	client *goredis.Client
	keys   []string // the prefix: KEYS of every script
	fp     frontier.Fingerprints
	closed atomic.Bool
}

var (
	_ frontier.Frontier = (*Store)(nil)
	_ frontier.Holder   = (*Store)(nil)
	_ frontier.Keeper   = (*Store)(nil)
)

// Open opens a crawl on the server at a URL: redis://user:password@host:port/db, rediss:// for TLS, or
// unix://user:password@/path/to/socket?db=0. It refuses a server that evicts keys when its memory is full, and one older
// than 6.2. Errors never show the password.
func Open(ctx context.Context, address string, cfg Config) (*Store, error) {
	cfg.Crawl = cmp.Or(cfg.Crawl, "default")
	keys, err := prefix(cfg.Crawl)
	if err != nil {
		return nil, err
	}
	opt, err := options(address)
	if err != nil {
		return nil, err
	}
	logging.Disable() // go-redis prints to stderr what it also returns
	s := &Store{cfg: cfg, client: goredis.NewClient(opt), keys: []string{keys}}
	if err := s.start(ctx); err != nil {
		s.client.Close()
		return nil, fmt.Errorf("crawl %s: %w", cfg.Crawl, err)
	}
	return s, nil
}

// options reads a URL. Calls are not repeated by the client: a push repeated there would not know any more how many
// URLs were new.
func options(address string) (*goredis.Options, error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, errors.New("redis URL: it must begin with redis://, rediss:// or unix://")
	}
	opt, err := goredis.ParseURL(address)
	if err != nil {
		if bad, ok := errors.AsType[*url.Error](err); ok {
			err = bad.Err // without the URL, which holds the password
		}
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	opt.PoolSize = maxConns
	opt.ContextTimeoutEnabled = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return opt, nil
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
	v, err := s.meta(ctx, "schema", "secret")
	if err != nil {
		return err
	}
	if v[0] != schema {
		return fmt.Errorf("it has schema %s, and this program knows %s", v[0], schema)
	}
	var secret [16]byte
	if n, err := hex.Decode(secret[:], []byte(v[1])); err != nil || n != len(secret) {
		return errors.New("its secret is damaged")
	}
	s.fp = frontier.NewFingerprints(secret)
	return nil
}

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
	args := append([]any{
		"schema", schema, "id", randomHex(8), "name", s.cfg.Crawl, "created", created.UTC().Format(time.RFC3339Nano),
		"secret", randomHex(16), "state", string(frontier.Running),
	}, fields...)
	_, err = s.run(ctx, initScript, args...)
	return err
}

// policyFields is a policy as fields of T:m: whole for workers, in part for scripts.
func policyFields(p frontier.Policy) ([]any, error) {
	text, err := json.Marshal(p)
	return []any{
		"policy", string(text), "max_pages", p.MaxPages, "max_host_pages", p.MaxHostPages, "max_host_queue", p.MaxHostQueue,
		"delay", millis(p.Delay),
	}, err
}

// checkServer refuses servers that cannot keep a crawl.
func (s *Store) checkServer(ctx context.Context) error {
	var text string
	for _, section := range []string{"server", "memory"} {
		part, err := s.client.Info(ctx, section).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		text += part
	}
	version := infoField(text, "redis_version")
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil || a < 6 || a == 6 && b < 2 {
		return fmt.Errorf("the server is Redis %s: need 6.2 or later", version)
	}
	if policy := infoField(text, "maxmemory_policy"); policy != "noeviction" {
		return fmt.Errorf("the server's maxmemory-policy is %s, which loses URLs: need noeviction", policy)
	}
	return nil
}

// infoField finds a value in the answer to INFO.
func infoField(text, name string) string {
	_, rest, _ := strings.Cut(text, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r")
	return value
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
	return s.client.Close()
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
