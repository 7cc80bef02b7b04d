package awsread

import (
	"context"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/organization"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// wideFacts is what was read once of an organization, to be told of every member.
type wideFacts struct {
	by      rootkeep.AccountID // the account that was asked
	answers []wideAnswer
}

type wideAnswer struct {
	action string
	at     time.Time
	told   organization.Told
	err    error
}

// organizationWide reads what tells of all members. What fails is an error of its
// answer, not of the whole.
func (r *reader) organizationWide(ctx context.Context) *wideFacts {
	w := &wideFacts{by: r.account}
	for _, o := range organization.WideOperations() {
		p := r.place(r.aws.Region)
		r.plan(1)
		tells, err := o.Read(ctx, p)
		w.answers = append(w.answers, wideAnswer{o.Action, p.At, tells, err})
	}
	return w
}

// tell puts into the snapshot of a member what concerns it, with the account that was
// asked as the origin; what could not be read is a gap there.
func (w *wideFacts) tell(s *facts.Snapshot, path []string) {
	lost := &failures{}
	for _, a := range w.answers {
		if a.err != nil {
			lost.add(&task{Operation: call.Operation{Action: a.action}, err: a.err})
			continue
		}
		a.told(path)(&s.Facts)
		for _, fact := range pathsOf(a.action) {
			s.Origins = append(s.Origins, facts.Origin{Path: fact, Call: a.action, At: a.at, Account: w.by})
		}
	}
	lost.gaps(s)
}

// expired is the error of an answer for which the credentials had expired, nil if none had.
func (w *wideFacts) expired() error {
	for _, a := range w.answers {
		if expired(a.err) {
			return a.err
		}
	}
	return nil
}

// lose notes that an answer is of no use, if it was given at all.
func (w *wideFacts) lose(action string, err error) {
	for i := range w.answers {
		if w.answers[i].action == action && w.answers[i].err == nil {
			w.answers[i].err = err
		}
	}
}

// features are those of centralized root access, if AWS told them.
func (w *wideFacts) features() (names []string, known bool) {
	for _, a := range w.answers {
		if a.action == organization.ListFeatures && a.err == nil {
			f := facts.Facts{}
			a.told(nil)(&f)
			return f.Organization.RootFeatures, true
		}
	}
	return nil, false
}

// isWide says whether an operation asks for what is told of the whole organization.
func isWide(action string) bool {
	return slices.ContainsFunc(organization.WideOperations(), func(w organization.Wide) bool { return w.Action == action })
}
