// Package scenario builds the history of a simulated organization: accounts with the
// state of their root users, and the calls that made everything else. A plan comes from
// a file or is generated from a seed; both go the same way, through the operations of
// the simulator, so that nothing is there that a client could not have made.
package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Plan is what Apply builds. In a file it is one JSON object; unknown keys are errors.
type Plan struct {
	Accounts []Account `json:"accounts"` // the first is the management account
	Calls    []Call    `json:"calls"`
	Faults   []Fault   `json:"faults,omitempty"` // of what clients ask later
}

// Account is one account of the plan.
type Account struct {
	ID      rootkeep.AccountID `json:"id"`
	Name    string             `json:"name"`
	Email   string             `json:"email"`
	Unit    string             `json:"unit,omitempty"` // organizational unit below the root; empty: the root
	AgeDays int                `json:"age_days"`
	Regions []string           `json:"regions,omitempty"` // that were enabled beside the default ones
	Root    Root               `json:"root"`
}

// Root is the state of an account's root user. Days count back from now; a use that is
// not given never was.
type Root struct {
	Password     *Use     `json:"password,omitempty"`
	Keys         []Key    `json:"keys,omitempty"`
	Certificates int      `json:"certificates,omitempty"`
	MFA          []string `json:"mfa,omitempty"` // virtual, fido, hardware
}

// Use is when a thing was made and last used.
type Use struct {
	AgeDays     int  `json:"age_days"`
	UsedDaysAgo *int `json:"used_days_ago,omitempty"`
}

// Key is an access key.
type Key struct {
	Use
	Inactive bool `json:"inactive,omitempty"`
}

// Call is one call of the history. Each account has an administrator from the start,
// the user "admin", who makes it unless As names another user or a role.
type Call struct {
	Account   string         `json:"account"` // by name
	As        string         `json:"as,omitempty"`
	Region    string         `json:"region,omitempty"` // us-east-1 if empty
	Service   string         `json:"service"`          // by the name that signatures use
	Operation string         `json:"operation"`
	With      map[string]any `json:"with,omitempty"` // parameters; ${account:NAME} stands for an account's number
	DaysAgo   int            `json:"days_ago,omitempty"`
	Refused   bool           `json:"refused,omitempty"` // the call must fail
}

// Fault makes calls that fit go wrong; empty fields fit everything.
type Fault struct {
	Kind         cloud.FaultKind `json:"kind"` // one of cloud.FaultKinds
	Service      string          `json:"service,omitempty"`
	Operation    string          `json:"operation,omitempty"`
	Account      string          `json:"account,omitempty"` // by name
	Region       string          `json:"region,omitempty"`
	Skip         int             `json:"skip,omitempty"`  // so many go well first
	Times        int             `json:"times,omitempty"` // then so many go wrong; 0: all
	Milliseconds int             `json:"milliseconds,omitempty"`
}

// Read reads a plan. The error names what is wrong and the byte where it is.
func Read(r io.Reader) (*Plan, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	p := &Plan{}
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("scenario, offset %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("scenario, offset %d: more than one JSON object", d.InputOffset())
	}
	return p, p.check()
}

func (p *Plan) check() error {
	if len(p.Accounts) == 0 {
		return errors.New("scenario: want at least one account, the management account")
	}
	for _, a := range p.Accounts {
		for _, kind := range a.Root.MFA {
			if !slices.Contains([]string{"virtual", "fido", "hardware"}, kind) {
				return fmt.Errorf("scenario: account %s: root has an MFA device %q: want virtual, fido or hardware", a.Name, kind)
			}
		}
	}
	for i, f := range p.Faults {
		if !slices.Contains(cloud.FaultKinds(), f.Kind) || f.Skip < 0 || f.Times < 0 || f.Milliseconds < 0 {
			return fmt.Errorf("scenario: fault %d is of kind %q: want one of %v, with numbers that are not negative", i, f.Kind, cloud.FaultKinds())
		}
	}
	for i, c := range p.Calls {
		if c.DaysAgo < 0 || i > 0 && c.DaysAgo > p.Calls[i-1].DaysAgo {
			return fmt.Errorf("scenario: call %d (%s %s) is %d days ago, after one of %d: want the oldest first", i, c.Service, c.Operation, c.DaysAgo, p.Calls[max(i-1, 0)].DaysAgo)
		}
	}
	return nil
}

// Apply builds the plan in a cloud without accounts and returns the access keys of the
// administrators by the names of their accounts.
func (p *Plan) Apply(c *cloud.Cloud) (map[string]*cloud.AccessKey, error) {
	b := builder{c, c.Now(), map[string]*cloud.Account{}, map[string]*cloud.AccessKey{}}
	for i := range p.Accounts {
		if err := b.account(&p.Accounts[i]); err != nil {
			return nil, fmt.Errorf("scenario: account %s: %w", p.Accounts[i].Name, err)
		}
	}
	for i := range p.Calls {
		if err := b.call(&p.Calls[i]); err != nil {
			return nil, fmt.Errorf("scenario: call %d, %s %s by %s: %w", i, p.Calls[i].Service, p.Calls[i].Operation, p.Calls[i].Account, err)
		}
	}
	for i, f := range p.Faults {
		a := b.accounts[f.Account]
		if a == nil && f.Account != "" {
			return nil, fmt.Errorf("scenario: fault %d: no account is called %q", i, f.Account)
		}
		rule := cloud.Fault{Kind: f.Kind, Service: f.Service, Operation: f.Operation, Region: f.Region, Skip: f.Skip, Times: f.Times, Delay: time.Duration(f.Milliseconds) * time.Millisecond}
		if a != nil {
			rule.Account = string(a.ID)
		}
		c.AddFault(rule)
	}
	return b.keys, nil
}

