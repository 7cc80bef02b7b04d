// Package alter plans and applies changes of accounts for a server: kinds of change, AWS
// and the store come together here. Plans are made with a role that reads; the role that
// writes is entered by the job that applies a change, and by nothing else.
package alter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// Config is what an Engine is made of.
type Config struct {
	Store     *store.Store
	Desk      *changes.Desk
	Catalogue *kinds.Catalogue
	AWS       session.Config // with whose credentials roles are entered
	ReadRole  string         // in each account; "" is RootkeepPlan
	WriteRole string         // template of the names, as writerole.Name takes it; "" is writerole.Template
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error // between two calls to AWS; nil is a timer
	Wake      func()                                     // has jobs looked for; nil is later
	// Recorded, if it is not nil, hears of each session that AWS gave, with the ID that it is
	// named by (RR-, SC-, CH-), in the transaction that has its ledger entry, before the
	// session is used; and of each root session that AWS refused, which has no access key.
	Recorded func(ctx context.Context, tx *store.Tx, name string, s facts.Session) error
}

// Engine plans and applies. It is a web.Engine.
type Engine struct{ Config }

// New checks that it is complete.
func New(c Config) (*Engine, error) {
	if c.Store == nil || c.Desk == nil || c.Catalogue == nil || c.Now == nil {
		return nil, errors.New("alter: store, desk, catalogue and clock are required")
	}
	if c.ReadRole == "" {
		c.ReadRole = kinds.ReadRole
	}
	if c.WriteRole == "" {
		c.WriteRole = writerole.Template
	}
	if c.Sleep == nil {
		c.Sleep = call.Sleep
	}
	if c.Wake == nil {
		c.Wake = func() {}
	}
	if c.Recorded == nil {
		c.Recorded = func(context.Context, *store.Tx, string, facts.Session) error { return nil }
	}
	return &Engine{c}, nil
}

// Kinds are those that can be planned, by ID.
func (e *Engine) Kinds() []*change.Kind { return e.Catalogue.Kinds }

// writeRole is the name of the role that applies changes of a class.
func (e *Engine) writeRole(class string) string { return writerole.Name(e.WriteRole, class) }

func newID(prefix string, now time.Time) string {
	var chance [8]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	return rootkeep.NewID(prefix, now, chance[:])
}

// Plan reads the account and keeps what would be done.
func (e *Engine) Plan(ctx context.Context, actor people.Actor, w web.Wanted) (*changes.Change, error) {
	if err := e.mayPlan(ctx, actor, w.Account); err != nil {
		return nil, err
	}
	p, err := e.plan(ctx, actor, newID("CH", e.Now()), w)
	if err != nil {
		return nil, err
	}
	return e.keep(ctx, actor, p)
}

func (e *Engine) keep(ctx context.Context, actor people.Actor, p *change.Plan) (*changes.Change, error) {
	var c *changes.Change
	err := e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = e.Desk.Plan(ctx, tx, actor, p)
		return err
	})
	return c, err
}

// mayPlan looks before AWS is asked: an account is not read for whoever may not plan.
func (e *Engine) mayPlan(ctx context.Context, actor people.Actor, account rootkeep.AccountID) error {
	if _, err := rootkeep.ParseAccountID(string(account)); err != nil {
		return fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	return e.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		return e.Desk.MayPlan(ctx, r, actor, account)
	})
}

// plan asks AWS what is, and says what the change of an ID would do.
func (e *Engine) plan(ctx context.Context, actor people.Actor, id string, w web.Wanted) (*change.Plan, error) {
	k := e.Catalogue.Find(w.Kind)
	if k == nil {
		return nil, fmt.Errorf("%w: there is no kind of change %q; hint: rootkeep change list", approvals.ErrInvalid, w.Kind)
	}
	if _, err := k.Arguments(w.Parameters); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	if err := mayBeRoot(k, w.For); err != nil {
		return nil, err
	}
	base, reader, err := e.read(ctx, actor, id, k)
	if err != nil {
		return nil, err
	}
	defer reader.End()
	t := change.Target{Account: w.Account, Region: w.Region, Partition: base.Partition(), For: w.For}
	if t.Region == "" {
		t.Region = base.Region()
	}
	t.Role = "arn:" + t.Partition + ":iam::" + string(w.Account) + ":role/" + e.writeRole(k.Class)
	if t.Management, err = management(ctx, reader, t); err != nil {
		return nil, err
	}
	return k.Plan(ctx, reader, id, t, w.Parameters, e.Now())
}

