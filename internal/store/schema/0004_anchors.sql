-- +goose Up

-- Checkpoints that were put where whoever keeps this database cannot take them back.
CREATE TABLE anchor (
	place  TEXT NOT NULL,   -- name of the place, as the operator chose it
	size   BIGINT NOT NULL, -- entries of the log then
	kind   TEXT NOT NULL,   -- file, webhook, object-lock or timestamp
	signed BYTEA NOT NULL,  -- the checkpoint
	proof  BYTEA NOT NULL,  -- what the place gave for it, by kind; may be empty
	at     BIGINT NOT NULL,
	PRIMARY KEY (place, size)
);

-- How it went the last time.
CREATE TABLE anchor_place (
	place    TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	target   TEXT NOT NULL,   -- where it is, without secrets
	tried    BIGINT NOT NULL,
	failure  TEXT NOT NULL,   -- why not, empty if it went
	failures BIGINT NOT NULL  -- one after the other
);

-- Keys that took over from another: the checkpoint that covers the entry which names
-- the key, with a signature of the key before.
CREATE TABLE log_key (
	verifier TEXT PRIMARY KEY,
	n        BIGINT NOT NULL, -- of the entry
	signed   BYTEA NOT NULL
);

-- +goose Down
SELECT 1;
