-- +goose Up
-- Most of what detections remember is never due: such rows are in no index of what is.
DROP INDEX live_state_due;
CREATE INDEX live_state_due ON live_state (due, key) WHERE due < 9223372036854775807;

-- +goose Down
SELECT 1;
