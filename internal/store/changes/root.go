package changes

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
)

var requestID = regexp.MustCompile(`^` + access.Prefix + `-[0-9A-Z]{1,40}$`)

// belongs refuses a plan that writes as root and names no request for root, and one that
// names a request and has no use for it.
func belongs(p *change.Plan) error {
	switch {
	case p.WritesAsRoot() && p.For == "":
		return fmt.Errorf("change %s writes as the root user of %s and belongs to no request for root; hint: rootkeep root request", p.Kind, p.Account)
	case p.For != "" && !p.WritesAsRoot():
		return fmt.Errorf("change %s does nothing as root, and belongs to no request for root; hint: plan it by itself", p.Kind)
	case p.For != "" && !requestID.MatchString(p.For):
		return fmt.Errorf("request for root %q: want an ID that begins with %s-", p.For, access.Prefix)
	}
	return nil
}

// Window is when a change under a request for root may be at work.
type Window struct {
	From, Until time.Time
	Session     time.Duration // how long one root session lasts at most
}

// holds is ErrUnapproved outside of the window.
func (w Window) holds(c *Change, now time.Time) error {
	switch {
	case now.Before(w.From):
		return c.refuse(fmt.Sprintf("the window of %s begins %s", c.For, w.From.Format(time.RFC3339)))
	case !now.Before(w.Until):
		return c.refuse(fmt.Sprintf("the window of %s ended %s; hint: give the change up, and plan what is left under another request", c.For, w.Until.Format(time.RFC3339)))
	}
	return nil
}

// under is the request for root that a change belongs to.
type under struct {
	*approvals.Matter
	asked *access.Request
}

// root reads the request for root with an ID.
func root(ctx context.Context, r *store.Reader, id string, now time.Time) (*under, error) {
	m, err := approvals.Final(ctx, r, id, now)
	if err != nil {
		return nil, err
	}
	return underOf(m)
}

func underOf(m *approvals.Matter) (*under, error) {
	asked, err := access.ParseRequest(m.Subject)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID, err)
	}
	return &under{m, asked}, nil
}

// names finds the change in what the request names.
func (u *under) names(c *Change) (access.Change, bool) {
	i := slices.IndexFunc(u.asked.Changes, func(o access.Change) bool { return o.ID == c.ID })
	if i < 0 {
		return access.Change{}, false
	}
	return u.asked.Changes[i], true
}

// cleans says whether the change takes away what the request opened.
func (u *under) cleans(c *Change) bool {
	_, named := u.names(c)
	return !named && c.Undoes == "" && c.Account == u.asked.Accounts[0] && slices.Contains(u.asked.CleanUp(), c.Kind)
}

// granted says whether the request was approved, or went without approvals.
func (u *under) granted() bool {
	return u.State == approval.Approved || u.State == approval.Overridden
}

// window is that of a change of the request.
func (u *under) window(c *Change) Window {
	w := Window{u.asked.From, u.asked.Until, time.Duration(u.asked.Session) * time.Second}
	if u.State == approval.Overridden {
		if u.Matter.Decided.After(w.From) {
			w.From = u.Matter.Decided
		}
		if end := w.From.Add(access.OverrideWindow); end.Before(w.Until) {
			w.Until = end
		}
	}
	if u.cleans(c) { // what was opened has to be closed, late or not
		w.Until = w.Until.Add(access.CleanUpFor)
	}
	return w
}

// Window is when the change may be at work under its request for root.
func (c *Change) Window(ctx context.Context, r *store.Reader, now time.Time) (Window, error) {
	u, err := root(ctx, r, c.For, now)
	if err != nil {
		return Window{}, err
	}
	return u.window(c), nil
}

// matches says why the request does not ask for the change as it is, "" if it does.
func (u *under) matches(c *Change) string {
	named, ok := u.names(c)
	switch {
	case !ok:
		return u.ID + " does not name it"
	case named.Account != c.Account:
		return u.ID + " names it for account " + string(named.Account)
	case named.Plan.String() != c.Hash:
		return u.ID + " names another plan, with the SHA-256 " + named.Plan.String()
	case c.Planner != u.Request.Requester:
		return "somebody else asked for it than who planned it"
	case u.asked.Path == access.SignIn && c.Kind != access.RecoveryAllow:
		return "for a sign-in, no other change is made than " + access.RecoveryAllow
	}
	return ""
}

