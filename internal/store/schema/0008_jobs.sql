-- +goose Up
CREATE TABLE job (
	id       TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	key      TEXT NOT NULL, -- of a kind's jobs with the same key only the first is kept
	payload  BYTEA NOT NULL,
	state    TEXT NOT NULL, -- waiting, running, done, dead
	run_at   BIGINT NOT NULL,
	attempt  BIGINT NOT NULL,
	owner    TEXT NOT NULL,
	lease    BIGINT NOT NULL,
	progress TEXT NOT NULL,
	error    TEXT NOT NULL,
	created  BIGINT NOT NULL,
	started  BIGINT NOT NULL,
	ended    BIGINT NOT NULL,
	schedule TEXT NOT NULL,
	UNIQUE (kind, key)
);
CREATE INDEX job_due ON job (state, run_at);

CREATE TABLE schedule (
	id       TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	payload  BYTEA NOT NULL,
	cron     TEXT NOT NULL,
	zone     TEXT NOT NULL,
	next_run BIGINT NOT NULL,
	enabled  BIGINT NOT NULL,
	version  BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
