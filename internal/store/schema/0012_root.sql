-- +goose Up
-- Uses of root users: requests (0003_approvals.sql) with their checklists and sessions,
-- overrides, events as they arrive with their verdicts, cases.

-- A request for root that went without approvals is open no more. Its state is
-- 'withdrawn', because 0003_approvals.sql knows no other word, and this says when it was
-- overridden instead; 0 for all others.
ALTER TABLE approval_request ADD COLUMN overridden BIGINT NOT NULL DEFAULT 0;

-- What a request for root has beside its approval.
CREATE TABLE root_request (
	id          TEXT PRIMARY KEY REFERENCES approval_request (id), -- RR-...
	revision    BIGINT NOT NULL,  -- one more with every transition: what a compare-and-set compares
	state       TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'open', 'closing', 'closed', 'lapsed', 'denied', 'expired', 'withdrawn')),
	account     TEXT NOT NULL,    -- of the approval: the management account of a request over several
	requester   TEXT NOT NULL,    -- ID of a person
	custodian   TEXT NOT NULL,    -- ID of a person, '' on the path assumed
	kind        TEXT NOT NULL,
	path        TEXT NOT NULL,
	task        TEXT NOT NULL,
	begins      BIGINT NOT NULL,  -- of the window that holds
	ends        BIGINT NOT NULL,  -- the first moment behind it
	session     BIGINT NOT NULL,  -- seconds
	granted     BIGINT NOT NULL,  -- when it was approved or overridden, 0 before
	overridden  BIGINT NOT NULL,  -- 1: it went without approvals
	opened      BIGINT NOT NULL,  -- 0 before
	due         BIGINT NOT NULL,  -- when the session is over at the latest, 0 before it was opened
	over        BIGINT NOT NULL,  -- when the session was over, 0 before
	overrun     BIGINT NOT NULL,  -- when it was seen that nobody had closed it in time, 0 if somebody had
	sealed      BIGINT NOT NULL,  -- when somebody said that all is put back, 0 before
	ended       BIGINT NOT NULL,  -- when nothing more was to come, 0 before
	device      TEXT NOT NULL,    -- MFA device that was handed out, '' if nobody said
	outcome     TEXT NOT NULL,    -- what became of it, by the events: '' before it was judged
	activity    TEXT NOT NULL     -- SHA-256 of the record that was confirmed, hexadecimal; '' before
);
CREATE INDEX root_request_state ON root_request (state, ends);
CREATE INDEX root_request_requester ON root_request (requester, id);

-- The accounts of a request: one row each, also if there is but one.
CREATE TABLE root_request_account (
	request TEXT NOT NULL REFERENCES root_request (id),
	account TEXT NOT NULL,
	PRIMARY KEY (request, account)
);
CREATE INDEX root_request_account_account ON root_request_account (account, request);

-- What people said of items of a checklist.
CREATE TABLE root_answer (
	request TEXT NOT NULL REFERENCES root_request (id),
	item    TEXT NOT NULL,
	skipped TEXT NOT NULL,        -- the reason, '' if it was done
	person  TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (request, item)
);

-- Requests that went, or are to go, without approvals.
CREATE TABLE root_override (
	request    TEXT PRIMARY KEY REFERENCES root_request (id),
	revision   BIGINT NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('waiting', 'granted', 'reviewed', 'void')),
	person     TEXT NOT NULL,     -- ID of who overrode
	reason     TEXT NOT NULL,
	signed     BIGINT NOT NULL,
	record     BYTEA NOT NULL,    -- JSON of what was signed, as approval.Record
	second     TEXT NOT NULL,     -- RO-...: the request to a second person, '' if none was needed
	granted    BIGINT NOT NULL,   -- 0 before
	skipped    BYTEA NOT NULL,    -- JSON: IDs of who could have approved
	due        BIGINT NOT NULL,   -- of the review, 0 before it was granted
	reviewer   TEXT NOT NULL,     -- '' before
	reviewed   BIGINT NOT NULL,   -- 0 before
	verdict    TEXT NOT NULL,     -- 'justified' or 'not-justified', '' before
	review     TEXT NOT NULL,     -- what the reviewer wrote
	late       BIGINT NOT NULL    -- when it was seen that the review is late, 0 if it was not
);
CREATE INDEX root_override_state ON root_override (state, due);
CREATE INDEX root_override_second ON root_override (second);

-- Where each source of live events goes on.
CREATE TABLE root_source (
	name  TEXT PRIMARY KEY,
	mark  BYTEA NOT NULL,
	heard BIGINT NOT NULL,        -- when it last delivered
	taken BIGINT NOT NULL,        -- how many deliveries were kept
	owner TEXT NOT NULL DEFAULT '',  -- the server that reads it
	held  BIGINT NOT NULL DEFAULT 0  -- until when, unless it says so again
);

