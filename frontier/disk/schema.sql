-- Times are Unix milliseconds, 0 for none. Durations are nanoseconds.

-- The crawl (id, name, created, policy, version), its state and counts, the secret of the fingerprints, and how many of
-- their bits count.
create table meta (k text primary key, v text not null) without rowid;

create table host (
	id        integer primary key,
	name      text not null,              -- scheme://authority
	next      integer not null default 0, -- not to be asked before
	delay     integer not null default 0, -- its own (Crawl-delay), beside the policy's
	failures  integer not null default 0, -- requests to it that failed in a row; -1: not known
	accepted  integer not null default 0, -- URLs of it that were ever accepted
	done      integer not null default 0,
	dead      integer not null default 0,
	lent      text not null default '',   -- how many URLs are lent now, at each priority: the first ones in line
	alone     integer not null default 0, -- that lease is of one URL
	probation integer not null default 0  -- its last lease expired: it is lent one URL at a time until one is settled
);

-- Waiting URLs: those of one host that one page (or seeding) brought. A line is ordered by priority, then id.
create table chunk (
	id         integer primary key,
	host       integer not null,
	priority   integer not null,
	depth      integer not null,
	hops       integer not null,          -- redirects in a row that led here
	seed       integer not null,
	sitemap    integer not null default 0, -- they are read as sitemaps
	generation integer not null,
	via        text not null,             -- the page
	due        integer not null,          -- retry: not before; 0 when in line
	n          integer not null,          -- how many paths
	settled    integer not null,          -- how many of them, from the first, are settled
	tries      blob,                      -- a byte a path: attempts + 64 * times its worker died with it alone
	paths      text not null              -- JSON array
);

-- Fingerprints (SipHash of the dedupe key), 8 bytes each, of URLs that became seen, or were forgotten again.
create table seen (id integer primary key, forgotten integer not null, fingerprints blob not null);

-- What the scope grows from; via is empty for what a user gave, else the seed that redirected here.
create table seed (id integer primary key, url text not null, via text not null, sitemap integer not null default 0);

-- What hosts say of themselves, their robots.txt, as the crawler keeps it; and when it was kept.
create table note (host integer primary key, at integer not null, text blob not null);

create table dead (
	id         integer primary key,
	url        text not null,
	reason     text not null,
	detail     text not null,
	attempts   integer not null,
	at         integer not null,
	depth      integer not null,
	via        text not null,
	generation integer not null,
	hops       integer not null default 0, -- this and the next two: to put it in line again
	priority   integer not null default 0,
	seed       integer not null default 0,
	sitemap    integer not null default 0
);

-- The latest refused links, up to 100 for each reason.
create table refused (reason text, slot integer, url text not null, primary key (reason, slot)) without rowid;

create view pending as
	select host.name || path.value as url, priority, depth, via,
		datetime(max(chunk.due, host.next) / 1000, 'unixepoch') as not_before
	from chunk join host on host.id = chunk.host, json_each(chunk.paths) as path
	where path.key >= chunk.settled
	order by host.id, priority, chunk.id, path.key;
