package redis

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// errNumbers says that an audit cannot go on: scripts would stumble.
var errNumbers = errors.New("numbers of the crawl cannot be read")

// numbers are those in T:m that no policy gives.
var numbers = []string{
	"seen", "queued", "delayed", "leased", "done", "dead", "retries", "reclaimed", "unprinted", "imported", "version",
	"clk", "skew", "wake", "grace", "ttl", "tok",
}

// readNumbers reads the numbers before any script does: open in lib.lua would stop at one that is none.
func (a *audit) readNumbers() error {
	v, err := a.s.meta(a.ctx, append([]string{"id"}, numbers...)...)
	if err != nil {
		return err
	}
	for i, name := range numbers {
		text := cmp.Or(v[1+i], "0")               // none yet
		n, failed := strconv.ParseFloat(text, 64) // Lua may write large ones so
		if a.number[name] = int64(n); failed != nil {
			err = errNumbers
			fix := func() error { return a.s.client.HSet(a.ctx, a.s.keys[0]+"m", name, 0).Err() }
			a.sure(fix, "the crawl's %s is %q", name, text)
		}
	}
	return err
}

// readMeta looks at the crawl as a whole.
func (a *audit) readMeta() error {
	if err := a.readNumbers(); err != nil {
		return err
	}
	v, err := a.s.meta(a.ctx, "id", "state", "policy")
	if err != nil {
		return err
	}
	switch frontier.State(v[1]) {
	case frontier.Running, frontier.Paused, frontier.Stopping:
	default:
		a.sure(func() error { return a.s.set(a.ctx, "state", string(frontier.Paused)) }, "the crawl's state is %q", v[1])
	}
	if a.poisoned, err = a.s.client.HGetAll(a.ctx, a.s.keys[0]+"p").Result(); err != nil {
		return storeError(a.ctx, err)
	}
	if err := a.checkPolicy(v[2]); err != nil {
		return err
	}
	return a.checkWake()
}

// checkPolicy compares the policy with what scripts know of it.
func (a *audit) checkPolicy(text string) error {
	var p frontier.Policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		a.sure(nil, "the crawl's policy cannot be read: set it with trawl policy")
		return nil
	}
	fields, err := policyFields(p)
	if err != nil {
		return err
	}
	var names []string
	for i := 2; i < len(fields); i += 2 {
		names = append(names, fmt.Sprint(fields[i]))
	}
	v, err := a.s.client.HMGet(a.ctx, a.s.keys[0]+"m", names...).Result()
	if err != nil {
		return storeError(a.ctx, err)
	}
	for i, name := range names {
		if want := fmt.Sprint(fields[2*i+3]); v[i] != want {
			a.loose(func() error { return a.s.set(a.ctx, fields...) }, "the crawl's %s is %v, by its policy %s", name, v[i], want)
		}
	}
	return nil
}

// checkWake looks whether scripts will look after leases that expire and retries that fall due.
func (a *audit) checkWake() error {
	first := map[string]int64{}
	for _, key := range []string{"l", "d"} {
		list, err := a.s.client.ZRangeWithScores(a.ctx, a.s.keys[0]+key, 0, 0).Result()
		if err != nil {
			return storeError(a.ctx, err)
		}
		if len(list) > 0 {
			first[key] = int64(list[0].Score)
		}
	}
	at, due := first["d"]
	if l, lent := first["l"]; lent && (!due || max(l, a.number["grace"]) < at) {
		at, due = max(l, a.number["grace"]), true
	}
	if due && (a.number["wake"] > at || a.number["wake"] < 0) {
		a.loose(func() error { return a.s.set(a.ctx, "wake", 0) }, "leases and retries are due at %d, and looked after at %d", at, a.number["wake"])
	}
	return nil
}

// readKeys looks for keys that belong to nothing.
func (a *audit) readKeys() error {
	var page []string
	err := a.s.eachKey(a.ctx, func(key string) error {
		if !strings.HasPrefix(key, "q") && !strings.HasPrefix(key, "s:") && !strings.HasPrefix(key, "n:") {
			return nil
		}
		if page = append(page, key); len(page) < hostPage {
			return nil
		}
		full := page
		page = page[:0]
		return a.checkKeys(full)
	})
	if err != nil || len(page) == 0 {
		return err
	}
	return a.checkKeys(page)
}

