package disk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// older gives the file of a store, that no process has open, the layout of an earlier version.
func older(t *testing.T, dir string, version int) {
	t.Helper()
	file := filepath.Join(dir, disk.File)
	recent := file + ".recent"
	if err := os.Rename(file, recent); err != nil {
		t.Fatal(err)
	}
	ddl, err := os.ReadFile("testdata/schema-2.sql")
	if err != nil {
		t.Fatal(err)
	}
	alter(t, file, string(ddl))
	for _, table := range query(t, file, "select name from sqlite_schema where type = 'table'") {
		columns := strings.Join(query(t, file, fmt.Sprintf("select name from pragma_table_info('%s')", table)), ", ")
		alter(t, file, fmt.Sprintf("attach '%s' as recent; insert into %s (%s) select %s from recent.%s", recent, table, columns, columns, table))
	}
	if version == 1 {
		alter(t, file, `alter table dead drop column hops; alter table dead drop column priority;
			alter table dead drop column seed; delete from meta where k = 'prints'`)
	}
	alter(t, file, fmt.Sprintf("pragma user_version = %d", version))
	if err := os.Remove(recent); err != nil {
		t.Fatal(err)
	}
}

// A file of an earlier version of the schema is brought to this one: nothing of the crawl is lost, and it can do all that
// a new one can.
func TestAFileOfAnOlderSchema(t *testing.T) {
	for version := 1; version < disk.Schema; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			dir := t.TempDir()
			worked(t, dir)
			older(t, dir, version)
			if r, err := disk.Inspect(t.Context(), dir, 9); err != nil || len(r.Hosts) != 2 || r.Hosts[0].Failures != 0 {
				t.Errorf("inspected before the upgrade: %+v, %v", r, err)
			}
			s := mustOpen(t, dir)
			if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
				t.Errorf("found %q, %v", found, err)
			}
			if n, err := s.Retry(t.Context(), "http://a.test", ""); n != 2 || err != nil {
				t.Errorf("retried %d, %v", n, err)
			}
			goesOn(t, s)
			s.Close()
			s = mustOpen(t, dir)
			if note, _, err := s.Recall(t.Context(), "http://b.test"); err != nil || string(note) != "note" {
				t.Errorf("recalled %q, %v", note, err)
			}
			fresh := filepath.Join(t.TempDir(), "fresh")
			mustOpen(t, fresh).Close()
			const layout = `select t.name || '.' || c.name || ' ' || c.type || c."notnull"
				from sqlite_schema as t, pragma_table_info(t.name) as c where t.type = 'table' order by 1`
			got, want := query(t, filepath.Join(dir, disk.File), layout), query(t, filepath.Join(fresh, disk.File), layout)
			if !slices.Equal(got, want) {
				t.Errorf("tables after the upgrade: %q, want %q", got, want)
			}
		})
	}
}

// goesOn uses what came with schema 3 on the crawl that worked left behind.
func goesOn(t *testing.T, s *disk.Store) {
	t.Helper()
	sitemap := entries("http://b.test", "/sitemap.xml")
	sitemap[0].Sitemap, sitemap[0].Seed = true, true
	push(t, s, sitemap...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 2, Batch: 9, TTL: time.Minute})
	if err != nil || len(leases) != 2 {
		t.Fatalf("lent %+v, %v", leases, err)
	}
	l := &leases[slices.IndexFunc(leases, func(l frontier.Lease) bool { return l.Host == "http://b.test" })]
	if len(l.Items) != 3 || l.Items[1].Sitemap || l.Items[2].Entry != sitemap[0] || l.Failures != 0 {
		t.Errorf("lent %+v", l)
	}
	if err := s.Remember(t.Context(), l, []byte("note")); err != nil {
		t.Error(err)
	}
	if err := s.Ack(t.Context(), l, frontier.Report{Failures: 2, Release: true}); err != nil {
		t.Error(err)
	}
	if h, _, err := s.Host(t.Context(), l.Host); err != nil || h.Failures != 2 {
		t.Errorf("host %+v, %v", h, err)
	}
}
