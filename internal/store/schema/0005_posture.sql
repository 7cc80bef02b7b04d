-- +goose Up
-- Scans, and what accounts came to by them. Statuses and severities are the numbers of
-- rootkeep.Status and rootkeep.Severity.

CREATE TABLE scan (
	id       TEXT PRIMARY KEY, -- SC-...
	source   TEXT NOT NULL,    -- sent, imported or job
	actor    TEXT NOT NULL,
	version  TEXT NOT NULL,    -- of the program that judged
	began    BIGINT NOT NULL,
	ended    BIGINT NOT NULL,  -- 0 while it is under way
	state    TEXT NOT NULL,    -- receiving, judging, finished, failed
	error    TEXT NOT NULL,
	controls TEXT NOT NULL,    -- JSON list of the IDs that were judged
	digest   TEXT NOT NULL     -- SHA-256 of the assessment, hexadecimal
);
CREATE INDEX scan_began ON scan (began, id);

-- An account of a scan: the history that trends are drawn from.
CREATE TABLE scan_account (
	scan     TEXT NOT NULL REFERENCES scan (id),
	account  TEXT NOT NULL,
	name     TEXT NOT NULL,    -- as its organization lists it
	state    TEXT NOT NULL,    -- received, judged, older, unread, left
	problem  TEXT NOT NULL,    -- why it was not read, or what came out otherwise than its sender said
	taken    BIGINT NOT NULL,  -- when the facts were collected, 0 if there are none
	snapshot TEXT NOT NULL,    -- digests of its kept texts, '' for none
	vouched  TEXT NOT NULL,
	findings TEXT NOT NULL,    -- SHA-256 of the findings, hexadecimal
	summary  TEXT NOT NULL,    -- JSON
	PRIMARY KEY (scan, account)
);
CREATE INDEX scan_account_taken ON scan_account (account, taken);
CREATE INDEX scan_account_at ON scan_account (taken);

-- Root sessions that scans were given: what they did is no stranger's.
CREATE TABLE scan_session (
	access_key TEXT PRIMARY KEY, -- ID
	account    TEXT NOT NULL,
	ended      BIGINT NOT NULL
);
CREATE INDEX scan_session_account ON scan_session (account, ended);

-- Snapshots and what a register added to them, by the SHA-256 of the JSON.
CREATE TABLE kept_text (
	digest TEXT PRIMARY KEY,
	size   BIGINT NOT NULL,    -- before compression
	data   BYTEA NOT NULL      -- Zstandard
);

-- An account as it is known now.
CREATE TABLE account (
	id       TEXT PRIMARY KEY,
	name     TEXT NOT NULL,    -- as its organization lists it
	alias    TEXT NOT NULL,
	path     TEXT NOT NULL,    -- JSON list: the root and the units that it lies in
	scan     TEXT NOT NULL,    -- the newest that judged it, '' for none
	taken    BIGINT NOT NULL,
	tried    BIGINT NOT NULL,  -- when a scan last came to it
	problem  TEXT NOT NULL,    -- why that scan could not read it
	risk     BIGINT NOT NULL,  -- of its failures, tenths
	summary  TEXT NOT NULL     -- JSON
);
CREATE INDEX account_risk ON account (risk, id);

-- The findings as they are known now.
CREATE TABLE finding (
	id          TEXT PRIMARY KEY, -- FI-...
	account     TEXT NOT NULL,
	control     TEXT NOT NULL,
	title       TEXT NOT NULL,
	severity    BIGINT NOT NULL,
	status      BIGINT NOT NULL,
	place       BIGINT NOT NULL,  -- in the order of reports: the worst first
	region      TEXT NOT NULL,
	resource    TEXT NOT NULL,
	detail      TEXT NOT NULL,
	missing     TEXT NOT NULL,    -- JSON lists
	permissions TEXT NOT NULL,
	owner       TEXT NOT NULL,    -- of an exception
	reason      TEXT NOT NULL,
	until       BIGINT NOT NULL,
	first_seen  BIGINT NOT NULL,
	changed_at  BIGINT NOT NULL,  -- status, severity or exception
	last_seen   BIGINT NOT NULL,  -- last judged; 0: by the newest scan of the account
	search      TEXT NOT NULL     -- control, title, resource and detail, a line each, in small letters
);
CREATE INDEX finding_place ON finding (place, control, id);
CREATE INDEX finding_account ON finding (account, place, id);
CREATE INDEX finding_control ON finding (control, place, id);
CREATE INDEX finding_changed ON finding (changed_at, id);
CREATE INDEX finding_counted ON finding (control, status, severity, account);

CREATE TABLE finding_change (
	n        BIGINT PRIMARY KEY,
	scan     TEXT NOT NULL,    -- '' for a change without one: an exception began or ended
	finding  TEXT NOT NULL,
	at       BIGINT NOT NULL,
	kind     TEXT NOT NULL,    -- opened, changed, closed
	was      BIGINT NOT NULL,  -- status; -1 for none
	now      BIGINT NOT NULL,
	account  TEXT NOT NULL,
	control  TEXT NOT NULL,
	title    TEXT NOT NULL,
	severity BIGINT NOT NULL,
	region   TEXT NOT NULL,
	resource TEXT NOT NULL
);
CREATE INDEX finding_change_finding ON finding_change (finding, n);
CREATE INDEX finding_change_account ON finding_change (account, n);

-- +goose Down
SELECT 1;
