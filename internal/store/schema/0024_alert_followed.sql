-- +goose Up
-- Alerts that are open and have a case: each minute it is looked whether that was closed.
CREATE INDEX alert_followed ON alert (id) WHERE incident <> '' AND state <> 'closed';

-- +goose Down
DROP INDEX alert_followed;
