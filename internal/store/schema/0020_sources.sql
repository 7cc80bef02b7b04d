-- +goose Up
-- How live sources stand, by each process that reads them: of a queue several do.
CREATE TABLE live_source_process (
	name    TEXT NOT NULL,
	process TEXT NOT NULL,        -- '' : nobody's, as of a source that was taken out of the settings
	health  BYTEA NOT NULL,       -- JSON
	noted   BIGINT NOT NULL,      -- when that was
	PRIMARY KEY (name, process)
);
INSERT INTO live_source_process (name, process, health, noted) SELECT name, '', health, noted FROM live_source;
DROP TABLE live_source;

-- What sources brought, ever, over all processes.
ALTER TABLE root_source ADD COLUMN objects BIGINT NOT NULL DEFAULT 0;      -- that were kept
ALTER TABLE root_source ADD COLUMN records BIGINT NOT NULL DEFAULT 0;      -- in them
ALTER TABLE root_source ADD COLUMN unreadable BIGINT NOT NULL DEFAULT 0;   -- objects that were skipped, or not read to their end
ALTER TABLE root_source ADD COLUMN undecodable BIGINT NOT NULL DEFAULT 0;  -- records that detections could not take
ALTER TABLE root_source ADD COLUMN late BIGINT NOT NULL DEFAULT 0;         -- matching records that came too late for windows

-- +goose Down
SELECT 1;