-- Events of root users and about them, as they arrive. The key is that of root_use
-- (0006_hunts.sql).
CREATE TABLE root_event (
	id        TEXT PRIMARY KEY,   -- RU-...
	event     TEXT NOT NULL,      -- ID that the record has
	account   TEXT NOT NULL,
	at        BIGINT NOT NULL,
	region    TEXT NOT NULL,
	kind      TEXT NOT NULL,
	target    TEXT NOT NULL,      -- account whose root user is meant, if it is another one; else ''
	data      BYTEA NOT NULL,     -- JSON of the event, without its record
	raw       BYTEA,              -- the record; NULL if it was too large
	arrived   BIGINT NOT NULL,    -- the first time
	delivered BIGINT NOT NULL,    -- how often
	sources   TEXT NOT NULL,      -- names of who delivered it, with commas
	verdict   TEXT NOT NULL,      -- '' before it was judged
	rule      TEXT NOT NULL,
	why       TEXT NOT NULL,
	request   TEXT NOT NULL,      -- RR-... or SC-..., '' if there is none
	session   TEXT NOT NULL,
	judged    BIGINT NOT NULL     -- when the verdict became what it is, 0 before
);
CREATE INDEX root_event_account ON root_event (account, at, id);
CREATE INDEX root_event_target ON root_event (target, at, id);
CREATE INDEX root_event_at ON root_event (at, id);
CREATE INDEX root_event_request ON root_event (request, at);
CREATE INDEX root_event_event ON root_event (event);
CREATE INDEX root_event_verdict ON root_event (verdict, at);

-- Sessions that rootkeep was given by sts:AssumeRoot.
CREATE TABLE root_session (
	access_key TEXT PRIMARY KEY,  -- its ID
	name       TEXT NOT NULL,     -- RR-..., SC-... or CH-...: source identity
	account    TEXT NOT NULL,     -- whose root user
	policy     TEXT NOT NULL,     -- name of the task policy
	starts     BIGINT NOT NULL,
	ends       BIGINT NOT NULL
);
CREATE INDEX root_session_name ON root_session (name);
CREATE INDEX root_session_account ON root_session (account, starts);

-- Hours of which the log of an account is proven in one Region; those of which it is
-- proven in all are in proven_day (0006_hunts.sql).
CREATE TABLE root_coverage (
	account TEXT NOT NULL,
	region  TEXT NOT NULL,
	day     BIGINT NOT NULL,      -- since 1970
	mask    BIGINT NOT NULL,      -- bit 0 is the first hour, UTC
	PRIMARY KEY (account, region, day)
);

-- Cases: what people have to look at.
CREATE TABLE incident (
	id       TEXT PRIMARY KEY,    -- CS-...: of the cause
	revision BIGINT NOT NULL,
	cause    TEXT NOT NULL,
	state    TEXT NOT NULL CHECK (state IN ('open', 'closed')),
	severity BIGINT NOT NULL,     -- as rootkeep.Severity
	account  TEXT NOT NULL,
	title    TEXT NOT NULL,
	request  TEXT NOT NULL,       -- RR-..., '' if there is none
	owner    TEXT NOT NULL,       -- ID of a person, '' if there is none
	opened   BIGINT NOT NULL,     -- the first time
	closed   BIGINT NOT NULL,     -- 0 while it is open
	reason   TEXT NOT NULL        -- why it was closed
);
CREATE INDEX incident_state ON incident (state, severity, opened);
CREATE INDEX incident_account ON incident (account, id);
CREATE INDEX incident_request ON incident (request);

CREATE TABLE incident_event (
	incident TEXT NOT NULL REFERENCES incident (id),
	event    TEXT NOT NULL,       -- RU-...: of root_event
	added    BIGINT NOT NULL,
	PRIMARY KEY (incident, event)
);
CREATE INDEX incident_event_event ON incident_event (event);

-- Persons who do not close a case: they took part in what it is about.
CREATE TABLE incident_party (
	incident TEXT NOT NULL REFERENCES incident (id),
	person   TEXT NOT NULL,
	PRIMARY KEY (incident, person)
);

CREATE TABLE incident_history (
	incident TEXT NOT NULL REFERENCES incident (id),
	number   BIGINT NOT NULL,     -- from 1
	at       BIGINT NOT NULL,
	person   TEXT NOT NULL,       -- who, or system
	act      TEXT NOT NULL,
	about    TEXT NOT NULL,
	PRIMARY KEY (incident, number)
);

-- +goose Down
SELECT 1;
