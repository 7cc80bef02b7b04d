-- +goose Up
-- Alerts that people work at: those of live events beside those that hunts sent
-- (0006_hunts.sql), with who has them, suppressions, and what each rule comes to.

ALTER TABLE alert ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;    -- what a compare-and-set compares
ALTER TABLE alert ADD COLUMN key TEXT NOT NULL DEFAULT '';          -- of its sightings, '' of one that only hunts told of
ALTER TABLE alert ADD COLUMN rule TEXT NOT NULL DEFAULT '';         -- name of the rule that leads it
ALTER TABLE alert ADD COLUMN owner TEXT NOT NULL DEFAULT '';        -- ID of a person
ALTER TABLE alert ADD COLUMN muted TEXT NOT NULL DEFAULT 'hunt';    -- why nobody is told, '' if somebody is
ALTER TABLE alert ADD COLUMN muted_by TEXT NOT NULL DEFAULT '';     -- suppression or storm
ALTER TABLE alert ADD COLUMN incident TEXT NOT NULL DEFAULT '';     -- CS-...
ALTER TABLE alert ADD COLUMN request TEXT NOT NULL DEFAULT '';      -- RR-... or SC-...
ALTER TABLE alert ADD COLUMN verdict TEXT NOT NULL DEFAULT '';      -- of the worst of its root events
ALTER TABLE alert ADD COLUMN root BIGINT NOT NULL DEFAULT 0;        -- 1: of a root user
ALTER TABLE alert ADD COLUMN told BIGINT NOT NULL DEFAULT 0;        -- the last time, 0 for never
ALTER TABLE alert ADD COLUMN due BIGINT NOT NULL DEFAULT 0;         -- when it escalates by time, 0 for never
ALTER TABLE alert ADD COLUMN until BIGINT NOT NULL DEFAULT 0;       -- of a snooze
ALTER TABLE alert ADD COLUMN closed BIGINT NOT NULL DEFAULT 0;      -- 0 while it is open
ALTER TABLE alert ADD COLUMN escalated BIGINT NOT NULL DEFAULT 0;   -- how often
UPDATE alert SET state = 'new' WHERE state = 'open';

CREATE INDEX alert_key ON alert (key);
CREATE INDEX alert_state ON alert (state, muted, level, last, id);
CREATE INDEX alert_told ON alert (rule, level, told);
CREATE INDEX alert_due ON alert (due);
CREATE INDEX alert_until ON alert (until);
CREATE INDEX alert_owner ON alert (owner, state);
CREATE INDEX alert_muted_by ON alert (muted_by, id);
CREATE INDEX alert_incident ON alert (incident);

CREATE INDEX alert_root ON alert (root, account, last);
CREATE INDEX alert_storm ON alert (kind, rule, level, last);
CREATE INDEX root_event_judged ON root_event (judged);

-- The rules of an alert. Those that hunts sent before have none here.
CREATE TABLE alert_rule (
	alert TEXT NOT NULL REFERENCES alert (id),
	rule  TEXT NOT NULL,          -- name
	PRIMARY KEY (alert, rule)
);
CREATE INDEX alert_rule_rule ON alert_rule (rule, alert);

CREATE TABLE alert_tag (
	alert TEXT NOT NULL REFERENCES alert (id),
	tag   TEXT NOT NULL,
	PRIMARY KEY (alert, tag)
);
CREATE INDEX alert_tag_tag ON alert_tag (tag, alert);

CREATE TABLE alert_history (
	alert  TEXT NOT NULL REFERENCES alert (id),
	number BIGINT NOT NULL,       -- from 1
	at     BIGINT NOT NULL,
	person TEXT NOT NULL,         -- who, or system
	act    TEXT NOT NULL,
	about  TEXT NOT NULL,
	PRIMARY KEY (alert, number)
);

-- Alerts that somebody answers for, and that are not told.
CREATE TABLE suppression (
	id        TEXT PRIMARY KEY,   -- SU-...
	owner     TEXT NOT NULL,      -- ID of a person
	reason    TEXT NOT NULL,
	rule      TEXT NOT NULL,      -- name, '' for all
	account   TEXT NOT NULL,
	principal TEXT NOT NULL,
	addresses TEXT NOT NULL,      -- CIDR
	made_by   TEXT NOT NULL,
	made      BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	ended     BIGINT NOT NULL,    -- 0 if nobody ended it before
	ended_by  TEXT NOT NULL,
	hidden    BIGINT NOT NULL,    -- how many alerts
	last      BIGINT NOT NULL,    -- when it hid one
	told      BIGINT NOT NULL     -- when it was told that it expires
);
CREATE INDEX suppression_expires ON suppression (ended, expires);

-- What rules come to, by the hour.
CREATE TABLE rule_volume (
	rule    TEXT NOT NULL,
	hour    BIGINT NOT NULL,      -- since 1970
	matches BIGINT NOT NULL,
	alerts  BIGINT NOT NULL,
	PRIMARY KEY (rule, hour)
);
CREATE INDEX rule_volume_hour ON rule_volume (hour);

-- +goose Down
SELECT 1;
