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
		Signs: "this plan, and no other, is applied", Denys: "this plan is not applied", Facts: facts, Differences: differences,
	}
}

// field is one field of a plan: what it says, as text.
type field struct{ term, text string }

// facts are the fields of a plan, as approvers have to read them: every call, what it
// changes, what cannot be undone.
func facts(subject []byte) ([]page.Fact, error) {
	list, err := fields(subject)
	if err != nil {
		return nil, err
	}
	out := make([]page.Fact, len(list))
	for i, f := range list {
		out[i] = page.Fact{Term: f.term, Value: page.LongText(f.text)}
	}
	return out, nil
}

// differences are the fields that differ from one plan to the next.
func differences(before, after []byte) ([]approvals.Difference, error) {
	old, err := fields(before)
	if err != nil {
		return nil, err
	}
	now, err := fields(after)
	if err != nil {
		return nil, err
	}
	was := map[string]string{}
	for _, f := range old {
		was[f.term] = f.text
	}
	var out []approvals.Difference
	for _, f := range now {
		if text, there := was[f.term]; !there || text != f.text {
			out = append(out, approvals.Difference{Field: f.term, Before: text, After: f.text})
		}
		delete(was, f.term)
	}
	for _, f := range old {
		if text, gone := was[f.term]; gone {
			out = append(out, approvals.Difference{Field: f.term, Before: text})
		}
	}
	return out, nil
}

func fields(subject []byte) ([]field, error) {
	p, err := change.ParsePlan(subject)
	if err != nil {
		return nil, err
	}
	out := []field{
		{"Account", string(p.Account)}, {"Change", p.Kind + ": " + p.Title}, {"Class", p.Class}, {"Risk", p.Risk},
		{"What may break", p.Breaks}, orNothing(p),
	}
	if p.For != "" {
		out = append(out, field{"Request for root", p.For})
	}
	if p.Undoes != "" {
		out = append(out, field{"Undoes", p.Undoes})
	}
	for i, line := range p.Guide {
		out = append(out, field{fmt.Sprintf("A person does, %d", i+1), line})
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
		out = append(out, field{fmt.Sprintf("Call %d", i+1), text})
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
			out = append(out, field{list.verb + " " + d.Path, before + " to " + after})
		}
	}
	return out, nil
}

// orNothing says what cannot be undone; of an undo, what it leaves.
func orNothing(p *change.Plan) field {
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
	return field{term, text}
}

// value is a plain value as JSON.
func value(v any) (string, error) {
	text, err := expr.Encode(v)
	return string(text), err
}
