// Package assessment renders what controls came to: an Assessment goes in; text for
// a person, CSV or JUnit comes out; marshalled it is the JSON form. Names and reasons come from AWS and from
// files, so every surface escapes them.
package assessment

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Assessment is one judged account.
type Assessment struct {
	Schema    string             `json:"schema"`
	Version   string             `json:"version"`
	Account   rootkeep.AccountID `json:"account"`
	Taken     time.Time          `json:"taken"` // when the facts were collected
	Judged    time.Time          `json:"judged"`
	Controls  int                `json:"controls"`
	Origins   []Origin           `json:"origins"`
	Counts    Counts             `json:"counts"`
	Findings  []rootkeep.Finding `json:"findings"`
	Problems  []Problem          `json:"problems"`
	ExitCodes []int              `json:"exit_codes"`

	fixes map[string]string
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
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Counts are findings by status.
type Counts struct {
	Fail          int `json:"fail"`
	Unknown       int `json:"unknown"`
	Pass          int `json:"pass"`
	NotApplicable int `json:"not_applicable"`
	Excepted      int `json:"excepted"`
}

// New sorts and counts findings: failures first, the most severe first.
func New(findings []rootkeep.Finding, fixes map[string]string) *Assessment {
	a := &Assessment{Schema: Schema, Findings: findings, Origins: []Origin{}, Problems: []Problem{}, ExitCodes: []int{}, fixes: fixes}
	order := map[rootkeep.Status]int{rootkeep.Fail: 0, rootkeep.Unknown: 1, rootkeep.Excepted: 2, rootkeep.Pass: 3, rootkeep.NotApplicable: 4}
	slices.SortStableFunc(a.Findings, func(x, y rootkeep.Finding) int {
		return cmp.Or(cmp.Compare(order[x.Status], order[y.Status]), -cmp.Compare(x.Severity, y.Severity), cmp.Compare(x.Control, y.Control), cmp.Compare(x.Resource, y.Resource))
	})
	for _, f := range findings {
		switch f.Status {
		case rootkeep.Fail:
			a.Counts.Fail++
		case rootkeep.Pass:
			a.Counts.Pass++
		case rootkeep.NotApplicable:
			a.Counts.NotApplicable++
		case rootkeep.Excepted:
			a.Counts.Excepted++
		default:
			a.Counts.Unknown++
		}
	}
	return a
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
