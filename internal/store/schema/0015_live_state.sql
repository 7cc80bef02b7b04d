-- +goose Up
-- What the detection of live events has to remember from one batch to the next.
CREATE TABLE live_state (
	part  BIGINT NOT NULL,        -- partition of the events
	key   TEXT NOT NULL,
	data  BYTEA NOT NULL,
	until BIGINT NOT NULL,        -- after which nothing asks for it
	PRIMARY KEY (part, key)
);
CREATE INDEX live_state_until ON live_state (until);

-- +goose Down
SELECT 1;
