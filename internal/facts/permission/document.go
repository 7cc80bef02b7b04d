package permission

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
	"github.com/rootkeep/rootkeep/iam/lint"
)

// document is one policy text, parsed and compiled once, under the name of the first
// that has it.
type document struct {
	parsed
	set           *iam.Set        // of the document alone; nil before it is asked for
	regions       []string        // to ask in
	may           map[string]bool // actions that some Allow covers, shared by documents with the same ones; nil before it is asked for
	administrator *standing       // of who carries it alone
	answers       map[question]Answer
	parts         map[string][]string // what List told
}

type question struct{ action, resource, absent string }

// form is a resource that is asked about, with the account filled in.
type form struct {
	text    string
	witness witness.Witness
}

// maxDocument is more than AWS stores of one policy, bytes.
const maxDocument = 128 << 10

func (a *Account) document(name, text string) *document {
	d, ok := a.papers[text]
	if !ok {
		d = &document{}
		if known, ok := a.read.byText[text]; ok {
			d.parsed = known
		} else {
			d.policy, d.err = parse(name, text)
		}
		a.papers[text] = d
	}
	return d
}

func parse(name, text string) (*iam.Policy, error) {
	switch {
	case text == "":
		return nil, errors.New("its text could not be read")
	case len(text) > maxDocument:
		return nil, fmt.Errorf("it has %d bytes, more than AWS stores", len(text))
	}
	return iam.Parse(name, []byte(text))
}

// unreadable is the answer about a document that is none.
func unreadable(name string, err error) Answer {
	return undecided("policy %s cannot be judged: %s", one(name), one(err.Error()))
}

// holder is a role of which nothing is known but what it carries.
func (a *Account) holder(policies ...*iam.Policy) *account.Identity {
	return &account.Identity{Principal: a.anyRole, Path: "/", Inline: policies}
}

// anyHolder is a role of the account that nobody thought of. Of an account whose number
// is none it is one of nobody.
func (a *Account) anyHolder() iam.Principal {
	p, err := iam.ParsePrincipal("arn:" + a.partition() + ":iam::" + string(a.id) + ":role/rk0example")
	if err != nil {
		p = iam.Principal{Kind: iam.Role, ARN: "arn:aws:iam::" + nobody + ":role/rk0example", Account: nobody, Name: "rk0example"}
	}
	return p
}

