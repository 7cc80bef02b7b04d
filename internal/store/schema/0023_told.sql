-- +goose Up
-- What was told of a case is known as long as the case is open; a job is forgotten before.
ALTER TABLE notice_thread ADD COLUMN notice TEXT NOT NULL DEFAULT ''; -- ID of the newest that was put, or of that for which one of many cases was

-- +goose Down
ALTER TABLE notice_thread DROP COLUMN notice;
