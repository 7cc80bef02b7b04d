package client

import (
	"encoding/json"
	"time"
)

// Job is one piece of the server's own work.
type Job struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	State    string          `json:"state"` // waiting, running, done, dead
	Payload  json.RawMessage `json:"payload"`
	Progress string          `json:"progress,omitempty"`
	Error    string          `json:"error,omitempty"` // of the last attempt
	Attempt  int             `json:"attempt"`
	RunAt    time.Time       `json:"run_at"` // not before
	Created  time.Time       `json:"created"`
	Started  time.Time       `json:"started,omitzero"`
	Ended    time.Time       `json:"ended,omitzero"`
	Schedule string          `json:"schedule,omitempty"` // that made it
}

// NewJob asks for a job.
type NewJob struct {
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload,omitempty"` // as the kind takes it; {} if left out
}

// Schedule makes jobs of a kind.
type Schedule struct {
	ID      string          `json:"id"`
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Cron    string          `json:"cron"` // minute, hour, day of the month, month, day of the week
	Zone    string          `json:"zone"` // of the tz database
	Enabled bool            `json:"enabled"`
	Next    time.Time       `json:"next,omitzero"` // set by the server
}
