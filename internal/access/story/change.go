package story

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Change is a change that an event of the period is told to be of: what was approved, by
// whom, in which sessions it was applied, and the calls that were made.
type Change struct {
	ID         string             `json:"id"`
	Account    rootkeep.AccountID `json:"account"`
	Kind       string             `json:"kind"`
	Requester  string             `json:"requester"`
	Content    approval.Hash      `json:"request_sha256"`
	Plan       approval.Hash      `json:"plan_sha256"`
	Policy     string             `json:"policy"`
	Role       string             `json:"role"`
	Signatures []Signature        `json:"signatures"`
	// Lacking says why the signatures do not suffice for it, "" if they do.
	Lacking  string    `json:"lacking,omitempty"`
	Sessions []Applied `json:"sessions"`
	Calls    []Called  `json:"calls"`

	request    *approval.Request
	policy     *approval.Policy
	plan       *change.Plan
	statements []*approval.Statement
}

// Applied is a session that a change was applied in: its access key explains what the plan
// does in the account, while it lasts.
type Applied struct {
	Entry     int64              `json:"entry"`
	AccessKey string             `json:"access_key_id"`
	Account   rootkeep.AccountID `json:"account"`
	Start     time.Time          `json:"start"`
	End       time.Time          `json:"end"`
	Events    []string           `json:"events"` // source and name of each
}

// Called is a call of a plan that was made.
type Called struct {
	Entry     int64              `json:"entry"`
	At        time.Time          `json:"at"`
	Number    int                `json:"number"`
	Operation string             `json:"operation"`
	Account   rootkeep.AccountID `json:"account"`
	Region    string             `json:"region"`
	Outcome   string             `json:"outcome"`
}

// changePayloads are what entries about changes are read for.
var changePayloads = map[string]string{"change.requested": "request", "change.approved": "approval", "change.entered": "session", "change.called": "call"}

// addChange takes an entry about a change. What it does not tell is no gap: most changes
// have nothing to do with root, and an event that one explained, and that is not explained
// without it, comes out otherwise when it is judged again.
func (r *Reader) addChange(e Entry) {
	text, told := e.Payloads[changePayloads[e.Type]]
	if !told || len(text) > MostPayload {
		return
	}
	if e.Type == "change.requested" {
		r.planned(e)
		return
	}
	c := r.changes[e.Subject]
	if c == nil {
		return
	}
	if r.lines++; !r.room(e, r.lines, mostLines, "lines of histories") {
		return
	}
	switch e.Type {
	case "change.approved":
		if s, signed := signature(e, text); signed != nil {
			c.Signatures, c.statements = append(c.Signatures, s), append(c.statements, signed)
		}
	case "change.entered":
		c.entered(e, text)
	case "change.called":
		var one Called
		if json.Unmarshal(text, &one) == nil {
			one.Entry, one.At = e.N, e.Time
			c.Calls = append(c.Calls, one)
		}
	}
}

// planned takes what people are asked to approve, to the byte.
func (r *Reader) planned(e Entry) {
	request, policy, err := requested(e)
	if err != nil || request.ID != e.Subject || request.Kind != approval.ChangeKind || !r.room(e, len(r.changes), mostRequests, "changes") {
		return
	}
	plan, err := change.ParsePlan(e.Payloads["subject"])
	if err != nil || plan.ID != request.ID {
		return
	}
	plan.Prior, plan.Wants, plan.Parameters, plan.Diff, plan.Drift, plan.Answers = nil, nil, nil, nil, nil, nil // a plan may be large, and no more of it is told
	r.changes[e.Subject] = &Change{
		ID: plan.ID, Account: plan.Account, Kind: plan.Kind, Requester: request.Requester, Content: request.Hash(), Plan: request.Subject, Policy: policy.ID, Role: plan.Role,
		Signatures: []Signature{}, Sessions: []Applied{}, Calls: []Called{}, request: request, policy: policy, plan: plan,
	}
}

// entered takes a session, if it is one that the change is applied in.
func (c *Change) entered(e Entry, text []byte) {
	var s facts.Session
	if json.Unmarshal(text, &s) != nil || s.Root || s.AccessKey == "" || !c.plan.AppliedIn(s.Role) {
		return
	}
	c.Sessions = append(c.Sessions, Applied{e.N, s.AccessKey, s.Account, s.Start.UTC(), s.End.UTC(), c.plan.Events(s.Account)})
}

// lacking says why what was signed does not suffice for the plan, or "".
func (c *Change) lacking() string {
	class, err := approval.ParseClass(c.plan.Class)
	if err != nil {
		return "its plan has a class that nobody knows"
	}
	want := class.Policy(approval.Gravity(c.plan.Grave()))
	if c.request.Account != c.plan.Account || c.request.Action != c.plan.Action() || c.policy.ID != want {
		return "it is about something else than its plan, or another policy than " + want + " decided it"
	}
	return tally(c.request, c.policy, c.Signatures, c.statements, nil)
}

// judgedBy are the changes as events are judged by them, one for each session.
func (c *Change) judgedBy() (out []reconcile.Change) {
	for _, s := range c.Sessions {
		out = append(out, reconcile.Change{ID: c.ID, Account: s.Account, Events: s.Events, Keys: []string{s.AccessKey}, Start: s.Start, End: s.End})
	}
	return out
}

// changesOf are the changes that verdicts name.
func (r *Reader) changesOf(verdicts []*Verdict) (out []*Change) {
	named := map[string]bool{}
	for _, v := range verdicts {
		named[v.Event.Request] = true
	}
	for _, id := range slices.Sorted(maps.Keys(r.changes)) {
		if c := r.changes[id]; named[id] {
			c.Lacking = c.lacking()
			out = append(out, c)
		}
	}
	return out
}

// requested reads what an entry tells that people are asked to approve.
func requested(e Entry) (*approval.Request, *approval.Policy, error) {
	request, err := approval.ParseRequest(e.Payloads["request"])
	if err != nil {
		return nil, nil, err
	}
	verb := e.Type[strings.IndexByte(e.Type, '.')+1:]
	if request.Kind+"."+verb != e.Type || request.Subject != approval.Sum(e.Payloads["subject"]) || request.Policy != approval.Sum(e.Payloads["policy"]) {
		return nil, nil, errors.New("it is about something else than what lies beside it")
	}
	policy, err := approval.ParsePolicy(e.Payloads["policy"])
	return request, policy, err
}

// signature checks a decision that an entry tells of: nil if it does not hold.
func signature(e Entry, text []byte) (Signature, *approval.Statement) {
	record, err := approval.ReadRecord(bytes.NewReader(text))
	if err != nil {
		return Signature{}, nil
	}
	checked, err := record.Check()
	if err != nil || checked.Statement.Request != e.Subject || checked.Statement.Approver != e.Actor {
		return Signature{}, nil
	}
	key, s := record.Key.Fingerprint(), checked.Statement
	return Signature{e.N, s.Approver, s.Decision, hex.EncodeToString(key[:]), s.Content, record.Site.Origin}, s
}