// ownerOf is the account as the owner of resources: it leaves the decision to identity
// policies, as trust and key policies that name it do.
func ownerOf(id rootkeep.AccountID) (*iam.Policy, error) {
	return iam.Parse("the account", fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":%q},"Action":"*","Resource":"*"}}`, id))
}

// partition is that of the account's own ARNs.
func (a *Account) partition() string {
	f := &a.snapshot.Facts
	switch {
	case len(f.Roles) > 0:
		return partitionOf(f.Roles[0].ARN)
	case len(f.Users) > 0:
		return partitionOf(f.Users[0].ARN)
	}
	return "aws"
}

// Grants says whether a document alone makes whoever carries it administrator.
func (a *Account) Grants(name, text string) Answer {
	d := a.document(name, text)
	if d.err != nil {
		return unreadable(name, d.err)
	}
	if d.administrator == nil {
		d.administrator = &standing{}
		if escalate.MayHold(d.policy) {
			d.administrator = standingOf(a.holder(d.policy))
		}
	}
	return about(name, d.administrator.Answer)
}

// about puts the policy's name before a reason.
func about(name string, x Answer) Answer {
	if x.Why != "" {
		x.Why = one("policy " + name + ": " + x.Why)
	}
	return x
}

// standing is whether a principal is administrator.
type standing struct {
	Answer
	conditional bool // it is, if a condition holds
}

func standingOf(i *account.Identity) *standing {
	s, err := escalate.Holds(i)
	switch {
	case err != nil:
		return &standing{Answer: undecided("cannot be judged: %s", one(err.Error()))}
	case s.Certainty == escalate.None:
		return &standing{}
	case s.Certainty == escalate.Certain:
		return &standing{Answer: Answer{Truth: iam.True, Why: "administrator"}}
	}
	why := "administrator under conditions"
	if s.If != nil {
		why = "administrator if " + s.If.String()
	}
	return &standing{undecided("%s", one(why)), s.Certainty == escalate.Conditional}
}

// Allows says whether a document alone allows an action on a resource. A resource is an
// ARN in which $account and $partition stand for the account's own, and * for a name
// that nobody has thought of: that is allowed where any is. absent are context keys that the
// request does not have; one that ends in a colon or slash stands for all that begin so.
func (a *Account) Allows(name, text, action, resource string, absent []string) Answer {
	d := a.document(name, text)
	switch {
	case d.err != nil:
		return unreadable(name, d.err)
	case !a.mayAllow(d, action):
		return Answer{Truth: iam.False}
	}
	key := question{action, resource, a.joined(absent)}
	answer, ok := d.answers[key]
	if !ok {
		answer = a.allows(d, action, resource, absent)
		if d.answers == nil {
			d.answers = map[question]Answer{}
		}
		d.answers[key] = answer
	}
	return about(name, answer)
}

// mayAllow says whether some Allow of a document covers an action.
func (a *Account) mayAllow(d *document, action string) bool {
	if d.may == nil {
		key := witness.Actions(d.policy)
		if a.may[key] == nil {
			a.may[key] = map[string]bool{}
		}
		d.may = a.may[key]
	}
	may, ok := d.may[action]
	if !ok {
		may = d.policy.MayAllow(action)
		d.may[action] = may
	}
	return may
}

func (a *Account) allows(d *document, action, resource string, absent []string) Answer {
	who := &a.anyRole
	if d.set == nil {
		err := a.ownerErr
		if err == nil {
			d.set, err = iam.NewSet(iam.Policies{Identity: []*iam.Policy{d.policy}, Resource: []*iam.Policy{a.owner}})
		}
		if err != nil {
			return undecided("cannot be judged: %s", one(err.Error()))
		}
		d.regions = regionsOf(d.policy)
	}
	on, ok := a.forms[resource]
	if !ok {
		on.text = strings.NewReplacer("$account", string(who.Account), "$partition", a.partition()).Replace(resource)
		on.witness = witness.New(witness.Fill(on.text), on.text)
		a.forms[resource] = on
	}
	key := a.joined(absent)
	known, ok := a.requests[key]
	if !ok {
		known = request(who, absent)
		a.requests[key] = known
	}
	best := Answer{Truth: iam.False}
	for _, region := range d.regions {
		r := iam.Request{Action: action, Resource: on.witness.In(region), ResourceAccount: who.Account, Principal: *who, Context: known}
		switch by := d.set.Decide(&r); by.Outcome {
		case iam.Allowed:
			return Answer{Truth: iam.True, Why: one(statement(by.Statement) + " allows " + action + " on " + on.text)}
		case iam.Conditional:
			best = Answer{Truth: iam.Unknown, Why: one("allows " + action + " on " + on.text + " if " + d.set.Residual(&r).String())}
		}
	}
	return best
}

// joined is a list of keys as a text. A control asks about all documents with the same
// list, which is joined once.
func (a *Account) joined(absent []string) string {
	if len(absent) == 0 {
		return ""
	}
	if len(a.absent) != len(absent) || &a.absent[0] != &absent[0] {
		a.absent, a.absentText = absent, strings.Join(absent, " ")
	}
	return a.absentText
}

// request is what is known of a request by whoever carries a document, on a resource of
// the same account.
func request(p *iam.Principal, absent []string) iam.Context {
	values := p.ContextKeys()
	delete(values, "aws:PrincipalArn")
	delete(values, "aws:PrincipalType")
	values["aws:ResourceAccount"] = []string{string(p.Account)}
	var prefixes []string
	for _, key := range absent {
		if strings.HasSuffix(key, ":") || strings.HasSuffix(key, "/") {
			prefixes = append(prefixes, strings.ToLower(key))
		} else {
			values[key] = nil
		}
	}
	c := iam.PartialContext(values)
	for _, prefix := range prefixes {
		c = c.Close(prefix)
	}
	return c
}

// statement names one as a person counts.
func statement(r iam.Ref) string {
	if r.Policy == nil {
		return "the policy"
	}
	s := fmt.Sprintf("statement %d", r.Index+1)
	if sid := r.Sid(); sid != "" {
		s += " (" + sid + ")"
	}
	return s
}

// maxRegions bounds the Regions that a document is asked about.
const maxRegions = 8

// regionsOf are a usual Region and those that the document's resources name.
func regionsOf(p *iam.Policy) []string {
	out := []string{"us-east-1"}
	for _, text := range witness.Written([]*iam.Policy{p}) {
		parts, ok := condition.SplitARN(text)
		if ok && parts[3] != "" && !strings.ContainsAny(parts[3], "*?$") && !slices.Contains(out, parts[3]) && len(out) < maxRegions {
			out = append(out, parts[3])
		}
	}
	return out
}

// Parts of a document that a control may ask for.
const (
	Inverted = "inverted" // Allow statements with NotAction or NotResource
	Services = "services" // services of which Allow statements list every action
	Keys     = "keys"     // condition keys, in lower case
	Codes    = "codes"    // findings of the linter
)

// List lists one of the parts of a document. The answer is False, or unknown for a
// document that is none.
func (a *Account) List(part, name, text string) ([]string, Answer) {
	d := a.document(name, text)
	if d.err != nil {
		return nil, unreadable(name, d.err)
	}
	out, ok := d.parts[part]
	if !ok {
		read := parts[part]
		if read == nil {
			return nil, undecided("no part of a document is called %s", part)
		}
		if out = read(d.policy); d.parts == nil {
			d.parts = map[string][]string{}
		}
		d.parts[part] = out
	}
	return out, Answer{}
}

var parts = map[string]func(*iam.Policy) []string{Inverted: inverted, Services: services, Keys: keys, Codes: codes}

func inverted(p *iam.Policy) []string {
	out := []string{}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() {
			continue
		}
		if s.NotAction != nil {
			out = append(out, statement(iam.Ref{Policy: p, Index: i})+": NotAction")
		}
		if s.NotResource != nil {
			out = append(out, statement(iam.Ref{Policy: p, Index: i})+": NotResource")
		}
	}
	return out
}

// services reads s3:* and s3:**; * alone is every service.
func services(p *iam.Policy) []string {
	out := []string{}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() {
			continue
		}
		for _, text := range s.Action.Values() {
			service, rest, _ := strings.Cut(text, ":")
			if strings.Trim(rest, "*") == "" && (rest != "" || strings.Trim(service, "*") == "") {
				out = append(out, cmp.Or(strings.ToLower(service), "*"))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func keys(p *iam.Policy) []string {
	out := []string{}
	witness.EachCondition(p, func(key string, _ []string) { out = append(out, key) })
	slices.Sort(out)
	return slices.Compact(out)
}

// codes leaves dates out: they are judged against no clock.
func codes(p *iam.Policy) []string {
	out := []string{}
	findings, _ := lint.Document(p.Document, lint.Options{Type: lint.Identity, Managed: true})
	for _, f := range findings {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
