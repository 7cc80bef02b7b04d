package story

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/incident"
)

// Case is a case that a verdict or an override opened, as its newest entry tells of it.
type Case struct {
	ID       string             `json:"id"`
	Account  rootkeep.AccountID `json:"account"`
	Cause    string             `json:"cause"`
	Title    string             `json:"title"`
	Request  string             `json:"request,omitempty"`
	Severity rootkeep.Severity  `json:"severity"`
	State    incident.State     `json:"state"`
	Events   int                `json:"events"`
	History  []CaseLine         `json:"history"`
}

// CaseLine is one line of the history of a case.
type CaseLine struct {
	Entry int64 `json:"entry"`
	incident.Line
}

func (r *Reader) addCase(e Entry) {
	var told struct {
		incident.Line
		Account  rootkeep.AccountID `json:"account"`
		Cause    string             `json:"cause"`
		Events   int                `json:"events"`
		Request  string             `json:"request"`
		Severity rootkeep.Severity  `json:"severity"`
		State    incident.State     `json:"state"`
		Title    string             `json:"title"`
	}
	if !r.said(e, "case", &told) {
		return
	}
	if !strings.HasPrefix(told.Cause, "root ") && !strings.HasPrefix(told.Cause, "override ") {
		return // of something else
	}
	c := r.cases[e.Subject]
	if c == nil {
		if !r.room(e, len(r.cases), mostCases, "cases") {
			return
		}
		c = &Case{ID: e.Subject}
		r.cases[e.Subject] = c
	}
	if r.lines++; !r.room(e, r.lines, mostLines, "lines of histories") {
		return
	}
	c.Account, c.Cause, c.Title, c.Request, c.Severity, c.State, c.Events = told.Account, told.Cause, told.Title, told.Request, told.Severity, told.State, told.Events
	c.History = append(c.History, CaseLine{e.N, told.Line})
}

// bearsOn says whether anything happened to the case in a period, or it was open then.
func (c *Case) bearsOn(from, to time.Time) bool {
	first := c.History[0].At
	return first.Before(to) && (c.State == incident.Open || slices.ContainsFunc(c.History, func(l CaseLine) bool { return !l.At.Before(from) }))
}