// mayBeRoot refuses to plan what writes as root without a request for root, before AWS is
// asked.
func mayBeRoot(k *change.Kind, request string) error {
	switch {
	case k.WritesAsRoot() && request == "":
		return fmt.Errorf("%w: change %s writes as the root user, which is done under a request for root; hint: rootkeep root request", approvals.ErrInvalid, k.ID)
	case !k.WritesAsRoot() && request != "":
		return fmt.Errorf("%w: change %s does nothing as root, and belongs to no request for root; hint: rootkeep change plan %s", approvals.ErrInvalid, k.ID, k.ID)
	}
	return nil
}

// looks is the name of sessions that read for a change: its ID, or, where root users are
// looked at, one of a scan. A session of sts:AssumeRoot has that of the role's session,
// and what is called SC-... is held to the audit task by the roles.
func (e *Engine) looks(id string, k *change.Kind) string {
	if k.ReadsAsRoot() {
		return newID("SC", e.Now())
	}
	return id
}

// read begins to read for the plan of a change. The sessions are in the ledger before
// they are used.
func (e *Engine) read(ctx context.Context, actor people.Actor, id string, k *change.Kind) (*session.Base, *ask.Reader, error) {
	base, err := session.Open(ctx, e.AWS)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", web.ErrAWS, err)
	}
	name := e.looks(id, k)
	reader, err := ask.Begin(base, session.Entry{Role: e.ReadRole, Name: name, Own: true, Refused: e.refused(ctx, name), Entered: func(s facts.Session) error {
		return e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(changes.Looked(tx, id, actor, s), e.Recorded(ctx, tx, name, s))
		})
	}})
	return base, reader, err
}

// refused records root sessions of a name that AWS refused.
func (e *Engine) refused(ctx context.Context, name string) func(facts.Session) error {
	return func(s facts.Session) error {
		return e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return e.Recorded(ctx, tx, name, s) })
	}
}

// management is the management account of the target's organization, "" if it is in none
// or may not ask.
func management(ctx context.Context, r change.Reader, t change.Target) (rootkeep.AccountID, error) {
	got, err := r.Read(ctx, change.Call{Operation: "organizations:DescribeOrganization", Account: t.Account, Region: t.Region, With: map[string]any{}})
	if refusal := (*change.Refusal)(nil); errors.As(err, &refusal) && (refusal.Denied || refusal.Code == "AWSOrganizationsNotInUseException") {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask for the organization of %s: %w", t.Account, err)
	}
	o, _ := got["Organization"].(map[string]any)
	id, _ := o["MasterAccountId"].(string)
	management, err := rootkeep.ParseAccountID(id)
	if err != nil {
		return "", fmt.Errorf("organization of %s: its management account: %w", t.Account, err)
	}
	return management, nil
}

// of gives the kind and the plan of a change.
func (e *Engine) of(c *changes.Change) (*change.Kind, *change.Plan, error) {
	p, err := c.Parsed()
	if err != nil {
		return nil, nil, err
	}
	k := e.Catalogue.Find(p.Kind)
	if k == nil {
		return nil, nil, fmt.Errorf("change %s is of the kind %s, which is not there any more; hint: bring its file back", c.ID, p.Kind)
	}
	if k.Hash() != p.KindHash {
		return nil, nil, fmt.Errorf("change %s was planned by another version of %s; hint: plan it again, or bring that version of its file back", c.ID, p.Kind)
	}
	return k, p, nil
}
