-- +goose Up
-- Changes of accounts: planned, approved (0003_approvals.sql), applied call by call,
-- undone.

-- Changes that are applied one after the other, to several accounts.
CREATE TABLE change_batch (
	id      TEXT PRIMARY KEY,    -- CB-...
	about   TEXT NOT NULL,       -- for people
	planner TEXT NOT NULL,       -- ID of a person
	created BIGINT NOT NULL,
	halted  TEXT NOT NULL        -- ID of the change that it halted at, '' while it goes on
);

CREATE TABLE change (
	id          TEXT PRIMARY KEY,  -- CH-...: that of its request too
	revision    BIGINT NOT NULL,   -- one more with every transition: what a compare-and-set compares
	state       TEXT NOT NULL CHECK (state IN ('planned', 'requested', 'approved', 'applying', 'stopped', 'applied',
		'unverified', 'undoing', 'undone', 'refused', 'denied', 'expired', 'withdrawn')),
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
	why         TEXT NOT NULL,     -- it stopped, or was not verified, or was refused
	doubt       BIGINT NOT NULL,   -- 1: the call after the last that was made may have been made
	after       BYTEA NOT NULL     -- JSON of the state as it was read last; empty if it was not
);
CREATE INDEX change_account ON change (account, id);
CREATE INDEX change_state ON change (state, id);
CREATE INDEX change_batch_place ON change (batch, place);
CREATE INDEX change_undoes ON change (undoes);

-- Calls that were carried out.
CREATE TABLE change_call (
	change  TEXT NOT NULL REFERENCES change (id),
	number  BIGINT NOT NULL,       -- of the plan's calls, from 0
	run     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	outcome TEXT NOT NULL CHECK (outcome IN ('made', 'found')),
	answer  BYTEA NOT NULL,        -- JSON: the parts that other calls name
	PRIMARY KEY (change, number)
);

-- What a change holds from its beginning to its end.
CREATE TABLE change_lock (
	resource TEXT PRIMARY KEY,
	change   TEXT NOT NULL REFERENCES change (id)
);
CREATE INDEX change_lock_change ON change_lock (change);

-- +goose Down
SELECT 1;
