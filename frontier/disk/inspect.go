package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"trawl/frontier"
)

// Report is what can be read of a store from outside, also while a process has it open. It is as of the latest commit.
type Report struct {
	Crawl frontier.Crawl       `json:"crawl"`
	Stats frontier.Stats       `json:"stats"`
	PID   int                  `json:"pid,omitempty"` // of the process that has it open
	Due   time.Time            `json:"due,omitzero"`  // when the first URL may be fetched; zero: any time, or there is none
	Hosts []frontier.HostStats `json:"hosts"`         // those with the most URLs waiting; who holds them is not told
}

// Inspect reads the store in folder dir, with the hosts that have the most waiting, up to a number of them. Cost:
// O(waiting chunks).
func Inspect(ctx context.Context, dir string, hosts int) (Report, error) {
	var r Report
	file := filepath.Join(dir, File)
	if _, err := os.Stat(file); err != nil {
		return r, fmt.Errorf("no crawl in %s: %w", dir, err)
	}
	db, err := connect(file, "mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return r, err
	}
	defer db.Close()
	if err := readMeta(db, map[string]any{"crawl": &r.Crawl, "stats": &r.Stats}); err != nil {
		return r, openError(file, err)
	}
	var due int64
	if err := db.QueryRowContext(ctx, "select coalesce(min(max(due, next)), 0) from chunk join host on host.id = chunk.host").Scan(&due); err != nil {
		return r, openError(file, err)
	}
	if due > 0 {
		r.Due = time.UnixMilli(due)
	}
	failures, version := "failures", 0
	if err := db.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return r, openError(file, err)
	}
	if version < 3 { // nobody has opened it since
		failures = "0"
	}
	rows, err := db.QueryContext(ctx, `select name, sum(n - settled) as waiting, sum((n - settled) * (due > 0)), done, dead, next, delay,
			case lent when '' then 0 else (select sum(value) from json_each(lent)) end, `+failures+`
		from chunk join host on host.id = chunk.host group by host.id order by waiting desc limit ?`, hosts)
	if err != nil {
		return r, openError(file, err)
	}
	defer rows.Close()
	for rows.Next() {
		var h frontier.HostStats
		var waiting, next int64
		if err := rows.Scan(&h.Host, &waiting, &h.Delayed, &h.Done, &h.Dead, &next, &h.Delay, &h.Leased, &h.Failures); err != nil {
			return r, openError(file, err)
		}
		h.Queued = waiting - h.Delayed - h.Leased // lent URLs have their rows until they are settled
		if next > 0 {
			h.Next = time.UnixMilli(next)
		}
		r.Hosts = append(r.Hosts, h)
	}
	r.PID = heldBy(filepath.Join(dir, "lock"))
	return r, rows.Err()
}

// Exists tells whether there is a store in folder dir.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, File))
	return err == nil
}

// Remove deletes the store in folder dir, unless a process has it open. Before that, and with nobody else about, it
// calls first.
func Remove(dir string, first func() error) error {
	if !Exists(dir) {
		return first()
	}
	l, err := acquire(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer l.release()
	if err := first(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, File+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove frontier: %w", err)
		}
	}
	return nil
}
