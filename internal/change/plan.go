package change

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change/difference"
	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// PlanSchema names the JSON of a plan.
const PlanSchema = "rootkeep/change-plan/1"

// Bounds of a plan.
const (
	maxPlan  = 1 << 20 // bytes: what an approval can be about
	maxCalls = 500
	maxItems = 2000 // of one list
)

// Plan is everything that would be done, as approvers sign it: its members are in the
// order of their names. Where it stands is not part of it.
type Plan struct {
	Account    rootkeep.AccountID `json:"account"`
	Answers    expr.Answers       `json:"answers,omitempty"` // of an undo: what the calls were answered that it undoes
	Breaks     string             `json:"breaks"`            // what may break
	Calls      []Planned          `json:"calls"`
	Class      string             `json:"class"`
	Created    time.Time          `json:"created"`
	Diff       []Difference       `json:"diff"`
	Drift      []Difference       `json:"drift,omitempty"` // of an undo: what was changed since by others
	Exact      bool               `json:"exact,omitempty"` // the state afterwards has to be wants, and nothing more
	Final      []string           `json:"final"`           // what cannot be undone, and why
	For        string             `json:"for,omitempty"`   // RR-...: the request for root that it belongs to
	Guide      []string           `json:"guide,omitempty"` // what a person does, in order
	ID         string             `json:"id"`              // CH-...
	Kind       string             `json:"kind"`
	KindHash   string             `json:"kind_sha256"`
	Management rootkeep.AccountID `json:"management"`
	Parameters map[string]any     `json:"parameters"`
	Partition  string             `json:"partition"`
	Prior      map[string]any     `json:"prior"` // what was read just before, by the IDs of the reads
	Region     string             `json:"region"`
	Resources  []string           `json:"resources"` // that no other change may hold while this one runs
	Risk       string             `json:"risk"`
	Role       string             `json:"role"`
	Schema     string             `json:"schema"`
	Title      string             `json:"title"`
	Undoes     string             `json:"undoes,omitempty"` // ID of the change that it undoes
	Wants      map[string]any     `json:"wants"`
}

// Planned is one call of a plan.
type Planned struct {
	Call
	About string `json:"about"`
	Back  int    `json:"back,omitempty"`  // of an undo: the call that it undoes, by its number in the change, from 1
	Final string `json:"final,omitempty"` // why it cannot be undone
	Item  any    `json:"item,omitempty"`  // of the list that its step is called for
	// Later: parameters such as <KeyMetadata.Arn of key> are what an earlier call is
	// answered.
	Later bool   `json:"later,omitempty"`
	Step  string `json:"step"`
	Undo  []Call `json:"undo,omitempty"` // calls that would undo it
}

// Difference is one value that changes.
type Difference = difference.Difference

// Bytes is the plan as it is hashed, kept and signed.
func (p *Plan) Bytes() ([]byte, error) {
	text, err := expr.Encode(p)
	if err == nil && len(text) > maxPlan {
		err = fmt.Errorf("the plan of %s has %d bytes, at most %d; hint: plan it for fewer resources at once", p.Kind, len(text), maxPlan)
	}
	return text, err
}

// Hash is the SHA-256 of its bytes, in hexadecimal.
func (p *Plan) Hash() (string, error) {
	text, err := p.Bytes()
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// Undoable says whether everything that it does can be undone. What a person does is
// undone by a person.
func (p *Plan) Undoable() bool { return len(p.Final) == 0 && len(p.Guide) == 0 }

// WritesAsRoot says whether a call of it, or one that would undo it, is made in a session
// of sts:AssumeRoot. Such a plan belongs to a request for root.
func (p *Plan) WritesAsRoot() bool {
	return slices.ContainsFunc(p.Calls, func(c Planned) bool {
		return c.Root != "" || slices.ContainsFunc(c.Undo, func(u Call) bool { return u.Root != "" })
	})
}

// End is how its apply ends if all goes well. An undo that leaves something does not bring
// back the state before, so that reading back cannot show it.
func (p *Plan) End() State {
	if p.Undoes != "" && len(p.Final) > 0 {
		return Partial
	}
	return Applied
}

// ParsePlan reads the bytes of a plan, and nothing else.
func ParsePlan(text []byte) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, fmt.Errorf("a plan of %d bytes, at most %d", len(text), maxPlan)
	}
	p := &Plan{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if err := p.whole(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	again, err := p.Bytes()
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(again, text):
		return nil, errors.New("plan: not written as a plan is")
	case p.Schema != PlanSchema:
		return nil, fmt.Errorf("plan: schema %q, want %s", p.Schema, PlanSchema)
	}
	return p, nil
}

