-- +goose Up
-- Exceptions to controls: asked for, approved with security keys, ended.

CREATE TABLE exception (
	id        TEXT PRIMARY KEY,  -- EX-...
	revision  BIGINT NOT NULL,   -- one more with every change: what a compare-and-set compares
	state     TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'denied', 'expired', 'withdrawn')),
	version   BIGINT NOT NULL,   -- of the request, one more with every edit
	account   TEXT NOT NULL,
	control   TEXT NOT NULL,
	requester TEXT NOT NULL,     -- ID of a person
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL,   -- of the request
	decided   BIGINT NOT NULL,   -- when the state became final, 0 before
	until     BIGINT NOT NULL,   -- of the exception
	ended     BIGINT NOT NULL,   -- when a granted exception was seen to have ended, 0 before
	policy    BYTEA NOT NULL     -- canonical JSON, frozen
);
CREATE INDEX exception_account ON exception (account, id);
CREATE INDEX exception_state ON exception (state, id);
CREATE INDEX exception_requester ON exception (requester, state);

-- What was asked for, before and after each edit.
CREATE TABLE exception_version (
	id      TEXT NOT NULL REFERENCES exception (id),
	version BIGINT NOT NULL,
	editor  TEXT NOT NULL,
	at      BIGINT NOT NULL,
	request BYTEA NOT NULL,      -- canonical JSON: what approvers sign
	subject BYTEA NOT NULL,      -- canonical JSON: what the request is about
	PRIMARY KEY (id, version)
);

-- Statements that were handed out to be signed: one for each approver.
CREATE TABLE approval_statement (
	request   TEXT NOT NULL REFERENCES exception (id),
	approver  TEXT NOT NULL,
	statement BYTEA NOT NULL,    -- canonical JSON
	expires   BIGINT NOT NULL,
	PRIMARY KEY (request, approver)
);

-- Statements that were signed. The key is kept as it was.
CREATE TABLE approval (
	request    TEXT NOT NULL REFERENCES exception (id),
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

-- +goose Down
SELECT 1;