// checkKeys looks for the hosts and the sets that a page of keys belongs to. New hosts are no orphans: see readOrphans.
func (a *audit) checkKeys(keys []string) error {
	hosts, notes, sets := map[string]*goredis.BoolCmd{}, map[string]*goredis.BoolCmd{}, map[string]*goredis.StringCmd{}
	last := map[string]int64{}
	_, err := a.s.client.Pipelined(a.ctx, func(p goredis.Pipeliner) error {
		for _, key := range keys {
			if kind, rest, _ := strings.Cut(key, ":"); kind == "n" {
				notes[rest] = p.HExists(a.ctx, a.s.keys[0]+"h", rest)
			} else if kind != "s" {
				hosts[rest] = p.HExists(a.ctx, a.s.keys[0]+"h", rest)
			} else if at := strings.LastIndexByte(rest, ':'); at >= 0 {
				b, err := strconv.ParseInt(rest[at+1:], 10, 64)
				if err == nil {
					sets[rest[:at]] = p.HGet(a.ctx, a.s.keys[0]+"s", rest[:at])
					last[rest[:at]] = max(last[rest[:at]], b)
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, goredis.Nil) {
		return storeError(a.ctx, err)
	}
	for host, there := range hosts {
		if !there.Val() {
			a.orphans[host] = true
		}
	}
	for host, there := range notes {
		if !there.Val() {
			drop := a.drop("key", "n:"+host, "")
			a.sure(drop, "there is a note on %.200q, and there is no such host", host)
		}
	}
	for set, field := range sets {
		if f := readSeenField(set, field.Val()); last[set] >= f.buckets || f.broken {
			a.strays[set] = max(a.strays[set], last[set])
		}
	}
	return nil
}

// readDelayed counts retries by host.
func (a *audit) readDelayed() error {
	return a.s.eachDelayed(a.ctx, func(member string, _ int64) error {
		host, element, _ := strings.Cut(member, "\x00")
		it, err := decodeElement(frontier.Host(host), element)
		if err != nil {
			a.sure(a.drop("zset", "d", member), "a retry cannot be read: %.200q", member)
			return nil
		}
		a.delayed[host]++
		a.sum.Delayed++
		return a.isSeen(it.URL)
	})
}

// readDead counts dead URLs by host and by reason.
func (a *audit) readDead() error {
	return a.s.eachEntry(a.ctx, "x", 0, func(_ int64, text string) (bool, error) {
		d, err := readDead(text)
		if err != nil {
			a.sure(a.drop("list", "x", text), "a dead URL cannot be read: %.200q", text)
			return true, nil
		}
		a.dead[string(d.URL.Host())]++
		a.deadFor[d.reason]++
		a.sum.Dead++
		return true, a.isSeen(d.URL)
	})
}

// readSeeds looks whether seeds can be read. They are not counted anywhere.
func (a *audit) readSeeds() error {
	return a.s.eachEntry(a.ctx, "seeds", 0, func(_ int64, text string) (bool, error) {
		host, element, _ := strings.Cut(text, "\x00")
		if _, err := decodeElement(frontier.Host(host), element); err != nil {
			a.sure(a.drop("list", "seeds", text), "a seed cannot be read: %.200q", text)
		}
		return true, nil
	})
}

// readPoisoned looks for workers that hold a dangerous URL, and have no lease of its host.
func (a *audit) readPoisoned() error {
	for worker, host := range a.poisoned {
		p, err := a.s.records(a.ctx, "0", false, host)
		if err != nil {
			return err
		}
		if r := p.hosts[0]; !r.lent || r.worker != worker || r.probation != 2 {
			a.loose(a.drop("hash", "p", worker), "%s is said to hold a URL of %s that workers died of, and has no such lease", worker, host)
		}
	}
	return nil
}

// compare compares the counts of the crawl with the sums over its hosts.
func (a *audit) compare() error {
	found := len(a.found)
	totals := a.totals()
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		if n, has := a.number[name], totals[name]; n != has && name != "unprinted" {
			a.loose(nil, "the crawl counts %d URLs %s, and has %d", n, name, has)
		}
	}
	if seen, have := a.number["seen"], a.prints+a.number["unprinted"]; have != seen {
		a.loose(nil, "%d URLs are seen, and %d have a fingerprint", seen, have)
	}
	counted, err := a.s.client.HGetAll(a.ctx, a.s.keys[0]+"f").Result()
	if err != nil {
		return storeError(a.ctx, err)
	}
	maps.DeleteFunc(counted, func(what, _ string) bool { return !strings.HasPrefix(what, "dead:") })
	have := map[string]string{}
	for why, n := range a.deadFor {
		have["dead:"+string(why)] = strconv.FormatInt(n, 10)
	}
	if !maps.Equal(counted, have) {
		a.loose(nil, "the crawl counts dead URLs by reason as %v, and has %v", counted, have)
	}
	if a.repair && found == 0 && len(a.found) > 0 { // they are right when nothing else is wrong any more
		a.fixes = append(a.fixes, a.setTotals)
	}
	return nil
}

// totals are the sums over what there is.
func (a *audit) totals() map[string]int64 {
	st := a.sum
	seen := st.Queued + st.Delayed + st.Leased + st.Done + st.Dead
	return map[string]int64{
		"seen": seen, "queued": st.Queued, "delayed": st.Delayed, "leased": st.Leased, "done": st.Done, "dead": st.Dead,
		"unprinted": seen - a.prints,
	}
}

// setTotals has the crawl count what there is.
func (a *audit) setTotals() error {
	args := []any{"totals", len(countFields)}
	for i, name := range countFields {
		args = append(args, name, a.before[i])
	}
	for name, n := range a.totals() {
		args = append(args, name, n)
	}
	for _, why := range slices.Sorted(maps.Keys(a.deadFor)) {
		args = append(args, "dead:"+string(why), a.deadFor[why])
	}
	return a.mend(args...)
}
