// Package asked is what of findings is asked to be accepted, and what may be asked by
// whoever looks at them.
package asked

import (
	"context"
	"net/url"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// Request is an open request for an exception.
type Request struct {
	ID, Path string // Path is its page
	Account  rootkeep.AccountID
	Control  string
	Region   rootkeep.Region // "" for all
	Resource string          // "" for all
}

// about says whether the request asks to accept a finding.
func (q *Request) about(f *kept.Finding) bool {
	return q.Account == f.Account && q.Control == f.Control && (q.Region == "" || q.Region == f.Region) && (q.Resource == "" || q.Resource == f.Resource)
}

// Requested lists the open requests for exceptions that an actor may read, the newest
// first: of an account, or with "" of all.
type Requested func(context.Context, *store.Reader, people.Actor, rootkeep.AccountID) ([]Request, error)

// Asking is what is asked, and may be asked, of some findings by whoever looks at them.
type Asking struct {
	path     string // of the form
	requests []Request
	may      map[rootkeep.AccountID]bool
}

// Read reads what is asked of the findings, which are of one account or of several. form
// is the path of the form that asks, "" if there is none.
func Read(ctx context.Context, r *store.Reader, actor people.Actor, form string, requested Requested, list ...*kept.Finding) (*Asking, error) {
	out := &Asking{path: form, may: map[rootkeep.AccountID]bool{}}
	for _, f := range list {
		if _, known := out.may[f.Account]; known || f.Status != rootkeep.Fail {
			continue
		}
		place, err := kept.PlaceOf(ctx, r, f.Account)
		if err != nil {
			return nil, err
		}
		out.may[f.Account] = actor.May(people.Request, place)
	}
	if requested == nil || len(out.may) == 0 {
		return out, nil
	}
	var of rootkeep.AccountID // of several: all
	if len(out.may) == 1 {
		of = list[0].Account
	}
	var err error
	out.requests, err = requested(ctx, r, actor, of)
	return out, err
}

// Open are the requests to accept a finding, the newest first.
func (q *Asking) Open(f *kept.Finding) []Request {
	var out []Request
	for i := range q.requests {
		if f.Status == rootkeep.Fail && q.requests[i].about(f) {
			out = append(out, q.requests[i])
		}
	}
	return out
}

// Form is the address of the form that asks for an exception to a finding, filled in; ""
// if the actor may not, or if somebody has asked already.
func (q *Asking) Form(f *kept.Finding) string {
	if q.path == "" || f.Status != rootkeep.Fail || !q.may[f.Account] || len(q.Open(f)) > 0 {
		return ""
	}
	return q.path + "?" + url.Values{"control": {f.Control}, "account": {string(f.Account)}, "region": {string(f.Region)}, "resource": {f.Resource}}.Encode()
}

// Mend is the address of the form that plans the change of a kind that mends a finding,
// filled in; "" if there is no such form or kind, or if the actor may not.
func (q *Asking) Mend(form, kind string, f *kept.Finding) string {
	if form == "" || kind == "" || f.Status != rootkeep.Fail || !q.may[f.Account] {
		return ""
	}
	return form + "?" + url.Values{"kind": {kind}, "account": {string(f.Account)}, "region": {string(f.Region)}, "resource": {f.Resource}}.Encode()
}
