package access

import (
	"fmt"
	"time"
)

// Advice is what a task comes to for the root user of a holder. The way without root
// comes before anything else.
type Advice struct {
	Holder  Holder
	Says    string // one sentence: what to do first
	Instead string // the way without root, "" if there is none
	Change  string // kind of change that does it without root, or ""
	Refused bool   // root must not be used for it
	Needs   *Requirement
}

// Requirement is what a request for root needs: one cell of the matrix of tasks and
// holders.
type Requirement struct {
	Path      Path
	Change    string // kind of change that each account has one of, on the path Assumed
	Recovery  bool   // the credential is made first and taken away afterwards
	Custodian bool   // somebody who is neither requester nor approver hands the credential out
	Networks  bool   // it has to be said where it will be done from
	Policies  map[Kind]string
	Accounts  int // at most
	Session   time.Duration
	Window    time.Duration // at most
	Expected  time.Duration
	Before    []Item
	After     []Item
	Events    []string
	Asks      []Question
}

// Question is one thing that a requester is asked.
type Question struct {
	Name     string
	Text     string
	Optional bool
}

// Advise says what the task comes to for a holder.
func (t *Task) Advise(h Holder) Advice {
	a := Advice{Holder: h, Instead: t.Without(h), Change: t.Kind}
	w, ok := t.Ways[h]
	switch {
	case t.Need == Never:
		a.Refused, a.Says = true, "Root is not used for this, and no request for it is taken."
	case !ok:
		a.Says = "You do not need root for this."
	default:
		a.Needs = t.requirement(h, &w)
		a.Says = "This needs root: ask for it, and have it approved."
		if a.Instead != "" {
			a.Says = "Try this first, without root. Ask for root only if it does not help."
		}
	}
	return a
}

func (t *Task) requirement(h Holder, w *Way) *Requirement {
	r := &Requirement{
		Path: w.Path, Change: w.Change, Recovery: w.Recovery, Custodian: w.Path == SignIn, Networks: w.Path == SignIn, Policies: map[Kind]string{},
		Accounts: 1, Session: t.Session(h), Window: LongestWindow, Expected: t.Expected, Events: w.Events, Asks: questions(w),
	}
	if w.Path == Assumed {
		r.Accounts = mostAccounts
	}
	for _, k := range t.Requests {
		r.Policies[k] = t.Policy(k)
	}
	for _, i := range w.Items {
		if i.Phase.Before() {
			r.Before = append(r.Before, i)
		} else {
			r.After = append(r.After, i)
		}
	}
	return r
}

// questions are what a requester of a way is asked.
func questions(w *Way) []Question {
	out := []Question{
		{Name: "account", Text: "Whose root user is it?"},
		{Name: "justification", Text: "Why is it done, and why now?"},
		{Name: "ticket", Text: "Which ticket does it belong to?", Optional: true},
		{Name: "window", Text: fmt.Sprintf("When does it begin, and when is it over at the latest? At most %d hours.", int(LongestWindow.Hours()))},
	}
	if w.Path == Assumed {
		return append(out, Question{Name: "change", Text: "Which planned changes of the kind " + w.Change + " is it for, one of each account?"})
	}
	return append(out,
		Question{Name: "network", Text: "From which networks will somebody sign in?"},
		Question{Name: "custodian", Text: "Who hands out the credential? Neither you nor somebody who approves."},
	)
}
