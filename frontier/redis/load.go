package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"trawl/frontier"
)

//go:embed load.lua
var loadLua string

var loadScript = script(links, loadLua)

// batch is what goes into one call of load.lua.
type batch struct {
	kind, head string
	args       []any
	bytes      int
}

// A batch is full with so many arguments, or bytes.
const (
	batchArgs  = 1500 // 500 URLs
	batchBytes = 1 << 20
)

// put adds to the batch what belongs together.
func (m *importer) put(kind, head string, args ...any) error {
	b := &m.batch
	if b.kind != kind || b.head != head || len(b.args) >= batchArgs || b.bytes >= batchBytes {
		if err := m.flush(); err != nil {
			return err
		}
		b.kind, b.head = kind, head
	}
	b.args = append(b.args, args...)
	for _, arg := range args {
		if text, ok := arg.(string); ok {
			b.bytes += len(text)
		}
	}
	return nil
}

// flush sends the batch.
func (m *importer) flush() error {
	b := m.batch
	m.batch = batch{args: b.args[:0]}
	if len(b.args) == 0 {
		return nil
	}
	args := append([]any{m.sent + 1, b.kind, b.head}, b.args...)
	reply, err := m.s.insist(m.ctx, func() (any, error) { return m.s.run(m.ctx, loadScript, args...) })
	if err != nil {
		return err
	}
	m.sent++
	list, _ := reply.([]any)
	if len(list) != 2 {
		return errReply
	}
	switch list[0] {
	case "twice":
		return fmt.Errorf("the host %s comes twice", list[1])
	case "unknown":
		return fmt.Errorf("URLs of %s, which is no host that came before", list[1])
	}
	n, _ := list[1].(int64)
	m.prints += n
	return nil
}

// insistTime is for how long an import repeats a call: nobody can give it its parts again.
const insistTime = 30 * time.Second

// insist repeats a call while the store is unavailable. It ends with the context, and after some time.
func (s *Store) insist(ctx context.Context, call func() (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, insistTime)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		reply, err := call()
		if !errors.Is(err, frontier.ErrUnavailable) {
			return reply, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}
