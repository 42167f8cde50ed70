package frontiertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// op is one step of a history. Its numbers mean something whatever they are, so that any list of steps can be played:
// a random one, one from a fuzzer, and what is left of one while it is shrunk.
type op struct{ kind, a, b, c byte }

const (
	opSize = 4
	maxOps = 150
)

// decode reads a history: a byte for the policy, then steps of four bytes.
func decode(data []byte) (frontier.Policy, []op) {
	if len(data) == 0 {
		return frontier.Policy{}, nil
	}
	var ops []op
	for rest := data[1:]; len(rest) >= opSize && len(ops) < maxOps; rest = rest[opSize:] {
		ops = append(ops, op{rest[0], rest[1], rest[2], rest[3]})
	}
	p, b := frontier.Policy{}, data[0]
	p.Delay = []time.Duration{0, time.Second}[b&1]
	p.MaxHostPages = []int64{0, 7}[b>>1&1]
	p.MaxHostQueue = []int64{0, 5}[b>>2&1]
	p.MaxPages = []int64{0, 20, 40, 0}[b>>3&3]
	return p, ops
}

func encode(policy byte, ops []op) []byte {
	data := []byte{policy}
	for _, o := range ops {
		data = append(data, o.kind, o.a, o.b, o.c)
	}
	return data
}

// randomHistory is as long as a history can be.
func randomHistory(seed uint64) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	data := make([]byte, 1+opSize*maxOps)
	rand.NewChaCha8(key).Read(data)
	return data
}

// Histories plays random histories on a store and on the model, and compares them after each step. Each seed is a
// subtest; without seeds there are some fixed ones. A history that fails is shrunk and shown in words, and as a file
// to keep it: put below testdata/fuzz of the store's package it is played for ever by the fuzz test there.
func Histories(t *testing.T, open Open, seeds ...uint64) {
	if len(seeds) == 0 {
		for seed := range uint64(24) {
			seeds = append(seeds, seed)
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			data := randomHistory(seed)
			if _, err := play(t, open, data); err == nil {
				return
			}
			_, ops := decode(data)
			ops = shrink(ops, 400, func(ops []op) bool {
				_, err := play(t, open, encode(data[0], ops))
				return err != nil
			})
			data = encode(data[0], ops)
			words, err := play(t, open, data)
			t.Fatalf("%v\nafter\n%s\nto keep it: testdata/fuzz/<fuzz test>/<name> with the lines\ngo test fuzz v1\n[]byte(%q)",
				err, strings.Join(words, "\n"), data)
		})
	}
}