// whole turns the numbers of decoded JSON into those that expressions see.
func (p *Plan) whole() (err error) {
	numbers := func(m map[string]any) {
		if _, e := expr.Whole(m, 0); e != nil {
			err = e
		}
	}
	one := func(v *any) {
		var e error
		if *v, e = expr.Whole(*v, 0); e != nil {
			err = e
		}
	}
	numbers(p.Parameters)
	numbers(p.Prior)
	numbers(p.Wants)
	for i := range p.Calls {
		c := &p.Calls[i]
		numbers(c.With)
		one(&c.Item)
		for _, u := range c.Undo {
			numbers(u.With)
		}
	}
	for _, list := range [][]Difference{p.Diff, p.Drift} {
		for i := range list {
			one(&list[i].Before)
			one(&list[i].After)
		}
	}
	for _, list := range p.Answers {
		for i := range list {
			one(&list[i].Item)
			numbers(list[i].Parts)
		}
	}
	return err
}

// Refused is why a change is not planned: what it requires does not hold.
type Refused struct {
	Kind    string
	Reasons []string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("change %s is refused: %s", r.Kind, strings.Join(r.Reasons, "; "))
}

// ErrNothing is a change of what is already as it should be.
var ErrNothing = errors.New("there is nothing to change")

// Plan reads the state and says what would be done. It is a *Refused where what the
// change requires does not hold, ErrNothing where there is nothing to do.
func (k *Kind) Plan(ctx context.Context, r Reader, id string, t Target, given map[string]any, now time.Time) (*Plan, error) {
	arguments, err := k.Arguments(given)
	if err = errors.Join(err, k.ready()); err != nil {
		return nil, err
	}
	if _, err := rootkeep.ParseRegion(t.Region); err != nil {
		return nil, err
	}
	p := &Plan{
		Account: t.Account, Breaks: k.Breaks, Class: k.Class, Created: now.UTC().Truncate(time.Second), Diff: []Difference{}, Final: []string{}, For: t.For, ID: id, Kind: k.ID, KindHash: k.hash,
		Management: t.Management, Parameters: arguments, Partition: t.Partition, Region: t.Region, Resources: []string{}, Risk: k.Risk, Role: t.Role,
		Schema: PlanSchema, Title: k.Title, Wants: map[string]any{},
	}
	if p.Prior, err = k.read(ctx, r, p); err != nil {
		return nil, fmt.Errorf("plan %s: %w", k.ID, err)
	}
	if err := k.intend(p); err != nil {
		return nil, fmt.Errorf("plan %s: %w", k.ID, err)
	}
	if err := k.require(p); err != nil {
		return nil, err
	}
	if ok, _ := k.fulfilled(p, p.Prior); ok {
		return nil, fmt.Errorf("%s in %s: %w", k.ID, t.Account, ErrNothing)
	}
	if p.Calls, err = k.steps(p); err != nil {
		return nil, fmt.Errorf("plan %s: %w", k.ID, err)
	}
	p.guard()
	for _, c := range p.Calls {
		if c.Final != "" && !slices.Contains(p.Final, c.Final) {
			p.Final = append(p.Final, c.Final)
		}
	}
	p.Diff = difference.Of(p.Prior, p.Wants, false)
	_, err = p.Bytes()
	return p, err
}

// values are what the expressions of a plan name.
func (p *Plan) values() expr.Values {
	return expr.Values{
		"account": string(p.Account), "region": p.Region, "partition": p.Partition, "management": string(p.Management), "role": p.Role, "change": p.ID, "planned": p.Created.Format(time.RFC3339),
		"parameters": p.Parameters, "prior": p.Prior, "wants": p.Wants, "answers": p.Answers, "item": nil,
	}
}

// intend says what is wanted, and what nobody else may change meanwhile.
func (k *Kind) intend(p *Plan) error {
	v := p.values()
	for id, e := range k.Wants {
		want, err := e.Eval(v)
		if err != nil {
			return fmt.Errorf("wants %s: %w", id, err)
		}
		p.Wants[id] = want
	}
	held, err := k.Resource.Eval(p.values())
	if err != nil {
		return fmt.Errorf("resource: %w", err)
	}
	list, ok := held.([]any)
	if !ok {
		list = []any{held}
	}
	for _, e := range list {
		s, ok := e.(string)
		if !ok || s == "" {
			return fmt.Errorf("resource: got %v, want a text or a list of texts", e)
		}
		if name := string(p.Account) + "/" + s; !slices.Contains(p.Resources, name) {
			p.Resources = append(p.Resources, name)
		}
	}
	slices.Sort(p.Resources)
	return nil
}

// guard has the plan hold its resources in every account that it calls as well: a change
// of a member and one of its management account may be about the same thing.
func (p *Plan) guard() {
	mine := slices.Clone(p.Resources)
	for _, c := range p.Calls {
		for _, name := range mine {
			elsewhere := string(c.Account) + strings.TrimPrefix(name, string(p.Account))
			if !slices.Contains(p.Resources, elsewhere) {
				p.Resources = append(p.Resources, elsewhere)
			}
		}
	}
	slices.Sort(p.Resources)
}

