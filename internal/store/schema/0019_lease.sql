-- +goose Up
-- Who does which part of a work that several processes share.
CREATE TABLE lease (
	work  TEXT NOT NULL,
	part  TEXT NOT NULL,
	owner TEXT NOT NULL,    -- a process
	fence BIGINT NOT NULL,  -- one more with every owner: what an earlier one still sends has a smaller one
	ends  BIGINT NOT NULL,  -- 0: it was given back
	PRIMARY KEY (work, part)
);

-- +goose Down
SELECT 1;
