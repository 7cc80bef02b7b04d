-- +goose Up
-- Hunts, and what they remember: alerts, each event of a root user, sign-ins to the
-- console, and which hours of which account are proven. Severities are the numbers of
-- rootkeep.Severity, days those since 1970.

CREATE TABLE hunt (
	id          TEXT PRIMARY KEY, -- HU-...
	actor       TEXT NOT NULL,
	version     TEXT NOT NULL,    -- of the program, and so of its rules
	taken       BIGINT NOT NULL,  -- when the store got it
	started     BIGINT NOT NULL,
	finished    BIGINT NOT NULL,
	first       BIGINT NOT NULL,  -- event, 0 without one
	last        BIGINT NOT NULL,
	events      BIGINT NOT NULL,
	unread      BIGINT NOT NULL,
	interrupted BIGINT NOT NULL,  -- 0 or 1
	proven      BIGINT NOT NULL,  -- 0 or 1: the log of its whole period
	detail      TEXT NOT NULL,    -- of that
	rules       TEXT NOT NULL,    -- JSON: how many rules there were
	digest      TEXT NOT NULL UNIQUE, -- SHA-256 of what was sent, hexadecimal
	summary     BYTEA NOT NULL    -- the report without its alerts, JSON
);
CREATE INDEX hunt_taken ON hunt (taken, id);

CREATE TABLE hunt_account (
	hunt    TEXT NOT NULL REFERENCES hunt (id),
	account TEXT NOT NULL,        -- '' for events that name none
	events  BIGINT NOT NULL,
	first   BIGINT NOT NULL,
	last    BIGINT NOT NULL,
	PRIMARY KEY (hunt, account)
);
CREATE INDEX hunt_account_account ON hunt_account (account, hunt);

CREATE TABLE alert (
	id        TEXT PRIMARY KEY,   -- AL-...
	account   TEXT NOT NULL,
	level     BIGINT NOT NULL,
	title     TEXT NOT NULL,
	kind      TEXT NOT NULL,
	tactic    TEXT NOT NULL,
	principal TEXT NOT NULL,
	first     BIGINT NOT NULL,
	last      BIGINT NOT NULL,
	count     BIGINT NOT NULL,
	seen      BIGINT NOT NULL,    -- when a hunt first sent it
	state     TEXT NOT NULL,      -- open or acknowledged
	decided_by TEXT NOT NULL,     -- ID of who acknowledged it, or opened it again
	reason    TEXT NOT NULL,
	decided   BIGINT NOT NULL,    -- when, 0 for never
	data      BYTEA NOT NULL      -- all of it, JSON
);
CREATE INDEX alert_order ON alert (level, last, id);
CREATE INDEX alert_account ON alert (account, level, last, id);
CREATE INDEX alert_seen ON alert (seen, id);

CREATE TABLE hunt_alert (
	hunt  TEXT NOT NULL REFERENCES hunt (id),
	alert TEXT NOT NULL REFERENCES alert (id),
	PRIMARY KEY (hunt, alert)
);

-- An event of a root user or about one. Its key is a hash of what it was judged by, so
-- that a forged event cannot take the place of another one by its ID.
CREATE TABLE root_use (
	id        TEXT PRIMARY KEY,   -- RU-...
	event     TEXT NOT NULL,
	at        BIGINT NOT NULL,
	account   TEXT NOT NULL,
	region    TEXT NOT NULL,
	kind      TEXT NOT NULL,
	used      BIGINT NOT NULL,    -- 1: root itself acted
	source    TEXT NOT NULL,
	name      TEXT NOT NULL,
	failed    BIGINT NOT NULL,
	error     TEXT NOT NULL,
	address   TEXT NOT NULL,
	country   TEXT NOT NULL,      -- '' when unknown
	agent     TEXT NOT NULL,
	mfa       TEXT NOT NULL,      -- yes, no, '' when not said
	principal TEXT NOT NULL,
	accesskey TEXT NOT NULL,      -- its ID
	target    TEXT NOT NULL,
	hunt      TEXT NOT NULL REFERENCES hunt (id), -- that sent it first
	raw       BYTEA               -- the record; NULL if it was too large
);
CREATE INDEX root_use_account ON root_use (account, used, at, id);
CREATE INDEX root_use_at ON root_use (at, id);
CREATE INDEX root_use_event ON root_use (event);

CREATE TABLE sign_in (
	id        TEXT PRIMARY KEY,   -- hash, as in root_use
	day       BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	account   TEXT NOT NULL,
	root      BIGINT NOT NULL,
	failed    BIGINT NOT NULL,
	address   TEXT NOT NULL,
	country   TEXT NOT NULL,
	mfa       TEXT NOT NULL,
	principal TEXT NOT NULL,
	hunt      TEXT NOT NULL REFERENCES hunt (id)
);
CREATE INDEX sign_in_day ON sign_in (day, account);

-- Hours of an account of which a hunt has read everything there was, and can prove that.
CREATE TABLE proven_day (
	account TEXT NOT NULL,
	day     BIGINT NOT NULL,
	mask    BIGINT NOT NULL,      -- bit 0 is the first hour, UTC
	hours   BIGINT NOT NULL,      -- how many bits are set
	PRIMARY KEY (account, day)
);
CREATE INDEX proven_day_day ON proven_day (day, account, hours);

-- The accounts that hunts told of in any way.
CREATE TABLE hunted_account (
	id TEXT PRIMARY KEY
);

-- +goose Down
SELECT 1;