type builder struct {
	cloud    *cloud.Cloud
	now      time.Time
	accounts map[string]*cloud.Account // by name
	keys     map[string]*cloud.AccessKey
}

func (b *builder) ago(days int) time.Time { return b.now.AddDate(0, 0, -days) }

func (b *builder) account(in *Account) error {
	born := b.ago(in.AgeDays)
	if b.accounts[in.Name] != nil || in.Name == "" {
		return errors.New("want a name that no other account has")
	}
	a, err := b.cloud.AddAccount(in.ID, in.Name, in.Email, born)
	if err != nil {
		return err
	}
	b.accounts[in.Name] = a
	for _, name := range in.Regions {
		if r, ok := a.Region(name); !ok || r.Enabled() {
			return fmt.Errorf("region %s cannot be enabled", name)
		}
		a.OptedIn[name] = true
	}
	o := b.cloud.Organization
	if o == nil {
		if o, err = b.cloud.NewOrganization(a, born); err != nil {
			return err
		}
	}
	o.Join(a, b.unit(o, in.Unit))
	b.root(a, &in.Root)
	u := &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: b.cloud.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: born, Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	a.Users[u.Name] = u
	b.keys[in.Name] = b.cloud.NewKey(cloud.UserCaller(a, u), b.ago(min(in.AgeDays, 30)))
	u.Keys = append(u.Keys, b.keys[in.Name])
	return nil
}

// unit finds or makes a unit below the root.
func (b *builder) unit(o *cloud.Organization, name string) string {
	if name == "" {
		return o.RootID
	}
	for _, u := range cloud.Sorted(o.Units) {
		if u.Name == name {
			return u.ID
		}
	}
	return o.AddUnit(name, o.RootID).ID
}

func (b *builder) used(u Use) time.Time {
	if u.UsedDaysAgo == nil {
		return time.Time{}
	}
	return b.ago(*u.UsedDaysAgo)
}

func (b *builder) root(a *cloud.Account, in *Root) {
	r := &a.Root
	if in.Password != nil {
		made := b.ago(in.Password.AgeDays)
		r.Password = cloud.Password{Set: true, Created: made, Changed: made, Used: b.used(*in.Password)}
	}
	for _, k := range in.Keys {
		key := b.cloud.NewKey(cloud.RootCaller(a), b.ago(k.AgeDays))
		key.Active, key.Used = !k.Inactive, b.used(k.Use)
		if !key.Used.IsZero() {
			key.Region, key.Service = "us-east-1", "s3"
		}
		r.Keys = append(r.Keys, key)
	}
	for range in.Certificates {
		r.Certificates = append(r.Certificates, &cloud.Certificate{ID: strings.ToUpper(b.cloud.Word(32)), Active: true, Uploaded: r.Created})
	}
	for i, kind := range in.MFA {
		d := &cloud.Device{Owner: a.IAM("root"), Enabled: r.Created}
		switch kind {
		case "virtual":
			d.Serial = a.IAM(fmt.Sprintf("mfa/root-phone-%d", i+1))
			a.Devices[d.Serial] = d
		case "fido":
			d.Serial = a.IAM(fmt.Sprintf("u2f/root/key-%d-%s", i+1, strings.ToUpper(b.cloud.Word(26))))
			d.Certifications = map[string]string{"FIDO": "L1"}
		default:
			d.Serial = "GAHT" + b.cloud.Hex(8)
		}
		r.MFA = append(r.MFA, d)
	}
}

func (b *builder) call(in *Call) error {
	a := b.accounts[in.Account]
	if a == nil {
		return fmt.Errorf("no account is called %q", in.Account)
	}
	who, err := caller(a, in.As, b.ago(in.DaysAgo))
	if err != nil {
		return err
	}
	text, err := json.Marshal(in.With)
	if err != nil {
		return err
	}
	filled := string(text)
	for name, account := range b.accounts {
		filled = strings.ReplaceAll(filled, "${account:"+name+"}", string(account.ID))
	}
	filled = strings.NewReplacer("${root}", b.cloud.Organization.RootID, "${organization}", b.cloud.Organization.ID).Replace(filled)
	if _, rest, found := strings.Cut(filled, "${account:"); found {
		name, _, _ := strings.Cut(rest, "}")
		return fmt.Errorf("no account is called %q", name)
	}
	region := in.Region
	if region == "" {
		region = "us-east-1"
	}
	b.cloud.InPast(b.ago(in.DaysAgo), func() {
		_, err = b.cloud.Invoke(cloud.Invocation{
			Caller: who, Region: region, Service: in.Service, Operation: in.Operation, Parameters: json.RawMessage(filled), SourceIP: "198.51.100.7",
			UserAgent: "aws-cli/2.32.4 md/awscrt#0.28.2 ua/2.1 os/linux#6.12",
		})
	})
	if in.Refused && err == nil {
		return errors.New("the call succeeds, and should be refused")
	}
	if in.Refused {
		return nil
	}
	return err
}

// caller finds who makes a call: a user, a role in a session, or root.
func caller(a *cloud.Account, name string, at time.Time) (cloud.Caller, error) {
	if name == "" {
		name = "admin"
	}
	if u := a.Users[name]; u != nil {
		w := cloud.UserCaller(a, u)
		if len(u.Keys) > 0 {
			w.Key = u.Keys[0].ID
		}
		return w, nil
	}
	if r := a.Roles[name]; r != nil {
		w := cloud.RoleCaller(a, r, "scenario")
		w.Session, w.Key = &cloud.Session{Issued: at}, "ASIASCENARIO00000000"
		return w, nil
	}
	if name == "root" {
		return cloud.RootCaller(a), nil
	}
	return cloud.Caller{}, fmt.Errorf("account %s has no user or role %q", a.Name, name)
}
