package alert

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
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

// configuration is a file of a policy. What it leaves out is as in Default.
type configuration struct {
	Escalate map[string]rule.Duration `yaml:"escalate"` // by level
	Again    *int                     `yaml:"again"`
	Storm    struct {
		Most   int           `yaml:"most"`
		Within rule.Duration `yaml:"within"`
	} `yaml:"storm"`
}

// ReadPolicy reads a file of a policy. What is wrong with it names file and line.
func ReadPolicy(src rule.Source, name string) (Policy, error) {
	p := Default()
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return p, err
	}
	var c configuration
	if err := rule.Decode(shown, body, &c); err != nil {
		return p, err
	}
	if c.Escalate != nil {
		p.Escalate = map[rootkeep.Severity]time.Duration{}
	}
	for name, after := range c.Escalate {
		level, err := rootkeep.ParseSeverity(name)
		if err != nil {
			return p, fmt.Errorf("%s: %w", shown, err)
		}
		p.Escalate[level] = time.Duration(after)
	}
	if c.Again != nil {
		p.Again = *c.Again
	}
	p.Storm.Most, p.Storm.Within = cmp.Or(c.Storm.Most, p.Storm.Most), cmp.Or(time.Duration(c.Storm.Within), p.Storm.Within)
	if err := p.Check(); err != nil {
		return p, fmt.Errorf("%s: %w", shown, err)
	}
	return p, nil
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
