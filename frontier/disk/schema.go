package disk

import (
	_ "embed" // schema.sql
	"fmt"

	"trawl/frontier"
)

// Schema is the version of the file's layout (PRAGMA user_version).
const Schema = 3

//go:embed schema.sql
var schema string

// checkSchema makes the tables of a new file and refuses a newer version of them.
func (s *Store) checkSchema() error {
	var version int
	if err := s.db.QueryRow("pragma user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > Schema:
		return fmt.Errorf("it was written by a newer trawl (schema %d; this one knows %d): use that one, or another folder", version, Schema)
	case version > 0:
		return nil
	}
	tables := 0
	if err := s.db.QueryRow("select count(*) from sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("%w: it is a SQLite file, but not of trawl", ErrCorrupt)
	}
	return s.create()
}

// upgrades bring a file of a version to the next one: the first of them one of version 1.
var upgrades = []string{
	`alter table dead add column hops integer not null default 0;
		alter table dead add column priority integer not null default 0;
		alter table dead add column seed integer not null default 0;
		insert or replace into meta (k, v) values ('prints', '{"bits":64}')`,
	`alter table host add column failures integer not null default 0;
		alter table chunk add column sitemap integer not null default 0;
		alter table seed add column sitemap integer not null default 0;
		alter table dead add column sitemap integer not null default 0;
		create table note (host integer primary key, at integer not null, text blob not null)`,
}

// migrate brings a file of an earlier version to this one, in one transaction: it is of either version, never between.
func (s *Store) migrate() error {
	var version int
	if err := s.db.QueryRow("pragma user_version").Scan(&version); err != nil || version == Schema {
		return err
	}
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	for _, upgrade := range upgrades[version-1:] {
		if _, err := tx.Exec(upgrade); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(fmt.Sprintf("pragma user_version = %d", Schema)); err != nil {
		return err
	}
	return tx.Commit()
}

// create makes the tables, and the rows of meta without which loadMeta takes a file for damaged.
func (s *Store) create() error {
	crawl := frontier.Crawl{ID: randomHex(8), Name: s.cfg.Crawl, Created: s.cfg.Now().UTC(), Policy: *s.cfg.Policy}
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.Exec(schema + fmt.Sprintf("; pragma user_version = %d", Schema)); err != nil {
		return err
	}
	for _, r := range []row{
		metaRow("crawl", crawl), metaRow("state", frontier.Running), metaRow("stats", frontier.Stats{}),
		metaRow("progress", false), metaRow("secret", randomHex(16)), metaRow("prints", prints{Bits: 64}),
	} {
		if _, err := tx.Exec(statements[r.do], r.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
