package alert

import (
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Policy says what is told again, and what is told as one.
type Policy struct {
	// Escalate is how long an alert of a level may wait for somebody to acknowledge it before
	// it escalates; none: it never does.
	Escalate map[rootkeep.Severity]time.Duration
	// Again is how often it escalates by time.
	Again int
	Storm Storm
}

// Default is what holds where nobody says otherwise.
func Default() Policy {
	return Policy{
		Escalate: map[rootkeep.Severity]time.Duration{rootkeep.Critical: 15 * time.Minute, rootkeep.High: time.Hour},
		Again:    3, Storm: Storm{Most: 20, Within: time.Hour},
	}
}

// Storm is when many of a kind are told as one, so that what many can cause does not bury
// what matters.
type Storm struct {
	Most   int           // that are told one by one
	Within time.Duration // of each other
}

// Breaks says whether one more is not told by itself, when so many were within the time.
func (s Storm) Breaks(told int) bool { return told >= s.Most }

// Check refuses a policy that could not be meant.
func (p *Policy) Check() error {
	for level, after := range p.Escalate {
		if after < time.Minute {
			return fmt.Errorf("alerts of level %s escalate after %v: want a minute or more", level, after)
		}
	}
	switch {
	case p.Storm.Most < 1 || p.Storm.Within < time.Minute:
		return errors.New("a storm: want one alert or more, within a minute or more")
	case p.Again < 0 || p.Again > 100:
		return fmt.Errorf("alerts escalate %d times by time: want 0 to 100", p.Again)
	}
	return nil
}

// DueOf is when an alert that is told at a moment escalates if nobody acknowledges it; zero
// for never.
func (p *Policy) DueOf(a *Alert, now time.Time) time.Time {
	after := p.Escalate[a.Found.Level]
	if after == 0 || a.Escalated >= p.Again || a.State != New || a.Muted != "" {
		return time.Time{}
	}
	return now.Add(after)
}
