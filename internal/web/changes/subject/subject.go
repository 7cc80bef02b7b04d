// Package subject shows a plan where it is decided: every field that approvers sign, and
// what differs from one plan to the next.
package subject

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Face is how requests to apply changes look where all requests are decided.
func Face() approvals.Face {
	return approvals.Face{
		Kind: approval.ChangeKind, List: page.Link{Text: "Changes", Path: "/changes"},
		Signs: "this plan, and no other, is applied", Denys: "this plan is not applied", Facts: approvals.Fields(fields).Facts, Differences: approvals.Fields(fields).Differences,
	}
}

// fields are those of a plan, as approvers have to read them: every call, what it changes,
// what cannot be undone.
func fields(subject []byte) ([]approvals.Field, error) {
	p, err := change.ParsePlan(subject)
	if err != nil {
		return nil, err
	}
	out := []approvals.Field{
		{Term: "Account", Text: string(p.Account)}, {Term: "Change", Text: p.Kind + ": " + p.Title}, {Term: "Class", Text: p.Class}, {Term: "Risk", Text: p.Risk},
		{Term: "What may break", Text: p.Breaks}, orNothing(p),
	}
	if p.For != "" {
		out = append(out, approvals.Field{Term: "Request for root", Text: p.For})
	}
	if p.Undoes != "" {
		out = append(out, approvals.Field{Term: "Undoes", Text: p.Undoes})
	}
	for i, line := range p.Guide {
		out = append(out, approvals.Field{Term: fmt.Sprintf("A person does, %d", i+1), Text: line})
	}
	for i, c := range p.Calls {
		with, err := value(c.With)
		if err != nil {
			return nil, err
		}
		text := c.Call.String() + " with " + with
		if c.Root != "" {
			text += ", in a root session under " + c.Root
		}
		out = append(out, approvals.Field{Term: fmt.Sprintf("Call %d", i+1), Text: text})
	}
	for _, list := range []struct {
		verb string
		of   []change.Difference
	}{{"Changes", p.Diff}, {"Changed since by others", p.Drift}} {
		for _, d := range list.of {
			before, err := value(d.Before)
			if err != nil {
				return nil, err
			}
			after, err := value(d.After)
			if err != nil {
				return nil, err
			}
			out = append(out, approvals.Field{Term: list.verb + " " + d.Path, Text: before + " to " + after})
		}
	}
	return out, nil
}

// orNothing says what cannot be undone; of an undo, what it leaves.
func orNothing(p *change.Plan) approvals.Field {
	term, text := "Cannot be undone", strings.Join(p.Final, "; ")
	switch {
	case p.Undoes != "":
		term = "Stays, as it cannot be undone"
		if text == "" {
			text = "nothing: the state before the change comes back"
		}
	case p.Undoable():
		text = "nothing: all of it can be undone"
	case text == "":
		text = "what a person does, a person undoes"
	}
	return approvals.Field{Term: term, Text: text}
}

// value is a plain value as JSON.
func value(v any) (string, error) {
	text, err := expr.Encode(v)
	return string(text), err
}
