package posture

import (
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/score"
)

// Counts are numbers of findings by status, then by severity.
type Counts [rootkeep.Excepted + 1][rootkeep.Critical + 1]int

// Of is the number of findings of a status.
func (c *Counts) Of(s rootkeep.Status) int {
	n := 0
	for _, of := range c[min(int(s), len(c)-1)] {
		n += of
	}
	return n
}

// CountsOf counts findings.
func CountsOf(findings []rootkeep.Finding) Counts {
	var c Counts
	for i := range findings {
		c.add(&findings[i])
	}
	return c
}

func (c *Counts) add(f *rootkeep.Finding) { c[f.Status][min(f.Severity, rootkeep.Critical)]++ }

// Plus adds the numbers of others.
func (c *Counts) Plus(other *Counts) {
	for i := range c {
		for j := range c[i] {
			c[i][j] += other[i][j]
		}
	}
}

// Summary is what an account came to.
type Summary struct {
	Counts Counts `json:"counts"`
	Risk   int64  `json:"risk"`  // of the failures, as score.Risk weighs them, tenths
	Stale  int    `json:"stale"` // findings that the newest scan did not judge
	Bands  []Band `json:"bands"`
	MFA    MFA    `json:"mfa"`
}

// Band is a level of the scorecard with its items by state.
type Band struct {
	ID            string `json:"id"`
	Title         string `json:"title"`
	Done          int    `json:"done"`
	NotDone       int    `json:"not_done"`
	Unknown       int    `json:"unknown"`
	NotApplicable int    `json:"not_applicable"`
}

// MFA is how far the users who can sign in with a password have a second factor.
type MFA struct {
	Known bool   `json:"known"` // of the users
	Users int    `json:"users"` // with a password
	With  int    `json:"with"`  // of these with MFA
	Root  string `json:"root"`  // yes, no, unknown, or none: the root user has no credentials
}

// coverage reads the MFA of an account. What could not be read is not known; it is never
// counted as without, nor as with.
func coverage(s *facts.Snapshot) MFA {
	unknown := map[string]bool{}
	for _, g := range s.Unknown() {
		unknown[g.Path] = true
	}
	for _, g := range s.Gaps {
		if g.Resource != "" { // of one user: then not all are known
			unknown[g.Path] = true
		}
	}
	m := MFA{Known: !unknown["users.arn"] && !unknown["users.has_password"] && !unknown["users.mfa_enabled"], Root: "unknown"}
	for _, u := range s.Facts.Users {
		if m.Known && u.HasPassword {
			m.Users++
			if u.MFAEnabled {
				m.With++
			}
		}
	}
	root := s.Facts.Root
	switch {
	case unknown["root.has_password"] || unknown["root.mfa_enabled"]:
	case root.MFAEnabled:
		m.Root = "yes"
	case root.HasPassword || root.HasAccessKeys || root.HasCertificates:
		m.Root = "no"
	case !unknown["root.has_access_keys"] && !unknown["root.has_certificates"]:
		m.Root = "none"
	}
	return m
}

// summarize sums the findings of an account up. controls are those that were ever judged
// in it, so that an item none of whose controls was stays unknown.
func summarize(all map[string]*Finding, card *score.Scorecard, controls []string, mfa MFA) Summary {
	s := Summary{MFA: mfa, Bands: []Band{}}
	list := make([]rootkeep.Finding, 0, len(all))
	for _, f := range all {
		s.Counts.add(&f.Finding)
		if f.Status == rootkeep.Fail {
			s.Risk += score.Risk(f.Severity)
		}
		if !f.LastSeen.IsZero() {
			s.Stale++
		}
		list = append(list, f.Finding)
	}
	if card == nil {
		return s
	}
	for _, l := range card.Of(list, controls, false).Levels {
		s.Bands = append(s.Bands, Band{l.ID, l.Title, l.Done, l.NotDone, l.Unknown, l.NotApplicable})
	}
	return s
}

// place orders findings as reports do: failures of the root user first, then those of
// them that somebody accepts, then the others by what they came to, the severe first.
func place(f *rootkeep.Finding) int64 {
	order := map[rootkeep.Status]int64{rootkeep.Fail: 2, rootkeep.Unknown: 3, rootkeep.Excepted: 4, rootkeep.Pass: 5, rootkeep.NotApplicable: 6}[f.Status]
	switch {
	case f.IsRoot() && f.Status == rootkeep.Fail:
		order = 0
	case f.IsRoot() && f.Status == rootkeep.Excepted:
		order = 1
	}
	return 8*order + int64(rootkeep.Critical-min(f.Severity, rootkeep.Critical))
}

// allPlaces are the places in that order, each with the status and the severity of what
// stands there.
func allPlaces() map[int64]rootkeep.Finding {
	out := map[int64]rootkeep.Finding{}
	for _, control := range []string{"", rootkeep.RootControls} {
		for status := range rootkeep.Excepted + 1 {
			for severity := range rootkeep.Critical + 1 {
				f := rootkeep.Finding{Control: control, Status: status, Severity: severity}
				out[place(&f)] = f
			}
		}
	}
	return out
}

// path is where the account lies in its organization, from the root down, as the facts
// tell it; nil if they do not.
func path(s *facts.Snapshot) []string {
	levels := s.Facts.Organization.SCPs
	if len(levels) == 0 {
		levels = s.Facts.Organization.RCPs
	}
	var out []string
	for _, l := range levels {
		if strings.HasPrefix(l.Target, "r-") || strings.HasPrefix(l.Target, "ou-") {
			out = append(out, l.Target)
		}
	}
	return out
}