// Fuzz lets the fuzzer write the histories. Run it with -fuzzminimizetime 10x: making inputs shorter pays little here.
func Fuzz(f *testing.F, open Open) {
	for seed := range uint64(4) {
		f.Add(randomHistory(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if words, err := play(t, open, data); err != nil {
			t.Fatalf("%v\nafter\n%s", err, strings.Join(words, "\n"))
		}
	})
}

// play plays a history and then drains the crawl. It says in words what it did.
func play(t testing.TB, open Open, data []byte) (words []string, err error) {
	policy, ops := decode(data)
	clock := new(Clock)
	store := open(t, policy, clock.Now)
	p := &player{
		T: t, store: store, f: store.Frontier, clock: clock,
		model: NewModel(policy, clock.Now), policy: policy, due: map[time.Time]bool{},
	}
	p.model.fleet = store.KeepsLeases
	p.sayf("open with delay %v, %d pages a host, %d of them waiting, %d pages in all",
		policy.Delay, policy.MaxHostPages, policy.MaxHostQueue, policy.MaxPages)
	for _, o := range ops {
		if err = errors.Join(p.step(o), p.compare()); err != nil {
			break
		}
	}
	if err == nil {
		err = errors.Join(p.inspect(), p.recall(), sound(t.Context(), p.f))
	}
	if err == nil {
		err = p.drain()
	}
	if err == nil {
		err = sound(t.Context(), p.f)
	}
	if failed := p.f.Close(); err == nil && failed != nil {
		err = fmt.Errorf("close: %w", failed)
	}
	return p.words, err
}

// player does the same to a store and to the model.
type player struct {
	T      testing.TB
	store  Store
	f      frontier.Frontier
	model  *Model
	clock  *Clock
	policy frontier.Policy

	leases  []*held // the latest ones, ended ones too
	request frontier.LeaseRequest
	serial  int
	due     map[time.Time]bool // times of retries
	words   []string
}

// held is a lease in its owner's hands.
type held struct {
	frontier.Lease
	before frontier.Lease // as it was before the last ack
	last   frontier.Report
}

// maxHeld is how many leases are remembered.
const maxHeld = 10

func (p *player) sayf(format string, args ...any) {
	p.words = append(p.words, fmt.Sprintf(format, args...))
}

// step plays one step.
func (p *player) step(o op) error {
	switch k := o.kind % 16; {
	case k < 3:
		return p.push(o)
	case k < 8:
		return p.lease(o)
	case k < 12:
		return p.ack(o)
	case k < 13:
		return p.again(o)
	case k < 14:
		return p.release(o)
	}
	switch o.a % 14 {
	case 0, 1:
		p.reopen()
		return nil
	case 2:
		return p.setState([]frontier.State{frontier.Running, frontier.Paused, frontier.Running, frontier.Stopping}[o.b%4])
	case 3:
		return p.setLimit([]int64{0, 10, 20, 40}[o.b%4])
	case 4, 5:
		return p.hold(fmt.Sprint("seeder ", o.b%2), []time.Duration{0, time.Second, time.Minute}[o.c%3])
	case 6, 7:
		return p.retry([]frontier.Host{"", "", hostA, hostB}[o.b%4], []frontier.Reason{"", "", "one", frontier.Poison}[o.c%4])
	case 8:
		return sound(p.T.Context(), p.f)
	case 9:
		return p.inspect()
	case 10:
		return p.move()
	case 11, 12:
		return p.remember(o)
	default:
		return p.cancelled()
	}
}

// compare compares the counts.
func (p *player) compare() error {
	got, err := p.f.Stats(p.T.Context())
	if err != nil {
		return fmt.Errorf("stats: %w", err)
	}
	want, _ := p.model.Stats(p.T.Context())
	if d := diff(got, want); d != "" {
		return fmt.Errorf("stats: %s", d)
	}
	return consistent(got)
}

// entries are n URLs out of 64 on four hosts. What else is known of them depends on b and c: a URL comes with different
// priorities, and the first one counts.
func entries(n int, b, c byte) (list []frontier.Entry) {
	for i := range n {
		u, v := int(b)+i*(1+int(c%16)), int(c)+i
		h := []frontier.Host{hostA, hostB, hostC, "https://d.test"}[u%4]
		e := frontier.Entry{URL: h.URL(fmt.Sprintf("/%d", u/4%16)), Priority: frontier.Priority(v % 4), Depth: v / 4 % 4, Hops: v / 16 % 3,
			Sitemap: v%5 == 0}
		if v%8 > 0 {
			e.Via = fmt.Sprintf("https://via.test/%d", v)
		}
		list = append(list, e)
	}
	return list
}

func (p *player) push(o op) error {
	list := entries(1+int(o.a%8), o.b, o.c)
	var names []string
	for _, e := range list {
		names = append(names, fmt.Sprintf("%s(%d)", e.URL, e.Priority))
	}
	p.sayf("push %v", names)
	got, err := p.f.Push(p.T.Context(), list)
	want, _ := p.model.Push(p.T.Context(), list)
	if err != nil || got != want {
		return fmt.Errorf("push: %d new, %w; want %d", got, err, want)
	}
	return nil
}

// lease lets time pass and asks for leases, or repeats the latest request. Time passes nowhere else: so whatever it
// brings is brought by a Lease, and a store may do it in other calls too, or not.
func (p *player) lease(o op) error {
	pass := p.pass(o.a)
	p.clock.Advance(pass)
	switch o.c % 8 {
	case 0: // the latest again
	case 1:
		p.request.Worker = "thief" // of an id that another uses
	default:
		p.serial++
		p.request = frontier.LeaseRequest{
			Worker: fmt.Sprint("w", o.c%3), ID: fmt.Sprint(p.serial), Hosts: 1 + int(o.b%4), Batch: 1 + int(o.b/4%5),
			TTL: []time.Duration{9, 30}[o.b/32%2] * time.Second,
		}
		if o.c%8 == 2 {
			p.request.ID = ""
		}
	}
	p.sayf("%v later lease %+v", pass, p.request)
	_, err := p.lend(p.request)
	return err
}

// pass is how long to let pass: often to the very moment when something happens, or to just before it.
func (p *player) pass(a byte) time.Duration {
	switch next := p.model.wait(p.request.Worker); {
	case a%8 < 3:
		return 0
	case a%8 < 5 && next < time.Hour:
		return next
	case a%8 == 5 && next < time.Hour:
		return next - time.Millisecond
	}
	return []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, 70 * time.Second}[a/8%4]
}

