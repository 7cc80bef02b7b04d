-- +goose Up
-- What a way of notices has of a thread: letters are numbered in the order in which they
-- were put, and go out in that order.
CREATE TABLE notice_thread (
	way        TEXT NOT NULL,
	thread     TEXT NOT NULL,
	last       BIGINT NOT NULL, -- number of the newest letter
	held       BIGINT NOT NULL, -- of the newest that quiet hours hold back
	tried      BIGINT NOT NULL, -- of the newest that was tried
	sent       BIGINT NOT NULL, -- of the newest that the receiver took, 0 if it has none
	remembered BYTEA NOT NULL,  -- JSON: what the receiver calls it
	busy       TEXT NOT NULL,   -- job that sends one now
	busy_until BIGINT NOT NULL,
	touched    BIGINT NOT NULL,
	PRIMARY KEY (way, thread)
);
CREATE INDEX notice_thread_touched ON notice_thread (touched);

-- How a way does: what a page shows beside its letters.
CREATE TABLE notice_way (
	way       TEXT PRIMARY KEY,
	taken     BIGINT NOT NULL, -- when it last took a notice, 0 for never
	failed    BIGINT NOT NULL, -- when it last failed
	said      TEXT NOT NULL,   -- what it answered then
	succeeded BIGINT NOT NULL, -- how many notices it took
	failures  BIGINT NOT NULL  -- and how many attempts failed
);

-- +goose Down
SELECT 1;
