-- +goose Up
-- Requests that security keys decide, of whatever kind; and exceptions to controls, the
-- first of the kinds.

CREATE TABLE approval_request (
	id        TEXT PRIMARY KEY,  -- EX-..., CH-...: the prefix is that of the kind
	kind      TEXT NOT NULL,     -- exception, change
	revision  BIGINT NOT NULL,   -- one more with every change: what a compare-and-set compares
	state     TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'denied', 'expired', 'withdrawn')),
	version   BIGINT NOT NULL,   -- one more with every edit
	account   TEXT NOT NULL,
	requester TEXT NOT NULL,     -- ID of a person
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	decided   BIGINT NOT NULL,   -- when the state became final, 0 before
	policy    BYTEA NOT NULL     -- canonical JSON, frozen
);
CREATE INDEX approval_request_account ON approval_request (kind, account, id);
CREATE INDEX approval_request_state ON approval_request (state, expires);
CREATE INDEX approval_request_requester ON approval_request (requester, kind, state);

-- What was asked for, before and after each edit.
CREATE TABLE approval_version (
	request  TEXT NOT NULL REFERENCES approval_request (id),
	version  BIGINT NOT NULL,
	editor   TEXT NOT NULL,
	at       BIGINT NOT NULL,
	document BYTEA NOT NULL,     -- canonical JSON of the request: what approvers sign
	subject  BYTEA NOT NULL,     -- canonical JSON: what the request is about
	PRIMARY KEY (request, version)
);

-- Statements that were handed out to be signed: one for each approver.
CREATE TABLE approval_statement (
	request   TEXT NOT NULL REFERENCES approval_request (id),
	approver  TEXT NOT NULL,
	statement BYTEA NOT NULL,    -- canonical JSON
	expires   BIGINT NOT NULL,
	PRIMARY KEY (request, approver)
);

-- Statements that were signed. The key is kept as it was.
CREATE TABLE approval (
	request    TEXT NOT NULL REFERENCES approval_request (id),
	version    BIGINT NOT NULL,
	approver   TEXT NOT NULL,
	decision   TEXT NOT NULL CHECK (decision IN ('approve', 'deny')),
	at         BIGINT NOT NULL,
	statement  BYTEA NOT NULL,   -- canonical JSON
	assertion  BYTEA NOT NULL,   -- JSON, as the browser gave it
	passkey    TEXT NOT NULL,    -- ID of the key
	credential BYTEA NOT NULL,
	public_key BYTEA NOT NULL,   -- COSE_Key
	aaguid     TEXT NOT NULL,
	rp_id      TEXT NOT NULL,
	origin     TEXT NOT NULL,
	PRIMARY KEY (request, version, approver, passkey)
);

-- What a request for an exception has beside it.
CREATE TABLE exception (
	id      TEXT PRIMARY KEY REFERENCES approval_request (id), -- EX-...
	account TEXT NOT NULL,
	control TEXT NOT NULL,
	until   BIGINT NOT NULL,     -- of the exception
	ended   BIGINT NOT NULL      -- when a granted exception was seen to have ended, 0 before
);
CREATE INDEX exception_account ON exception (account, id);
CREATE INDEX exception_until ON exception (ended, until);

-- +goose Down
SELECT 1;
