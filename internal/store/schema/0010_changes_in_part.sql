-- +goose Up
-- Changes that were undone in part, that were planned again under another ID, and batches
-- that undo batches. SQLite changes no CHECK, so that the tables are made anew, with what
-- they hold.

ALTER TABLE change_batch ADD COLUMN undoes TEXT NOT NULL DEFAULT ''; -- ID of the batch that it undoes, or ''

CREATE TABLE change_new (
	id          TEXT PRIMARY KEY,  -- CH-...: that of its request too
	revision    BIGINT NOT NULL,   -- one more with every transition: what a compare-and-set compares
	state       TEXT NOT NULL CHECK (state IN ('planned', 'requested', 'approved', 'applying', 'stopped', 'applied',
		'partial', 'unverified', 'undoing', 'undone', 'refused', 'denied', 'expired', 'withdrawn')),
	account     TEXT NOT NULL,
	kind        TEXT NOT NULL,
	class       TEXT NOT NULL,
	final       BIGINT NOT NULL,   -- 1: it cannot wholly be undone, or its risk is high
	plan        BYTEA NOT NULL,    -- JSON
	plan_sha256 TEXT NOT NULL,     -- hexadecimal
	planner     TEXT NOT NULL,     -- ID of the person who planned it, and asks for it
	created     BIGINT NOT NULL,
	expires     BIGINT NOT NULL,   -- when a change that is planned, requested or approved is so no more; 0 of others
	approved    BIGINT NOT NULL,   -- 0 before
	begun       BIGINT NOT NULL,   -- the first time, 0 before
	ended       BIGINT NOT NULL,   -- when nothing more was to come, 0 before
	undoes      TEXT NOT NULL,     -- ID of the change that it undoes, or ''
	undone_by   TEXT NOT NULL,     -- ID of the change that undoes it, or ''
	before      TEXT NOT NULL,     -- of one that is being undone: the state before
	batch       TEXT NOT NULL,     -- or ''
	place       BIGINT NOT NULL,   -- in the batch, from 1
	canary      BIGINT NOT NULL,   -- 1: those that are none wait for it
	run         BIGINT NOT NULL,   -- how often it was begun or gone on with: a fence against who lost the lease
	owner       TEXT NOT NULL,     -- who applies it, while it is applying
	lease       BIGINT NOT NULL,   -- until then
	why         TEXT NOT NULL,     -- it stopped, or was not verified, or was refused, or undone in part
	doubt       BIGINT NOT NULL,   -- 1: the call after the last that was made may have been made
	after       BYTEA NOT NULL,    -- JSON of the state as it was read last; empty if it was not
	replaced    TEXT NOT NULL      -- ID of the change that was planned in its place, or ''
);
INSERT INTO change_new (id, revision, state, account, kind, class, final, plan, plan_sha256, planner, created, expires, approved, begun, ended,
	undoes, undone_by, before, batch, place, canary, run, owner, lease, why, doubt, after, replaced)
SELECT id, revision, state, account, kind, class, final, plan, plan_sha256, planner, created, expires, approved, begun, ended,
	undoes, undone_by, before, batch, place, canary, run, owner, lease, why, doubt, after, '' FROM change;

CREATE TABLE change_call_new (
	change  TEXT NOT NULL REFERENCES change_new (id),
	number  BIGINT NOT NULL,       -- of the plan's calls, from 0
	run     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	outcome TEXT NOT NULL CHECK (outcome IN ('made', 'found')),
	answer  BYTEA NOT NULL,        -- JSON: the parts that other calls name
	PRIMARY KEY (change, number)
);
INSERT INTO change_call_new (change, number, run, at, outcome, answer) SELECT change, number, run, at, outcome, answer FROM change_call;

CREATE TABLE change_lock_new (
	resource TEXT PRIMARY KEY,
	change   TEXT NOT NULL REFERENCES change_new (id)
);
INSERT INTO change_lock_new (resource, change) SELECT resource, change FROM change_lock;

DROP TABLE change_call;
DROP TABLE change_lock;
DROP TABLE change;
ALTER TABLE change_new RENAME TO change;
ALTER TABLE change_call_new RENAME TO change_call;
ALTER TABLE change_lock_new RENAME TO change_lock;

CREATE INDEX change_account ON change (account, id);
CREATE INDEX change_state ON change (state, id);
CREATE INDEX change_batch_place ON change (batch, place);
CREATE INDEX change_undoes ON change (undoes);
CREATE INDEX change_lock_change ON change_lock (change);
CREATE INDEX change_batch_undoes ON change_batch (undoes);

-- +goose Down
SELECT 1;
