// Package job runs durable work: jobs that lie in a store are claimed under a lease, run
// by the handler of their kind, and finished, tried again or given up. Several servers
// may run jobs of one store. A job is done at least once: its server may die after the
// work and before it says so, so handlers must be idempotent.
//
// Schedules make jobs at the times of a cron expression. Times missed while no server
// ran are made up for once, not once for each.
package job

import (
	"context"
	"errors"
	"time"
)

// State is where a job stands.
type State string

// The states. A dead job failed as often as it may; somebody can run it again.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Dead    State = "dead"
)

// Job is one piece of work. Of the jobs of a kind with the same key only the first is
// kept: whoever asks twice gets one.
type Job struct {
	ID       string
	Kind     string
	Key      string
	Payload  []byte // JSON, as the kind's handler reads it
	State    State
	RunAt    time.Time // not before
	Attempt  int       // from 1 while it runs
	Owner    string    // server that holds the lease
	Lease    time.Time // until then
	Progress string    // for a person
	Error    string    // of the last attempt
	Created  time.Time
	Started  time.Time // the last attempt
	Ended    time.Time
	Schedule string // ID of the schedule that made it, if one did
}

// Handler does the jobs of a kind. It may be called again for a job that was done
// before, and must stop when ctx ends: the lease is lost then, or the server stops.
// report tells how far it is, in one line for a person.
type Handler interface {
	Handle(ctx context.Context, j *Job, report func(progress string)) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, j *Job, report func(progress string)) error

// Handle calls the function.
func (f HandlerFunc) Handle(ctx context.Context, j *Job, report func(string)) error {
	return f(ctx, j, report)
}

// Kind is a kind of jobs.
type Kind struct {
	Name     string
	Handler  Handler
	Together int // how many run at once on one server; 0 is 1
	Attempts int // after which a job is dead; 0 is 5
}

// permanent is an error that no further attempt would mend.
type permanent struct{ error }

// Unwrap gives the error.
func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that no further attempt would mend: the job is dead at once.
func Permanent(err error) error { return permanent{err} }

// IsPermanent says whether the error was marked so.
func IsPermanent(err error) bool { return errors.As(err, new(permanent)) }

// paused is an error after which the next attempt is not made at once.
type paused struct {
	error
	pause   time.Duration
	counted bool
}

// Unwrap gives the error.
func (p paused) Unwrap() error { return p.error }

// After marks a failed attempt after which the job is left alone for a while at least: the
// other side asked for it.
func After(err error, pause time.Duration) error { return paused{err, pause, true} }

// Postpone puts a job off that was not tried: it is no attempt.
func Postpone(why string, pause time.Duration) error {
	return paused{errors.New(why), pause, false}
}

// Pause is how long an error leaves its job alone, and whether there was an attempt.
func Pause(err error) (pause time.Duration, attempted bool) {
	var p paused
	if !errors.As(err, &p) {
		return 0, true
	}
	return p.pause, p.counted
}

// ErrLost is a lease that somebody else holds now.
var ErrLost = errors.New("the lease of the job is lost")

// Outcome is what became of an attempt.
type Outcome struct {
	State State
	RunAt time.Time // of the next attempt, if State is Waiting
	Error string
	// Kept is an attempt that does not count: the server stopped in the middle of it.
	Kept bool
}

// Keeper keeps jobs and schedules. Everything it does is compared and set: of two
// servers that try the same, one gets it.
type Keeper interface {
	// Claim leases the next job that is due, of one of the kinds; nil if there is none.
	// A job whose lease ran out is due.
	Claim(ctx context.Context, owner string, kinds []string, lease time.Duration) (*Job, error)
	// Extend renews the lease and keeps the progress; ErrLost if it is not the owner's.
	Extend(ctx context.Context, j *Job, lease time.Duration, progress string) error
	// Finish ends an attempt; ErrLost as well.
	Finish(ctx context.Context, j *Job, o Outcome) error
	// Tick makes the jobs of the schedules that are due.
	Tick(ctx context.Context) error
}