// lend asks for leases and checks that they are legal: which of the due hosts are lent is up to the store, all else is
// up to the model. It returns how many were lent.
func (p *player) lend(r frontier.LeaseRequest) (int, error) {
	got, wait, err := p.f.Lease(p.T.Context(), r)
	var first []frontier.Host
	for _, l := range got {
		first = append(first, l.Host)
	}
	want, _, wantErr := p.model.lend(p.T.Context(), r, first)
	if fault(err) != fault(wantErr) {
		return 0, fmt.Errorf("lease: %v, want %v", err, wantErr)
	}
	slices.SortStableFunc(want, func(a, b frontier.Lease) int { // a repeat may be in any order
		return slices.Index(first, a.Host) - slices.Index(first, b.Host)
	})
	if len(got) != len(want) {
		return 0, fmt.Errorf("lease: lent %v, and %d hosts are to be lent", first, len(want))
	}
	for i, l := range got {
		if d, w := describe(l), describe(want[i]); d != w || l.TTL != want[i].TTL || l.Settled != want[i].Settled {
			return 0, fmt.Errorf("lease:\n got %s\nwant %s", d, w)
		}
		p.sayf("    lent %s", describe(l))
		p.model.adopt(l)
		p.leases = append(p.leases, &held{Lease: l, before: l})
	}
	p.leases = p.leases[max(0, len(p.leases)-maxHeld):]
	if next := p.model.wait(r.Worker); err == nil && len(got) == 0 && (wait <= 0 || wait > next) {
		return 0, fmt.Errorf("lease: nothing, and to ask again in %v; something can happen in %v", wait, next)
	}
	return len(got), nil
}

// ack reports on some of the URLs of a lease that is held, or was.
func (p *player) ack(o op) error {
	if len(p.leases) == 0 {
		return nil
	}
	h := p.leases[int(o.a)%len(p.leases)]
	var r frontier.Report
	left := len(h.Items) - h.Settled
	for i := range min(int(o.b%4), left) {
		r.Outcomes = append(r.Outcomes, p.outcome(o, i))
	}
	r.Next = []time.Duration{0, 0, 3 * time.Second, time.Minute}[o.a/16%4]
	r.Delay = []time.Duration{0, 0, 0, 2 * time.Second}[o.a/64]
	r.Release = o.b/4%8 == 0
	mix := int(o.a) + 3*int(o.b) + 5*int(o.c)
	r.Failures = mix % 4
	if mix/4%3 == 0 {
		r.Found = entries(1+mix/12%6, o.b-o.c, o.a+o.b)
	}
	return p.report(h, r)
}

func (p *player) outcome(o op, i int) frontier.Outcome {
	verdict := []frontier.Verdict{
		frontier.Done, frontier.Done, frontier.Retry, frontier.Dead, frontier.Refused, frontier.Retry, frontier.Done, frontier.Done,
	}
	out := frontier.Outcome{Verdict: verdict[(int(o.c)+3*i)%8]}
	if out.Verdict != frontier.Done {
		out.Reason = frontier.Reason([]string{"one", "two"}[o.c/8%2])
	}
	if out.Verdict == frontier.Retry {
		out.After = p.after([]time.Duration{0, time.Second, 10 * time.Second, 5 * time.Minute}[o.c/16%4])
	}
	out.Found = entries(int(o.b/32), o.c+byte(7*i), o.a)
	if o.c/64 == 3 {
		out.Refused = []frontier.Refusal{{Reason: frontier.TooDeep, Count: i + 1, Example: "https://deep.test/"}}
	}
	return out
}

// after is d or a little more: never do two retries fall due in the same millisecond, for their order is the store's own.
func (p *player) after(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	for p.due[p.clock.Now().Add(d)] {
		d += time.Millisecond
	}
	p.due[p.clock.Now().Add(d)] = true
	return d
}

// report acks on both sides.
func (p *player) report(h *held, r frontier.Report) error {
	p.sayf("ack %s %s: %d settled, then %+v", h.Host, h.Token, h.Settled, r)
	got, want := h.Lease, h.Lease
	err, wantErr := p.f.Ack(p.T.Context(), &got, r), p.model.Ack(p.T.Context(), &want, r)
	if fault(err) != fault(wantErr) {
		return fmt.Errorf("ack: %v, want %v", err, wantErr)
	}
	if got.Settled != want.Settled {
		return fmt.Errorf("ack: %d settled, want %d", got.Settled, want.Settled)
	}
	h.before, h.last, h.Lease = h.Lease, r, got
	return nil
}