// require gives all reasons at once.
func (k *Kind) require(p *Plan) error {
	refused := &Refused{Kind: k.ID}
	for i := range k.Requires {
		q := &k.Requires[i]
		ok, err := q.That.Holds(p.values())
		if err != nil {
			return fmt.Errorf("plan %s: requires: %w", k.ID, err)
		}
		if !ok {
			why, err := q.Else.Text(p.values())
			if err != nil {
				return fmt.Errorf("plan %s: requires: %w", k.ID, err)
			}
			refused.Reasons = append(refused.Reasons, why)
		}
	}
	if len(refused.Reasons) > 0 {
		return refused
	}
	return nil
}

// steps are the calls that the plan makes.
func (k *Kind) steps(p *Plan) ([]Planned, error) {
	out := []Planned{}
	for i := range k.Guide {
		line, err := k.Guide[i].Text(p.values())
		if err != nil {
			return nil, fmt.Errorf("guide: %w", err)
		}
		p.Guide = append(p.Guide, line)
	}
	for i := range k.Calls {
		s := &k.Calls[i]
		made, err := s.plan(p, p.values())
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", s.ID, err)
		}
		for j := range made {
			c := &made[j]
			if c.Final = s.Final; c.Final != "" {
				continue
			}
			if c.Undo, err = s.undone(p, p.values().With("item", c.Item)); err != nil {
				return nil, fmt.Errorf("call %s: %w", s.ID, err)
			}
		}
		out = append(out, made...)
	}
	switch {
	case len(out) > maxCalls:
		return nil, fmt.Errorf("%d calls, at most %d; hint: plan it for fewer resources at once", len(out), maxCalls)
	case len(out) == 0 && len(p.Guide) == 0:
		return nil, errors.New("the state is not as wanted, and no call would change it")
	}
	return out, nil
}

// undone are the calls of a step's undo.
func (s *Step) undone(p *Plan, v expr.Values) ([]Call, error) {
	var out []Call
	for i := range s.Undo {
		made, err := s.Undo[i].plan(p, v)
		if err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
		for _, m := range made {
			out = append(out, m.Call)
		}
	}
	return out, nil
}

// plan gives the calls of a step: none, one, or one for each item.
func (s *Step) plan(p *Plan, v expr.Values) ([]Planned, error) {
	items := []any{v["item"]}
	if !s.Each.None() {
		var err error
		if items, err = s.Each.List(v); err != nil {
			return nil, fmt.Errorf("each: %w", err)
		}
	}
	if len(items) > maxItems {
		return nil, fmt.Errorf("each: %d items, at most %d", len(items), maxItems)
	}
	var out []Planned
	for _, item := range items {
		v := v.With("item", item)
		ok, err := s.When.Holds(v)
		if err != nil {
			return nil, fmt.Errorf("when: %w", err)
		}
		if !ok {
			continue
		}
		c, err := s.call(p, v)
		if err != nil {
			return nil, err
		}
		about := ""
		if !s.About.None() {
			if about, err = s.About.Text(v); err != nil {
				return nil, fmt.Errorf("about: %w", err)
			}
		}
		later := len(s.With.Needs)+len(s.At.Account.Needs)+len(s.At.Region.Needs) > 0 && v["answers"].(expr.Answers) == nil
		out = append(out, Planned{Call: c, About: about, Item: item, Later: later, Step: s.ID})
	}
	return out, nil
}

func (s *Step) call(p *Plan, v expr.Values) (Call, error) {
	with, err := s.With.Object(v)
	if err != nil {
		return Call{}, fmt.Errorf("with: %w", err)
	}
	if name := secretIn(with); name != "" {
		return Call{}, fmt.Errorf("with: %s is a secret, and a plan is kept and shown", name)
	}
	return s.At.call(p, s.Call, with, v)
}

func (at *Place) call(p *Plan, operation string, with map[string]any, v expr.Values) (Call, error) {
	c := Call{Operation: operation, Account: p.Account, Region: p.Region, Root: at.Root, With: with}
	if !at.Account.None() {
		account, err := at.Account.Text(v)
		if err == nil {
			c.Account, err = rootkeep.ParseAccountID(account)
		}
		if err != nil {
			return c, fmt.Errorf("account: %w", err)
		}
		if c.Account != p.Account && c.Account != p.Management {
			return c, fmt.Errorf("account: a change of %s calls nothing in %s, which is neither that account nor the management account", p.Account, c.Account)
		}
	}
	if !at.Region.None() {
		var err error
		if c.Region, err = at.Region.Text(v); err == nil {
			_, err = rootkeep.ParseRegion(c.Region)
		}
		if err != nil {
			return c, fmt.Errorf("region: %w", err)
		}
	}
	return c, nil
}
