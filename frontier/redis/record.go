package redis

import (
	"context"
	_ "embed"
	"math"
	"strconv"
	"time"

	"trawl/frontier"
)

//go:embed hosts.lua
var hostsLua string

var hostsScript = script(hostsLua)

// record is what is kept of a host (see lib.lua).
type record struct {
	host   frontier.Host
	raw    string // as it is kept; empty: there is none
	broken bool   // it cannot be read

	next, delay                   int64 // ms
	accepted, done, dead, delayed int64
	probation                     int64
	line                          [levels]int64
	failures                      int64 // 1 more than there were in a row; 0: not known

	lent     bool
	lends    [levels]int64 // unsettled
	deadline int64         // ms
	worker   string

	lists                   [levels]int64 // lengths
	ready, strangers, taken string        // scores in T:r, T:rs and T:l, empty when it is not there
}

const (
	levels = frontier.MaxPriority + 1

	// Lengths of a record: before the first lease, between leases, and of a lent host.
	plainFields, settledFields, lentFields = 12, 14, 22
)

// hostPage is how many hosts are read at a time.
const hostPage = 500

// page is an answer of hosts.lua.
type page struct {
	now    int64 // ms
	cursor string
	hosts  []record
}

// eachRecord calls do for every host, page by page, until it returns false. T:h only grows, and so a scan gives every
// host that was there when it began, and none twice, unless a failover comes between. With lists it looks at the host's keys in the same instant.
func (s *Store) eachRecord(ctx context.Context, lists bool, do func(page) (bool, error)) error {
	for cursor := "0"; ; {
		if err := s.enter(ctx); err != nil {
			return err
		}
		p, err := s.records(ctx, cursor, lists)
		if err != nil {
			return err
		}
		if more, err := do(p); err != nil || !more {
			return err
		}
		if cursor = p.cursor; cursor == "0" {
			return nil
		}
	}
}

// records reads a page of hosts, or those named.
func (s *Store) records(ctx context.Context, cursor string, lists bool, names ...any) (page, error) {
	reply, err := s.read(ctx, hostsScript, append([]any{cursor, hostPage, lists}, names...)...)
	if err != nil {
		return page{}, err
	}
	list, _ := reply.([]any)
	if len(list) < 2 {
		return page{}, errReply
	}
	p := page{hosts: make([]record, len(list)-2)}
	p.now, _ = list[0].(int64)
	p.cursor, _ = list[1].(string)
	for i := range p.hosts {
		if p.hosts[i], err = readRecord(list[2+i], lists); err != nil {
			return page{}, err
		}
	}
	return p, nil
}

// readRecord reads a row of hosts.lua: with lists it has seven fields.
func readRecord(reply any, lists bool) (r record, err error) {
	row, _ := reply.([]any)
	if len(row) < 3 || lists && len(row) < 7 {
		return r, errReply
	}
	name, _ := row[0].(string)
	r.host = frontier.Host(name)
	r.raw, _ = row[1].(string)
	fields, _ := row[2].([]any)
	r.broken = !r.read(fields) && r.raw != ""
	if lists {
		lengths, _ := row[3].([]any)
		if !readInts(lengths, &r.lists[0], &r.lists[1], &r.lists[2], &r.lists[3]) {
			return r, errReply
		}
		r.ready, _ = row[4].(string)
		r.strangers, _ = row[5].(string)
		r.taken, _ = row[6].(string)
	}
	return r, nil
}

// read reads the fields that lib.lua numbers. It tells whether they make sense.
func (r *record) read(f []any) bool {
	if len(f) != plainFields && len(f) != settledFields && len(f) != lentFields {
		return false
	}
	ok := readInts(f, &r.next, &r.delay, &r.accepted, &r.done, &r.dead, &r.delayed, &r.probation,
		&r.line[0], &r.line[1], &r.line[2], &r.line[3], &r.failures)
	if r.lent = len(f) == lentFields; r.lent && ok {
		ok = readInts(f[16:], &r.lends[0], &r.lends[1], &r.lends[2], &r.lends[3], &r.deadline)
		r.worker, _ = f[21].(string)
	}
	return ok
}

// readInts reads the first elements of a list.
func readInts(list []any, into ...*int64) bool {
	if len(list) < len(into) {
		return false
	}
	for i, n := range into {
		var ok bool
		if *n, ok = list[i].(int64); !ok || *n < 0 {
			return false
		}
	}
	return true
}

func (r *record) inLine() int64    { return sum(r.line) }
func (r *record) unsettled() int64 { return sum(r.lends) }

func sum(list [levels]int64) (n int64) {
	for _, one := range list {
		n += one
	}
	return n
}

// stats is the record for people.
func (r *record) stats() frontier.HostStats {
	st := frontier.HostStats{
		Host: r.host, Queued: r.inLine() - r.unsettled(), Delayed: r.delayed, Leased: r.unsettled(), Done: r.done, Dead: r.dead,
		Next: timeOf(r.next), Delay: time.Duration(r.delay) * time.Millisecond, Failures: int(r.failures) - 1,
	}
	if r.lent {
		st.Worker, st.Until = r.worker, timeOf(r.deadline)
	}
	return st
}

// timeOf is the time of Unix milliseconds; 0 is none.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// score reads a score of a sorted set; -1: it is not there.
func score(text string) int64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	return int64(math.Ceil(n))
}
