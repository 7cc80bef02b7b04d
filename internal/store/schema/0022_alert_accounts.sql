-- +goose Up
-- Of an alert about several accounts its own row names none.
CREATE TABLE alert_about (
	alert   TEXT NOT NULL REFERENCES alert (id),
	account TEXT NOT NULL, -- '': others that the alert does not name
	PRIMARY KEY (alert, account)
);
CREATE INDEX alert_about_account ON alert_about (account, alert);

-- +goose Down
DROP TABLE alert_about;
