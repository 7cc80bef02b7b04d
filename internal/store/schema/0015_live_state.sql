-- +goose Up
-- What the detection of live events has to remember from one batch to the next.
CREATE TABLE live_state (
	key   TEXT PRIMARY KEY,
	data  BYTEA NOT NULL,
	until BIGINT NOT NULL, -- seconds since 1970, after which nothing asks for it
	due   BIGINT NOT NULL  -- when it has to be looked at though nothing touches it
);
CREATE INDEX live_state_until ON live_state (until);
CREATE INDEX live_state_due ON live_state (due, key);

-- +goose Down
SELECT 1;
