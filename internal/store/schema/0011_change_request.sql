-- +goose Up
-- Changes that belong to a request for root, which approves them in place of one of theirs.
ALTER TABLE change ADD COLUMN request TEXT NOT NULL DEFAULT ''; -- RR-..., '' of one that has a request of its own
CREATE INDEX change_request ON change (request);
