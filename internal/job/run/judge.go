package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
)

func together(k job.Kind) int { return max(k.Together, 1) }

func attempts(k job.Kind) int {
	if k.Attempts == 0 {
		return 5
	}
	return k.Attempts
}

const (
	firstPause   = 15 * time.Second
	longestPause = time.Hour
	longestError = 2000 // bytes kept
)

// judge decides what follows from how an attempt ended at a moment.
func judge(k job.Kind, j *job.Job, err error, stopped bool, now time.Time, chance *rand.Rand) job.Outcome {
	if err == nil {
		return job.Outcome{State: job.Done}
	}
	if stopped {
		return job.Outcome{State: job.Waiting, RunAt: now, Kept: true}
	}
	least, attempted := job.Pause(err)
	if !attempted && !job.IsPermanent(err) {
		return job.Outcome{State: job.Waiting, RunAt: now.Add(least), Kept: true}
	}
	out := job.Outcome{State: job.Dead, Error: err.Error()}
	if len(out.Error) > longestError {
		out.Error = out.Error[:longestError] + " ..."
	}
	if !job.IsPermanent(err) && j.Attempt < attempts(k) {
		out.State, out.RunAt = job.Waiting, now.Add(max(pause(j.Attempt, chance), min(least, longestPause)))
	}
	return out
}

// pause is the time until the next attempt: it doubles, and differs by a fifth both ways
// so that jobs which failed together do not come back together.
func pause(attempt int, chance *rand.Rand) time.Duration {
	d := longestPause
	if attempt < 20 {
		d = min(d, firstPause<<(attempt-1))
	}
	return d*4/5 + time.Duration(chance.Int64N(int64(d*2/5)))
}

// guarded calls the handler; a panic is its error.
func guarded(ctx context.Context, h job.Handler, j *job.Job, report func(string)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h.Handle(ctx, j, report)
}
