-- +goose Up
CREATE TABLE idempotency (
	actor   TEXT NOT NULL,
	route   TEXT NOT NULL,  -- method and path of the request
	token   TEXT NOT NULL,  -- the Idempotency-Key
	request BYTEA NOT NULL, -- SHA-256 of the body
	status  BIGINT NOT NULL, -- of the answer; 0 as long as none was kept
	headers TEXT NOT NULL,   -- those of the answer that are kept: JSON
	body    BYTEA NOT NULL,
	whole   BIGINT NOT NULL, -- 1 if the body is kept
	at      BIGINT NOT NULL,
	PRIMARY KEY (actor, route, token)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- +goose Down
SELECT 1;
