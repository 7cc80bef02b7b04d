package kinds

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// Accounts of the world that cases run in.
const (
	management = rootkeep.AccountID("111111111111")
	member     = rootkeep.AccountID("222222222222")
	home       = "us-east-1"
)

// World is a small simulated organization: a management account and a member, each with
// a root user that has password, access key and MFA device, and an administrator. Its
// time goes when somebody waits.
type World struct {
	Cloud *cloud.Cloud
	URL   string
	Keys  map[rootkeep.AccountID]*cloud.AccessKey // of administrators

	Entered func(facts.Session) error // hears of the sessions that changes are given; nil is nobody

	manager rootkeep.AccountID
	base    *session.Base
	server  *httptest.Server
	mu      sync.Mutex // guards waited
	waited  time.Duration
	answers expr.Answers // of the calls that prepared it
}

// NewWorld builds the organization, with the roles that these kinds of change need, or all
// that come with rootkeep if none is given, and serves it until Close.
func NewWorld(ctx context.Context, of ...*change.Kind) (*World, error) {
	used := 200
	root := scenario.Root{
		Password: &scenario.Use{AgeDays: 400, UsedDaysAgo: &used}, MFA: []string{"virtual"},
		Keys: []scenario.Key{{Use: scenario.Use{AgeDays: 400, UsedDaysAgo: &used}}}, Certificates: 1,
	}
	return WorldOf(ctx, &scenario.Plan{Accounts: []scenario.Account{
		{ID: management, Name: "management", Email: "aws+management@example.com", AgeDays: 800, Root: root},
		{ID: member, Name: "member", Email: "aws+member@example.com", Unit: "Workloads", AgeDays: 400, Root: root},
	}}, nil, of...)
}

// WorldOf builds another organization, whose first account manages it. through may look at
// each request.
func WorldOf(ctx context.Context, plan *scenario.Plan, through func(http.Handler) http.Handler, of ...*change.Kind) (*World, error) {
	w := &World{Keys: map[rootkeep.AccountID]*cloud.AccessKey{}, answers: expr.Answers{}, manager: plan.Accounts[0].ID}
	var err error
	w.Cloud, err = awssim.New(cloud.Config{Clock: w.Now, SigningClock: time.Now, Seed: 1})
	if err != nil {
		return nil, err
	}
	keys, err := plan.Apply(w.Cloud)
	if err != nil {
		return nil, err
	}
	for _, a := range plan.Accounts {
		w.Keys[a.ID] = keys[a.Name]
	}
	if err := w.roles(of); err != nil {
		return nil, err
	}
	var h http.Handler = w.Cloud
	if through != nil {
		h = through(h)
	}
	w.server = httptest.NewServer(h)
	w.URL = w.server.URL
	k := w.Keys[w.manager]
	w.base, err = session.Open(ctx, session.Config{Region: home, Elsewhere: &session.Elsewhere{URL: w.URL, KeyID: k.ID, Secret: k.Secret}})
	return w, err
}

// ReadRole is the name of the role that plans changes.
const ReadRole = writerole.PlanName

// RoleOf is the name of the role that applies changes of a class.
func RoleOf(class string) string { return writerole.Name(writerole.Template, class) }

// shipped are the kinds that come with rootkeep, loaded once.
var shipped = sync.OnceValues(func() (*Catalogue, error) { return Load(nil, false) })

// roles gives each account the roles that the kinds need, and nothing more.
func (w *World) roles(of []*change.Kind) error {
	c := &Catalogue{Kinds: of}
	if len(of) == 0 {
		var err error
		if c, err = shipped(); err != nil {
			return err
		}
	}
	list, err := c.Roles("arn:aws:iam::" + string(w.manager) + ":root")
	if err != nil {
		return err
	}
	for _, a := range w.Cloud.Accounts() {
		if err := Make(w.Cloud, a, list); err != nil {
			return err
		}
	}
	return nil
}

// Close ends it.
func (w *World) Close() { w.server.Close() }

// Now is the organization's time.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().UTC().Add(w.waited)
}

// Wait lets time pass.
func (w *World) Wait(d time.Duration) {
	w.mu.Lock()
	w.waited += d
	w.mu.Unlock()
	w.Cloud.Tick()
}

// prepare makes the calls of a case.
func (w *World) prepare(c *change.Case, calls []change.Setup) error {
	for i, s := range calls {
		if err := w.call(c, s); err != nil {
			return fmt.Errorf("%s, call %d: %w", s.Call, i+1, err)
		}
	}
	return nil
}

func account(c *change.Case) rootkeep.AccountID {
	if c.Member {
		return member
	}
	return management
}

func (w *World) call(c *change.Case, s change.Setup) error {
	of := account(c)
	if s.As == "management" {
		of = management
	}
	a := w.Cloud.Account(of)
	who := cloud.UserCaller(a, a.Users["admin"])
	if s.As == "root" {
		who = cloud.RootCaller(a)
	}
	service, operation, ok := strings.Cut(s.Call, ":")
	if !ok {
		return fmt.Errorf("want service:Operation")
	}
	name := ""
	for _, x := range w.Cloud.Services() {
		if x.Prefix == service || x.Name == service {
			name = x.Name
		}
	}
	with, err := w.filled(c, s.With)
	if err != nil {
		return err
	}
	region := s.Region
	if region == "" {
		region = home
	}
	var out map[string]any
	invoke := func() {
		out, err = w.Cloud.Invoke(cloud.Invocation{Caller: who, Region: region, Service: name, Operation: operation, Parameters: with})
	}
	if s.Ago > 0 {
		w.Cloud.InPast(w.Now().AddDate(0, 0, -s.Ago), invoke)
	} else {
		invoke()
	}
	if err == nil && s.ID != "" {
		w.answers[s.ID] = []expr.Answered{{Parts: flat(map[string]any{}, "", out)}}
	}
	return err
}

// flat is an answer by the paths of its values.
func flat(into map[string]any, path string, v any) map[string]any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			flat(into, strings.TrimPrefix(path+"."+k, "."), e)
		}
	case []any:
		for i, e := range x {
			flat(into, fmt.Sprintf("%s.%d", path, i), e)
		}
	default:
		into[path] = v
	}
	return into
}

// filled evaluates the texts that begin with =.
func (w *World) filled(c *change.Case, with map[string]any) (map[string]any, error) {
	out, err := w.fill(c, with)
	if err != nil || out == nil {
		return map[string]any{}, err
	}
	return out.(map[string]any), nil
}

func (w *World) fill(c *change.Case, v any) (any, error) {
	var err error
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			if out[k], err = w.fill(c, e); err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			if out[i], err = w.fill(c, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case string:
		source, ok := strings.CutPrefix(x, "=")
		if !ok {
			return x, nil
		}
		e := expr.New(source)
		if err := e.Compile("case", expr.Planning); err != nil {
			return nil, err
		}
		return e.Eval(expr.Values{
			"account": string(account(c)), "region": home, "partition": "aws", "management": string(management), "role": "", "change": "CH-CASE", "planned": w.Now().Format(time.RFC3339),
			"parameters": map[string]any{}, "prior": map[string]any{}, "wants": map[string]any{}, "answers": w.answers, "item": nil,
		})
	}
	return v, nil
}
