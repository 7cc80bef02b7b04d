-- +goose Up
-- The SQL of every file is the subset that SQLite and PostgreSQL share: BIGINT, TEXT and
-- BYTEA; times are microseconds since 1970, UTC.

CREATE TABLE log_entry (
	n       BIGINT PRIMARY KEY, -- number of the entry, from 0
	leaf    BYTEA NOT NULL,     -- canonical JSON, what the tree hashes
	type    TEXT NOT NULL,      -- type, subject, actor, at: as in the leaf, for looking up
	subject TEXT NOT NULL,
	actor   TEXT NOT NULL,
	at      BIGINT NOT NULL
);
CREATE INDEX log_entry_subject ON log_entry (subject, n);
CREATE INDEX log_entry_at ON log_entry (at);

CREATE TABLE log_payload (
	n      BIGINT NOT NULL REFERENCES log_entry (n),
	name   TEXT NOT NULL,
	salt   BYTEA, -- NULL once erased
	data   BYTEA,
	erased BIGINT,
	PRIMARY KEY (n, name)
);

CREATE TABLE log_hash (
	i BIGINT PRIMARY KEY, -- index of the stored hash, as golang.org/x/mod/sumdb/tlog counts
	h BYTEA NOT NULL
);

CREATE TABLE log_head (
	id     BIGINT PRIMARY KEY CHECK (id = 1),
	size   BIGINT NOT NULL,
	signed BYTEA NOT NULL, -- checkpoint, a signed note
	at     BIGINT NOT NULL, -- of the newest entry
	moved  TEXT NOT NULL DEFAULT '' -- where the store went; nobody works on this one any more
);
INSERT INTO log_head (id, size, signed, at) VALUES (1, 0, '', 0);

-- The last transaction of each running server: what tells it whether a commit was made
-- whose answer it did not get.
CREATE TABLE log_writer (
	id    TEXT PRIMARY KEY, -- random, of one opening of the store
	batch BIGINT NOT NULL,  -- number of its transaction
	at    BIGINT NOT NULL
);

CREATE TABLE notice (
	seq   BIGINT PRIMARY KEY,
	topic TEXT NOT NULL,
	ref   TEXT NOT NULL, -- ID of what changed
	at    BIGINT NOT NULL
);

