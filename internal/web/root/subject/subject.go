// Package subject shows a request for root where it is decided: every field that approvers
// sign, and what differs from one version to the next.
package subject

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/report/text"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Faces are how requests for root, and those to a second person, look where all requests
// are decided.
func Faces() []approvals.Face {
	return []approvals.Face{
		{
			Kind: access.RequestKind, List: Requests,
			Signs: "root is used for this, by who asks, in this window", Denys: "root is not used for this",
			Facts: approvals.Fields(fieldsOf).Facts, Differences: approvals.Fields(fieldsOf).Differences,
		},
		{
			Kind: stored.SecondKind, List: overrides,
			Signs: "root is used without its approvals, though an earlier override is not reviewed", Denys: "this override does not go on",
			Facts: approvals.Fields(secondFields).Facts, Differences: approvals.Fields(secondFields).Differences,
		},
	}
}

// Requests leads to all requests for root.
var (
	Requests  = page.Link{Text: "Root", Path: "/root"}
	overrides = page.Link{Text: "Overrides", Path: "/root-overrides"}
)

// fieldsOf are all fields of a request, as approvers have to read them: nothing is signed
// that is not among them, but the schema.
func fieldsOf(subject []byte) ([]approvals.Field, error) {
	r, err := access.ParseRequest(subject)
	if err != nil {
		return nil, err
	}
	out := []approvals.Field{
		{Term: "Task", Text: r.Title + " (" + r.Task + ")"}, {Term: "Accounts", Text: joined(r.Accounts)}, {Term: "Kind", Text: KindWord(r.Kind)}, {Term: "How", Text: PathWord(r.Path)},
		{Term: "Why", Text: r.Justification}, {Term: "Ticket", Text: OrNone(r.Ticket)},
		{Term: "Window", Text: At(r.From) + " to " + At(r.Until)}, {Term: "Session", Text: text.Span(time.Duration(r.Session)*time.Second) + " at most"},
	}
	if r.Path == access.SignIn {
		var networks []string
		for _, n := range r.Networks {
			networks = append(networks, n.String())
		}
		out = append(out, approvals.Field{Term: "Signs in from", Text: strings.Join(networks, ", ")}, approvals.Field{Term: "Custodian", Text: r.Custodian})
	}
	for i, c := range r.Changes {
		out = append(out, approvals.Field{Term: fmt.Sprintf("Change %d", i+1), Text: fmt.Sprintf("%s of account %s, plan with the SHA-256 %s", c.ID, c.Account, c.Plan)})
	}
	out = append(out, approvals.Field{Term: "May cause", Text: joined(r.Events)})
	for i, item := range r.Checklist {
		out = append(out, approvals.Field{Term: fmt.Sprintf("Checklist %d", i+1), Text: string(item.Phase) + ", " + item.ID + ": " + item.Text})
	}
	return append(out, approvals.Field{Term: "SHA-256 of the task", Text: r.TaskHash.String()}), nil
}

// secondFields are all fields of a request to a second person.
func secondFields(subject []byte) ([]approvals.Field, error) {
	s, err := stored.ParseSecond(subject)
	if err != nil {
		return nil, err
	}
	return []approvals.Field{
		{Term: "Overrides", Text: s.Request}, {Term: "Accounts", Text: joined(s.Accounts)}, {Term: "Why nobody is waited for", Text: s.Reason}, {Term: "Not reviewed yet", Text: s.Before},
		{Term: "Cannot agree", Text: joined(s.Barred)}, {Term: "Window ends", Text: At(s.Until)}, {Term: "SHA-256 of the request", Text: s.Content.String()},
	}, nil
}

func joined[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// At is a moment in words.
func At(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// OrNone is a text, or the word for none.
func OrNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// KindWord is a kind of request in words.
func KindWord(k access.Kind) string {
	if k == access.Drill {
		return "drill: an exercise"
	}
	return "use"
}

// PathWord is how root is used in words.
func PathWord(p access.Path) string {
	if p == access.Assumed {
		return "sessions of sts:AssumeRoot, in which the changes are made"
	}
	return "a sign-in with the credential that the custodian keeps"
}
