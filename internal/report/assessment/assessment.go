// Package assessment renders what controls came to: an Assessment goes in; text for
// a person, CSV or JUnit comes out; marshalled it is the JSON form. Names and reasons
// come from AWS and from files, so every surface escapes them.
package assessment

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/register"
)

// Assessment is one or more judged accounts.
type Assessment struct {
	Schema    string             `json:"schema"`
	Version   string             `json:"version"`
	Judged    time.Time          `json:"judged"`
	Controls  int                `json:"controls"`
	Judging   []string           `json:"control_ids"` // the controls
	Accounts  []Account          `json:"accounts"`
	Counts    Counts             `json:"counts"`
	Findings  []rootkeep.Finding `json:"findings"`
	Problems  []Problem          `json:"problems"`
	ExitCodes []int              `json:"exit_codes"`
	Plan      []score.Fix        `json:"plan"` // what to fix first
	Score     *score.Score       `json:"score,omitempty"`
	Register  *Register          `json:"register,omitempty"` // if one was given
	Since     *Difference        `json:"since,omitempty"`    // if an earlier scan was given
	Imported  *Imported          `json:"security_hub,omitempty"`
	Left      []Left             `json:"not_scanned"`
	// Frameworks are those that were asked for, as the findings answer them.
	Frameworks []framework.Coverage `json:"frameworks,omitempty"`

	controls map[string]*posture.Control
	expected int // accounts
}

// Account is one account with the age of its facts.
type Account struct {
	ID      rootkeep.AccountID `json:"id"` // "" if no file tells it
	Alias   string             `json:"alias,omitempty"`
	Taken   time.Time          `json:"taken"` // when the facts were collected
	Counts  Counts             `json:"counts"`
	Origins []Origin           `json:"origins"`
}

// Schema names the JSON form.
const Schema = "rootkeep/scan/1"

// Origin is a source of facts with its age.
type Origin struct {
	Call string    `json:"call"`
	File string    `json:"file,omitempty"`
	At   time.Time `json:"at"`
}

// Problem is an input that could not be read.
type Problem struct {
	// Account is set if nothing of an account was read: it has no findings.
	Account rootkeep.AccountID `json:"account,omitempty"`

	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Register is the register that was applied, and what its owners should look at.
type Register struct {
	File    string            `json:"file"`
	Notices []register.Notice `json:"notices"`
}

// Counts are findings by status.
type Counts struct {
	Fail          int `json:"fail"`
	Unknown       int `json:"unknown"`
	Pass          int `json:"pass"`
	NotApplicable int `json:"not_applicable"`
	Excepted      int `json:"excepted"`
}

// New starts an assessment by these controls.
func New(version string, judged time.Time, controls []*posture.Control) *Assessment {
	a := &Assessment{
		Schema: Schema, Version: version, Judged: judged, Controls: len(controls), controls: map[string]*posture.Control{},
		Accounts: []Account{}, Findings: []rootkeep.Finding{}, Problems: []Problem{}, ExitCodes: []int{}, Plan: []score.Fix{}, Judging: []string{}, Left: []Left{},
	}
	for _, c := range controls {
		a.controls[c.ID] = c
		a.Judging = append(a.Judging, c.ID)
	}
	return a
}

// Expect says how many accounts there will be, so that room for the findings of an
// organization is made once, or nearly: with a list that grows as any other, the memory
// of what it grew out of counts twice.
func (a *Assessment) Expect(accounts int) { a.expected = accounts }

// room makes room for the findings of one more account, and for those of all that are to
// come as soon as a few have shown how many each has.
func (a *Assessment) room(n int) {
	const few = 16
	done := len(a.Accounts) + 1
	if len(a.Findings)+n <= cap(a.Findings) || done < few {
		return
	}
	each := (len(a.Findings) + n + done - 1) / done
	a.Findings = slices.Grow(a.Findings, max(n, each*(a.expected-done)*21/20))
}

// Add takes the findings of one account.
func (a *Assessment) Add(s *facts.Snapshot, findings []rootkeep.Finding) {
	account := Account{ID: s.Account, Alias: s.Facts.Account.Alias, Taken: s.Taken, Origins: []Origin{}}
	seen := map[Origin]bool{}
	for _, o := range s.Origins {
		if from := (Origin{Call: o.Call, File: o.File, At: o.At}); !seen[from] {
			seen[from] = true
			account.Origins = append(account.Origins, from)
		}
	}
	for _, f := range findings {
		account.Counts.count(f.Status)
		a.Counts.count(f.Status)
	}
	a.room(len(findings))
	a.Accounts = append(a.Accounts, account)
	a.Findings = append(a.Findings, findings...)
}

// Finish sorts and plans: failures of the root user first, then those of them that
// somebody accepts, then all others, the most severe first.
func (a *Assessment) Finish() {
	order := map[rootkeep.Status]int{rootkeep.Fail: 0, rootkeep.Unknown: 1, rootkeep.Excepted: 2, rootkeep.Pass: 3, rootkeep.NotApplicable: 4}
	place := func(f *rootkeep.Finding) int {
		switch {
		case f.IsRoot() && f.Status == rootkeep.Fail:
			return -2
		case f.IsRoot() && f.Status == rootkeep.Excepted:
			return -1
		}
		return order[f.Status]
	}
	slices.SortStableFunc(a.Findings, func(x, y rootkeep.Finding) int {
		return cmp.Or(cmp.Compare(place(&x), place(&y)), -cmp.Compare(x.Severity, y.Severity), cmp.Compare(x.Control, y.Control),
			cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), cmp.Compare(x.Resource, y.Resource))
	})
	a.Plan = score.Plan(a.Findings, a.controls)
}

// Grade fills a scorecard in.
func (a *Assessment) Grade(card *score.Scorecard) {
	a.Score = card.Of(a.Findings, a.Judging, a.Unread() > 0)
}

// Unread is the number of accounts of which nothing was read: they have no findings, and
// nobody is to take that for a pass.
func (a *Assessment) Unread() int {
	n := 0
	for _, p := range a.Problems {
		if p.Account != "" {
			n++
		}
	}
	return n
}

// Control is the control of a finding; nil if it is not loaded.
func (a *Assessment) Control(id string) *posture.Control { return a.controls[id] }

func (c *Counts) count(s rootkeep.Status) {
	switch s {
	case rootkeep.Fail:
		c.Fail++
	case rootkeep.Pass:
		c.Pass++
	case rootkeep.NotApplicable:
		c.NotApplicable++
	case rootkeep.Excepted:
		c.Excepted++
	default:
		c.Unknown++
	}
}

// Fails counts the failures at or above a severity.
func (a *Assessment) Fails(least rootkeep.Severity) int {
	n := 0
	for _, f := range a.Findings {
		if f.Status == rootkeep.Fail && f.Severity >= least {
			n++
		}
	}
	return n
}