// join looks at the request for root that a new plan belongs to. While that is not there
// yet, or is open and can be edited, the plan waits to be named by it. What takes away what
// an approved request opened is approved with that request.
func (d *Desk) join(ctx context.Context, tx *store.Tx, c *Change) error {
	u, err := root(ctx, &tx.Reader, c.For, tx.Now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case u.State == approval.Requested:
		return nil
	case !u.granted() || !u.cleans(c):
		return fmt.Errorf("%w: the request %s is %s, and approves only what it names; hint: rootkeep root request", approvals.ErrInvalid, c.For, u.State)
	}
	if err := opened(ctx, &tx.Reader, u, c, tx.Now()); err != nil {
		return err
	}
	c.State, c.Approved, c.Expires = Approved, tx.Now(), u.window(c).Until
	return nil
}

// opened is ErrUnapproved unless the change that the request names was begun: before that
// there is nothing to be taken away.
func opened(ctx context.Context, r *store.Reader, u *under, c *Change, now time.Time) error {
	o, err := get(ctx, r, u.asked.Changes[0].ID, now)
	if err != nil {
		return err
	}
	if o.Begun.IsZero() || o.For != u.ID {
		return c.refuse(fmt.Sprintf("%s has not begun, so that it left nothing to be taken away", o.ID))
	}
	return nil
}

// Asked brings the changes that a request for root names to where they are asked for, and
// lets go of those that it names no more. It is for the transaction in which the request
// is made or edited, after that; entries are the request's.
func Asked(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
	u, err := underOf(m)
	if err != nil {
		return err
	}
	before, err := listUnder(ctx, &tx.Reader, m.ID, Requested, tx.Now())
	if err != nil {
		return err
	}
	for _, c := range before {
		if _, named := u.names(c); named {
			continue
		}
		c.State, c.Expires = Planned, tx.Now().Add(planValid)
		if err := c.set(ctx, tx, Requested); err != nil {
			return err
		}
	}
	for _, named := range u.asked.Changes {
		c, err := get(ctx, &tx.Reader, named.ID, tx.Now())
		if err != nil {
			return fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
		}
		if c.For != m.ID {
			return fmt.Errorf("%w: change %s belongs to %q, not to %s; hint: plan it for this request", approvals.ErrInvalid, c.ID, c.For, m.ID)
		}
		if why := u.matches(c); why != "" {
			return fmt.Errorf("%w: change %s: %s", approvals.ErrInvalid, c.ID, why)
		}
		if c.State != Planned && c.State != Requested {
			return fmt.Errorf("%w: change %s is %s: %w", approvals.ErrInvalid, c.ID, c.State, ErrState)
		}
		from := c.State
		c.State, c.Expires = Requested, m.Request.Expires
		if err := c.set(ctx, tx, from); err != nil {
			return err
		}
	}
	return nil
}

// Decided brings the changes that a request for root names to where the request has come.
// It is for where approvals decide; Follow is for what comes of it later. Entries are the
// request's.
func Decided(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
	u, err := underOf(m)
	if err != nil {
		return err
	}
	to, known := map[approval.State]State{
		approval.Approved: Approved, approval.Denied: Denied, approval.Expired: Expired, approval.Withdrawn: Withdrawn,
	}[m.State]
	if !known {
		return fmt.Errorf("request %s is %s: %w", m.ID, m.State, ErrState)
	}
	return Follow(ctx, tx, m.ID, to, u.asked.Until)
}

