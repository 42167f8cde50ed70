package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"trawl/frontier"
	"trawl/frontier/disk"
)

func TestASoundFrontierIsSaidToBe(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		p.with(t, func(s store) { settle(t, s, frontier.Outcome{Verdict: frontier.Done}) })
		for _, args := range [][]string{{"fsck"}, {"fsck", "--repair"}} {
			if out := p.fine(t, args...); out != "default is sound\n" {
				t.Errorf("%q", out)
			}
		}
	})
}

func TestWhatFsckFindsIsRepairedWhenToldTo(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	p := onServer(t, server)
	p.fill(t)
	cli(t, server, "hincrby", "trawl:{default:0}:m", "queued", "5")
	r := p.call(t, "fsck")
	isMistake(t, r, exitFailed, "finding", "--repair")
	if !strings.HasSuffix(r.out, "\n") {
		t.Errorf("%+v", r)
	}
	isMistake(t, p.call(t, "fsck", "--repair"), exitFailed, "trawl pause")
	p.fine(t, "pause")
	mentions(t, p.fine(t, "fsck", "--repair"), "repaired")
	mentions(t, p.fine(t, "fsck"), "sound")
	mentions(t, p.fine(t, "status"), "queued   6")
}

func TestADamagedFileIsRepaired(t *testing.T) {
	t.Parallel()
	p := homes(t)[0]
	p.fill(t)
	db, err := sql.Open("sqlite", filepath.Join(p.dir, "trawl-data", "frontier", disk.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`update meta set v = json_set(v, '$.queued', 9) where k = 'stats'`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	isMistake(t, p.call(t, "pause"), exitFailed, "damaged")
	isMistake(t, p.call(t, "fsck"), exitFailed, "1 finding; ", "--repair")
	mentions(t, p.fine(t, "fsck", "--repair"), "1 finding, repaired")
	mentions(t, p.fine(t, "fsck"), "sound")
	mentions(t, p.fine(t, "status"), "queued   6")
}

// ailing is a store that finds something, and is not always mended.
type ailing struct {
	store
	found  []string
	mended bool
}

func (p *ailing) Retry(context.Context, frontier.Host, frontier.Reason) (int64, error) {
	return 0, nil
}

func (p *ailing) Check(_ context.Context, repair bool) ([]string, error) {
	found := p.found
	if repair && p.mended {
		p.found = nil
	}
	return found, nil
}

func TestFsckFailsWhileFindingsAreLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p      ailing
		repair bool
		out    string
		err    string // part of it
	}{
		{ailing{}, false, "news is sound\n", ""},
		{ailing{found: []string{"a\x1b", "b\n"}}, false, "a \nb\n", "2 findings"},
		{ailing{found: []string{"a"}, mended: true}, true, "a\nnews: 1 finding, repaired\n", ""},
		{ailing{found: []string{"a"}}, true, "a\n", "left after repair: 1"},
	} {
		var out strings.Builder
		o := fsckFlags{repair: c.repair}
		o.crawl = "news"
		err := o.run(t.Context(), streams{out: &out}, &c.p)
		if out.String() != c.out || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %q, %v", c, out.String(), err)
		}
	}
}
