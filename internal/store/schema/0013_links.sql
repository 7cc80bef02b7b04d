-- +goose Up
-- What explains events of others about root users, and what a server knows of its live
-- sources.

-- Sessions of roles in which changes are applied that are not for root.
CREATE TABLE change_session (
	access_key TEXT PRIMARY KEY,  -- its ID
	change     TEXT NOT NULL,     -- CH-...
	account    TEXT NOT NULL,     -- that the role belongs to
	events     BYTEA NOT NULL,    -- JSON: what the plan does, "SOURCE NAME"
	starts     BIGINT NOT NULL,
	ends       BIGINT NOT NULL
);
CREATE INDEX change_session_account ON change_session (account, starts);

-- How the live sources of servers stand, by who reads them.
CREATE TABLE live_source (
	name   TEXT PRIMARY KEY,
	health BYTEA NOT NULL,        -- JSON
	noted  BIGINT NOT NULL        -- when that was
);

-- +goose Down
SELECT 1;