// Follow brings the changes that a request for root names, and that have not begun, to
// where the request has come: Approved until its window ends, Denied, Expired, Withdrawn.
// What was approved follows too where the request was withdrawn afterwards, or its window
// went by.
func Follow(ctx context.Context, tx *store.Tx, request string, to State, until time.Time) error {
	from := []State{Requested}
	switch to {
	case Expired, Withdrawn:
		from = append(from, Approved)
	case Approved, Denied:
	default:
		return fmt.Errorf("changes of request %s do not follow it to %s: %w", request, to, ErrState)
	}
	for _, state := range from {
		list, err := listUnder(ctx, &tx.Reader, request, state, tx.Now())
		if err != nil {
			return err
		}
		for _, c := range list {
			c.State, c.Expires, c.Ended = to, time.Time{}, tx.Now()
			if to == Approved {
				c.Approved, c.Expires, c.Ended = tx.Now(), until, time.Time{}
			}
			if err := c.set(ctx, tx, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// provenUnder is ErrUnapproved unless enough persons signed the request for root that the
// change belongs to, the request names this very plan or what it opened is taken away by
// it, and the time is within its window. Neither who asked or planned nor who keeps the
// credential counts.
func (d *Desk) provenUnder(ctx context.Context, tx *store.Tx, c *Change) error {
	u, err := root(ctx, &tx.Reader, c.For, tx.Now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c.refuse("there is no request " + c.For)
	case err != nil:
		return err
	}
	if why := u.unlike(c); why != "" {
		return c.refuse(why)
	}
	if u.cleans(c) {
		err = errors.Join(onlyDeletes(c), opened(ctx, &tx.Reader, u, c, tx.Now()))
	} else if why := u.matches(c); why != "" {
		err = c.refuse(why)
	}
	if err != nil {
		return err
	}
	if err := u.window(c).holds(c, tx.Now()); err != nil {
		return err
	}
	if d.Stands != nil && !u.cleans(c) { // what was opened has to be closed
		if err := d.Stands(ctx, &tx.Reader, u.Matter, tx.Now()); err != nil {
			return c.refuse(err.Error())
		}
	}
	if u.State == approval.Overridden {
		return d.overridden(ctx, tx, c, u)
	}
	return d.signed(ctx, tx, c, u.Matter, func(person string) bool {
		return person != u.Request.Requester && person != u.asked.Custodian && (person != c.Planner || u.cleans(c))
	})
}

// overridden is ErrUnapproved unless the signatures hold by which the request went without
// approvals.
func (d *Desk) overridden(ctx context.Context, tx *store.Tx, c *Change, u *under) error {
	if d.Overridden == nil {
		return c.refuse("the request " + u.ID + " went without approvals")
	}
	if err := d.Overridden(ctx, &tx.Reader, u.Matter, tx.Now()); err != nil {
		return c.refuse(err.Error())
	}
	return nil
}

// deleting is the task of root sessions in which AWS lets nothing be done but delete
// credentials of the root user (AWS Managed Policy Reference, IAMDeleteRootUserCredentials).
const deleting = "IAMDeleteRootUserCredentials"

// onlyDeletes is ErrUnapproved for a plan that nobody signed, and that does anything but
// delete credentials of the root user of its account.
func onlyDeletes(c *Change) error {
	p, err := c.Parsed()
	if err != nil {
		return err
	}
	for _, call := range p.Calls {
		if call.Root != deleting || call.Account != c.Account {
			return c.refuse(fmt.Sprintf("%s takes nothing away from the root user of %s", call.Call, c.Account))
		}
	}
	if p.ID != c.ID || p.Kind != c.Kind || p.Account != c.Account {
		return c.refuse("its plan is another one")
	}
	return nil
}

// unlike says why the request is not the one that was approved, "" if it is.
func (u *under) unlike(c *Change) string {
	want := approval.RootUse
	if u.asked.Kind == access.Drill {
		want = approval.RootDrill
	}
	switch r := u.Request; {
	case !u.granted():
		return "the request " + u.ID + " is " + string(u.State)
	case r.ID != c.For || r.Kind != access.RequestKind || r.Action != u.asked.Action():
		return "the request is about something else"
	case len(u.asked.Accounts) == 1 && r.Account != u.asked.Accounts[0]:
		return "the request is of another account than what it asks for"
	case r.Subject != approval.Sum(u.Subject):
		return "what was asked for was edited since it was signed"
	case r.Policy != approval.Sum(u.Policy.Bytes()) || u.Policy.ID != want:
		return "another policy than " + want + " decided"
	case sum(c.Plan) != c.Hash:
		return "its plan is another one"
	}
	return ""
}

// listUnder lists the changes of a request for root that are in a state by their rows.
func listUnder(ctx context.Context, r *store.Reader, request string, state State, now time.Time) ([]*Change, error) {
	return list(ctx, r, now, `SELECT `+columns+` FROM change WHERE request = $1 AND state = $2 ORDER BY id`, request, string(state))
}
