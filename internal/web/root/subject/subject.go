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
			Facts: factsBy(fieldsOf), Differences: differencesBy(fieldsOf),
		},
		{
			Kind: stored.SecondKind, List: overrides,
			Signs: "root is used without its approvals, though an earlier override is not reviewed", Denys: "this override does not go on",
			Facts: factsBy(secondFields), Differences: differencesBy(secondFields),
		},
	}
}

// Requests leads to all requests for root.
var (
	Requests  = page.Link{Text: "Root", Path: "/root"}
	overrides = page.Link{Text: "Overrides", Path: "/root-overrides"}
)

// field is one field of a subject: what it says, as text.
type field struct{ term, text string }

// fieldsOf are all fields of a request, as approvers have to read them: nothing is signed
// that is not among them, but the schema.
func fieldsOf(subject []byte) ([]field, error) {
	r, err := access.ParseRequest(subject)
	if err != nil {
		return nil, err
	}
	out := []field{
		{"Task", r.Title + " (" + r.Task + ")"}, {"Accounts", joined(r.Accounts)}, {"Kind", KindWord(r.Kind)}, {"How", PathWord(r.Path)},
		{"Why", r.Justification}, {"Ticket", OrNone(r.Ticket)},
		{"Window", At(r.From) + " to " + At(r.Until)}, {"Session", text.Span(time.Duration(r.Session)*time.Second) + " at most"},
	}
	if r.Path == access.SignIn {
		var networks []string
		for _, n := range r.Networks {
			networks = append(networks, n.String())
		}
		out = append(out, field{"Signs in from", strings.Join(networks, ", ")}, field{"Custodian", r.Custodian})
	}
	for i, c := range r.Changes {
		out = append(out, field{fmt.Sprintf("Change %d", i+1), fmt.Sprintf("%s of account %s, plan with the SHA-256 %s", c.ID, c.Account, c.Plan)})
	}
	out = append(out, field{"May cause", joined(r.Events)})
	for i, item := range r.Checklist {
		out = append(out, field{fmt.Sprintf("Checklist %d", i+1), string(item.Phase) + ", " + item.ID + ": " + item.Text})
	}
	return append(out, field{"SHA-256 of the task", r.TaskHash.String()}), nil
}

// secondFields are all fields of a request to a second person.
func secondFields(subject []byte) ([]field, error) {
	s, err := stored.ParseSecond(subject)
	if err != nil {
		return nil, err
	}
	return []field{
		{"Overrides", s.Request}, {"Accounts", joined(s.Accounts)}, {"Why nobody is waited for", s.Reason}, {"Not reviewed yet", s.Before},
		{"Cannot agree", joined(s.Barred)}, {"Window ends", At(s.Until)}, {"SHA-256 of the request", s.Content.String()},
	}, nil
}

func factsBy(fields func([]byte) ([]field, error)) func([]byte) ([]page.Fact, error) {
	return func(subject []byte) ([]page.Fact, error) {
		list, err := fields(subject)
		out := make([]page.Fact, len(list))
		for i, f := range list {
			out[i] = page.Fact{Term: f.term, Value: page.LongText(f.text)}
		}
		return out, err
	}
}

func differencesBy(fields func([]byte) ([]field, error)) func(before, after []byte) ([]approvals.Difference, error) {
	return func(before, after []byte) ([]approvals.Difference, error) {
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
