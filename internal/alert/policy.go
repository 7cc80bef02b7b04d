package alert

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
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
	// Tags are what alerts of an account have from the start.
	Tags map[string]Tagging
}

// Tagging is which accounts have a tag: those that are named, and those below a unit.
type Tagging struct {
	Accounts []rootkeep.AccountID
	Units    []string // IDs of organizational units, or of the root
}

const mostTagged = 1000 // tags, accounts and units of a policy

var unitForm = regexp.MustCompile(`^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$`)

// ByUnit says whether tags hang on where an account lies.
func (p *Policy) ByUnit() bool {
	for _, of := range p.Tags {
		if len(of.Units) > 0 {
			return true
		}
	}
	return false
}

// TagsOf are the tags of an account, in order; path are the units that it lies in, as far as
// they are known.
func (p *Policy) TagsOf(account rootkeep.AccountID, path []string) []string {
	var out []string
	for tag, of := range p.Tags {
		below := slices.ContainsFunc(of.Units, func(u string) bool { return slices.Contains(path, u) })
		if account != "" && (below || slices.Contains(of.Accounts, account)) {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return out
}

func (p *Policy) checkTags() error {
	n := 0
	for tag, of := range p.Tags {
		if err := CheckTag(tag); err != nil {
			return err
		}
		for _, a := range of.Accounts {
			if _, err := rootkeep.ParseAccountID(string(a)); err != nil {
				return fmt.Errorf("tag %s: %w", tag, err)
			}
		}
		for _, u := range of.Units {
			if !unitForm.MatchString(u) {
				return fmt.Errorf("tag %s: unit %q: want an ID such as ou-ab12-c3d4e5f6, or r-ab12", tag, u)
			}
		}
		if len(of.Accounts)+len(of.Units) == 0 {
			return fmt.Errorf("tag %s: want accounts or units", tag)
		}
		n += 1 + len(of.Accounts) + len(of.Units)
	}
	if n > mostTagged {
		return fmt.Errorf("%d tags, accounts and units, at most %d; hint: a unit stands for all accounts below it", n, mostTagged)
	}
	return nil
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
	return p.checkTags()
}

// configuration is a file of a policy. What it leaves out is as in Default.
type configuration struct {
	Escalate map[string]rule.Duration `yaml:"escalate"` // by level
	Again    *int                     `yaml:"again"`
	Storm    struct {
		Most   int           `yaml:"most"`
		Within rule.Duration `yaml:"within"`
	} `yaml:"storm"`
	Tags map[string]struct {
		Accounts []string `yaml:"accounts"`
		Units    []string `yaml:"units"`
	} `yaml:"tags"`
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
	p.Tags = map[string]Tagging{}
	for tag, of := range c.Tags {
		t := Tagging{Units: of.Units}
		for _, a := range of.Accounts {
			t.Accounts = append(t.Accounts, rootkeep.AccountID(a))
		}
		p.Tags[tag] = t
	}
	if err := p.Check(); err != nil {
		return p, fmt.Errorf("%s: %w", shown, err)
	}
	return p, nil
}

// DueOf is when an alert that is told at a moment, by itself or by a case of a severity (0 for
// none), escalates if nobody acknowledges it; zero for never.
func (p *Policy) DueOf(a *Alert, severity rootkeep.Severity, now time.Time) time.Time {
	after := p.Escalate[max(a.Found.Level, severity)]
	if after == 0 || a.Escalated >= p.Again || a.State != New || a.Muted != "" && a.Muted != ByCase {
		return time.Time{}
	}
	return now.Add(after)
}
