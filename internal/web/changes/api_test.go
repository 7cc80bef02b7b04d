package changes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/alter/altertest"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	area "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// site is a server with the area and the people of altertest, who are signed in under
// their names in small letters, with keys that they just touched; "tired" is Ann an hour
// later.
type site struct {
	*webtest.Server
	*altertest.World
	t testing.TB
}

func start(t testing.TB) *site {
	t.Helper()
	w := altertest.Open(t, webtest.Store(t), approval.Site{RPID: "localhost", Origin: "http://localhost"})
	a, err := area.Area(area.Config{Store: w.Store, Desk: w.Desk, Engine: w.Engine, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b, err := approvals.Area(approvals.Config{Store: w.Store, Desk: w.World.Desk.Desk, Now: time.Now, Faces: []approvals.Face{subject.Face(), exceptions.Face()}})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	for name, p := range map[string]*exceptionstest.Person{"ann": w.Ann, "bob": w.Bob, "cid": w.Cid, "gus": w.Gus, "fay": w.Fay, "eve": w.Eve} {
		actor := p.Actor
		actor.Verified = time.Now()
		actors[name] = actor
	}
	tired := w.Ann.Actor
	tired.Verified = time.Now().Add(-time.Hour)
	actors["tired"] = tired
	s := &site{webtest.Serve(t, w.Store, actors, a, b), w, t}
	w.Desk.Site = approval.SiteOf(s.URL)
	return s
}

// want holds an answer to a status and to words that its body has.
func (s *site) want(got webtest.Answer, status int, words ...string) webtest.Answer {
	s.t.Helper()
	if got.Status != status {
		s.t.Fatalf("got %d, want %d\n%.3000s", got.Status, status, got.Body)
	}
	for _, w := range words {
		if !strings.Contains(got.Body, w) {
			s.t.Errorf("got a body without %q\n%.6000s", w, got.Body)
		}
	}
	return got
}

func decode[T any](t testing.TB, got webtest.Answer) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(got.Body), &out); err != nil {
		t.Fatalf("%v\n%s", err, got.Body)
	}
	return out
}

const (
	api      = "/api/v1/changes"
	password = `{"kind":"password-policy","account":"111111111111"}`
	alias    = `{"kind":"group-make","account":"111111111111","parameters":{"name":"house"}}`
)

// plan plans a change as Ann.
func (s *site) plan(body string) client.AccountChangeDetail {
	s.t.Helper()
	return decode[client.AccountChangeDetail](s.t, s.want(s.JSON("ann", "POST", api, body), 201))
}

func hash(c client.AccountChangeDetail) string {
	return fmt.Sprintf(`{"plan_sha256":%q}`, c.SHA256)
}

// approved is a change that enough people have approved.
func (s *site) approved(body string, by ...*exceptionstest.Person) client.AccountChangeDetail {
	s.t.Helper()
	c := s.plan(body)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/request", hash(c)), 200)
	s.Approve(s.t, c.ID, by...)
	return c
}

func (s *site) get(actor, id string) client.AccountChangeDetail {
	s.t.Helper()
	return decode[client.AccountChangeDetail](s.t, s.want(s.Get(actor, api+"/"+id), 200))
}

func mays(t *testing.T, c client.AccountChangeDetail, want ...string) {
	t.Helper()
	if !slices.Equal(c.May, want) {
		t.Errorf("%s, %s: got may %q, want %q", c.ID, c.State, c.May, want)
	}
}

// TestTheWholePath plans, asks, approves, applies and undoes over the API.
func TestTheWholePath(t *testing.T) {
	s := start(t)
	c := s.plan(password)
	p, err := change.ParsePlan([]byte(c.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Hash(); err != nil || got != c.SHA256 || len(p.Calls) != 1 || p.Calls[0].Operation != "iam:UpdateAccountPasswordPolicy" {
		t.Errorf("got the plan %s with the hash %s, %v, want one call and %s", c.Plan, got, err, c.SHA256)
	}
	mays(t, c, "request", "replan", "withdraw")
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 409, "not-in-this-state")
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/request", `{"plan_sha256":"`+strings.Repeat("0", 64)+`"}`), 409, "other-plan", c.SHA256)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/request", hash(c)), 200, `"state":"requested"`)
	if _, err := s.Decide(t, s.Ann, c.ID, approval.Approve); err == nil {
		t.Error("Ann approved her own change")
	}
	mays(t, s.get("bob", c.ID), "approve")
	s.Approve(t, c.ID, s.Bob)
	c = s.get("ann", c.ID)
	mays(t, c, "apply", "withdraw")
	mays(t, s.get("bob", c.ID))
	s.want(s.JSON("tired", "POST", api+"/"+c.ID+"/apply", hash(c)), 403, "needs-key")
	s.want(s.JSON("bob", "POST", api+"/"+c.ID+"/apply", hash(c)), 403)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", `{"plan_sha256":"`+strings.Repeat("0", 64)+`"}`), 409, "other-plan")
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200, `"state":"applying"`)
	if got := s.Settled(t, c.ID); got.State != changes.Applied {
		t.Fatalf("got %s: %s, want applied", got.State, got.Why)
	}
	c = s.get("ann", c.ID)
	if len(c.Made) != 1 || c.Made[0].Operation != "iam:UpdateAccountPasswordPolicy" || !strings.Contains(string(c.After), `"MinimumPasswordLength":14`) {
		t.Errorf("got the calls %+v and the state %s, want one call and the policy", c.Made, c.After)
	}
	mays(t, c, "undo")
	s.want(s.JSON("ann", "POST", api, password), 409, "nothing-to-change")
	undo := decode[client.AccountChangeDetail](t, s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/undo", ""), 201, `"undoes":"`+c.ID+`"`))
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/undo", ""), 409, "cannot-be-undone")
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/request", hash(undo)), 200)
	s.Approve(t, undo.ID, s.Gus)
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/apply", hash(undo)), 200)
	if got := s.Settled(t, undo.ID); got.State != changes.Applied {
		t.Fatalf("undo: got %s: %s, want applied", got.State, got.Why)
	}
	if c = s.get("ann", c.ID); c.State != "undone" || c.UndoneBy != undo.ID {
		t.Errorf("got %s by %q, want it undone by %s", c.State, c.UndoneBy, undo.ID)
	}
}

// TestRefusals asks for what cannot be, and wants to be told why.
func TestRefusals(t *testing.T) {
	s := start(t)
	wish := func(parameters string) string {
		return `{"kind":"group-make","account":"111111111111","parameters":` + parameters + `}`
	}
	for _, tt := range []struct {
		name, actor, body string
		status            int
		words             []string
	}{
		{"what the kind requires, with every reason", "ann", wish(`{"name":"taken","loud":true}`), 422, []string{"change-refused", `"message":"nobody may be told of taken"`, `"message":"the name is taken; hint: choose another one"`}},
		{"a kind that is none", "ann", `{"kind":"no-such","account":"111111111111"}`, 422, []string{"there is no kind of change"}},
		{"a parameter that is none", "ann", wish(`{"name":"house","color":"red"}`), 422, []string{"has no parameter"}},
		{"a parameter that is missing", "ann", wish(`{}`), 422, []string{"needs the parameter name"}},
		{"a parameter out of its range", "ann", wish(`{"name":"house","count":9}`), 422, []string{"out of range"}},
		{"an account that is none", "ann", `{"kind":"password-policy","account":"1"}`, 422, []string{"body.account"}},
		{"an account that AWS does not let in", "ann", `{"kind":"password-policy","account":"333333333333"}`, 502, []string{"aws-refused", "iam:GetAccountPasswordPolicy in us-east-1 of 333333333333: AccessDenied"}},
		{"a machine", "operator", password, 403, []string{"a person with the role"}},
		{"who may not ask", "bob", password, 403, []string{"the permission request"}},
		{"who may ask elsewhere only", "fay", password, 403, nil},
		{"a member nobody knows", "ann", `{"kind":"password-policy","account":"111111111111","force":true}`, 422, []string{"unexpected property"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.t = t
			s.want(s.JSON(tt.actor, "POST", api, tt.body), tt.status, tt.words...)
		})
	}
	if list := decode[client.Page[client.AccountChange]](t, s.Get("ann", api)); len(list.Items) != 0 {
		t.Errorf("got %d changes after refusals only, want none", len(list.Items))
	}
}

func TestListsAndKinds(t *testing.T) {
	s := start(t)
	first, second := s.plan(password), s.plan(alias)
	ids := func(query string) []string {
		page := decode[client.Page[client.AccountChange]](t, s.want(s.Get("ann", api+"?"+query), 200))
		out := []string{}
		for _, c := range page.Items {
			out = append(out, c.ID)
		}
		return out
	}
	for query, want := range map[string][]string{
		"": {second.ID, first.ID}, "kind=group-make": {second.ID}, "state=planned&account=111111111111": {second.ID, first.ID}, "state=applied": {},
		"account=222222222222": {}, "by=" + s.Ann.ID: {second.ID, first.ID}, "by=" + s.Bob.ID: {}, "batch=CB-1": {}, "limit=1": {second.ID},
	} {
		if got := ids(query); !slices.Equal(got, want) {
			t.Errorf("?%s: got %v, want %v", query, got, want)
		}
	}
	page := decode[client.Page[client.AccountChange]](t, s.Get("ann", api+"?limit=1"))
	if got := ids("limit=1&cursor=" + page.Next); !slices.Equal(got, []string{first.ID}) {
		t.Errorf("the next page: got %v, want %s", got, first.ID)
	}
	s.want(s.Get("ann", api+"?state=gone"), 422)
	if !second.Final || second.Policy != "change-identity-final" && second.Policy == first.Policy {
		t.Errorf("got %+v, want a final change under a stricter policy than %s", second.AccountChange, first.Policy)
	}
	kinds := decode[client.ChangeKinds](t, s.Get("viewer", api+"/kinds"))
	if !slices.ContainsFunc(kinds.Kinds, func(k client.ChangeKind) bool { return k.ID == "password-policy" }) {
		t.Errorf("got the kinds %+v, want password-policy among them", kinds)
	}
	kind := decode[client.ChangeKind](t, s.want(s.Get("viewer", api+"/kinds/group-make"), 200))
	if len(kind.Parameters) != 6 || len(kind.Final) != 1 {
		t.Errorf("got %+v, want six parameters and what cannot be undone", kind)
	}
	s.want(s.Get("viewer", api+"/kinds/none"), 404)
}

// TestAChangeOutOfSightIsNotTold holds every way to a change by its ID to one answer.
func TestAChangeOutOfSightIsNotTold(t *testing.T) {
	s := start(t)
	c := s.plan(password)
	for name, got := range map[string]webtest.Answer{
		"read": s.Get("fay", api+"/"+c.ID), "read by an approver of elsewhere": s.Get("eve", api+"/"+c.ID),
		"one that is not": s.Get("ann", api+"/CH-1"), "batch": s.Get("fay", api+"/batches/CB-1"),
	} {
		if got.Status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", name, got.Status)
		}
	}
}

// TestEndsAndKeys withdraws, and sends the same twice.
func TestEndsAndKeys(t *testing.T) {
	s := start(t)
	got := s.JSON("ann", "POST", api, password, "Idempotency-Key", "one")
	s.want(got, 201)
	c := decode[client.AccountChangeDetail](t, got)
	if again := decode[client.AccountChangeDetail](t, s.JSON("ann", "POST", api, password, "Idempotency-Key", "one")); again.ID != c.ID {
		t.Errorf("the same key: got %s and %s, want one change", c.ID, again.ID)
	}
	withdraw := api + "/" + c.ID + "/withdraw"
	s.want(s.JSON("ann", "POST", withdraw, ""), 428)
	s.want(s.JSON("ann", "POST", withdraw, "", "If-Match", `"7"`), 412)
	s.want(s.JSON("ann", "POST", withdraw, "", "If-Match", got.Header.Get("ETag")), 200, `"state":"withdrawn"`)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/give-up", "", "If-Match", `"2"`), 409, "not-in-this-state")
	mays(t, s.get("ann", c.ID))
}

// TestAStoppedChange has AWS refuse the call: the change says why and holds its resource,
// until it is gone on with or given up.
func TestAStoppedChange(t *testing.T) {
	s := start(t)
	apply := func(c client.AccountChangeDetail) webtest.Answer {
		return s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c))
	}
	first, second := s.approved(password, s.Bob), s.approved(password, s.Bob)
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(apply(first), 200)
	s.Settled(t, first.ID)
	c := s.get("ann", first.ID)
	if c.State != "stopped" || !strings.Contains(c.Why, "iam:UpdateAccountPasswordPolicy") || !strings.Contains(c.Why, "AccessDenied") || len(c.Made) != 0 {
		t.Errorf("got %s, %q and %d calls, want it stopped by AWS's refusal", c.State, c.Why, len(c.Made))
	}
	mays(t, c, "apply", "give-up")
	s.want(s.Get("ann", "/changes/"+c.ID), 200, "It stopped after 0 of 1 calls", "AccessDenied", "Go on with it", "Give it up")
	s.want(apply(second), 409, "resource-held", first.ID, "hint: wait until that one has ended, or give it up")
	s.Sim.Cloud.ClearFaults()
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", `{"plan_sha256":"`+second.SHA256+`"}`), 409, "other-plan")
	s.want(apply(first), 200)
	if got := s.Settled(t, first.ID); got.State != changes.Applied || got.Run != 2 {
		t.Errorf("gone on with: got %s in run %d: %s, want it applied in the second", got.State, got.Run, got.Why)
	}

	third := s.approved(`{"kind":"password-policy","account":"222222222222"}`, s.Bob)
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(apply(third), 200)
	s.Settled(t, third.ID)
	read := s.Get("ann", api+"/"+third.ID)
	s.want(s.JSON("tired", "POST", api+"/"+third.ID+"/give-up", "", "If-Match", read.Header.Get("ETag")), 403, "needs-key")
	s.want(s.JSON("ann", "POST", api+"/"+third.ID+"/give-up", "", "If-Match", `"1"`), 412)
	s.want(s.JSON("ann", "POST", api+"/"+third.ID+"/give-up", "", "If-Match", read.Header.Get("ETag")), 200, `"state":"unverified"`)
	s.want(s.JSON("ann", "POST", api+"/"+third.ID+"/undo", ""), 409)
}

// TestABatchHalts halts a batch at its canary, and releases it.
func TestABatchHalts(t *testing.T) {
	s := start(t)
	b := decode[client.ChangeBatch](t, s.want(s.JSON("ann", "POST", api+"/batches", `{"about":"a","kind":"password-policy","accounts":["111111111111","222222222222"],"canaries":["111111111111","222222222222"]}`), 201))
	at := api + "/batches/" + b.ID
	s.want(s.JSON("ann", "POST", at+"/request", ""), 200)
	for _, c := range b.Changes {
		s.Approve(t, c.ID, s.Bob)
	}
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(s.JSON("ann", "POST", at+"/apply", ""), 200)
	s.Begun(t, b.Changes[0].ID)
	s.Settled(t, b.Changes[0].ID)
	b = decode[client.ChangeBatch](t, s.Get("ann", at))
	if b.Halted != b.Changes[0].ID || !slices.Equal(b.May, []string{"apply", "release"}) {
		t.Errorf("got it halted at %q, may %q, want it halted at %s", b.Halted, b.May, b.Changes[0].ID)
	}
	s.want(s.Get("ann", "/changes/batches/"+b.ID), 200, "It halted", b.Halted, "Go on without the one it halted at")
	s.want(s.JSON("tired", "POST", at+"/release", ""), 403, "needs-key")
	s.want(s.JSON("ann", "POST", at+"/release", ""), 200)
}

// TestDriftIsRefused applies a plan to an account that another change has changed since.
func TestDriftIsRefused(t *testing.T) {
	s := start(t)
	first, second := s.approved(password, s.Bob), s.approved(`{"kind":"password-policy","account":"111111111111","parameters":{"minimum_length":"20"}}`, s.Bob)
	for _, c := range []client.AccountChangeDetail{first, second} {
		s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
		s.Settled(t, c.ID)
	}
	c := s.get("ann", second.ID)
	if c.State != "refused" || !strings.Contains(c.Why, "the state has changed since it was planned") || len(c.Made) != 0 {
		t.Errorf("got %s, %q and %d calls, want it refused for drift", c.State, c.Why, len(c.Made))
	}
}

func TestBatches(t *testing.T) {
	s := start(t)
	plan := func(body string) webtest.Answer { return s.JSON("ann", "POST", api+"/batches", body) }
	s.want(plan(`{"about":"a","kind":"password-policy","accounts":["111111111111"],"canaries":["222222222222"]}`), 422, "none of the accounts")
	s.want(plan(`{"about":"a","kind":"password-policy","accounts":["111111111111","111111111111"]}`), 422, "twice")
	b := decode[client.ChangeBatch](t, s.want(plan(`{"about":"passwords everywhere","kind":"password-policy","accounts":["111111111111","222222222222"],"canaries":["222222222222"]}`), 201))
	if len(b.Changes) != 2 || b.Changes[0].Account != "222222222222" || !b.Changes[0].Canary || b.Changes[1].Canary || !slices.Equal(b.May, []string{"request"}) {
		t.Fatalf("got %+v, want the canary first", b)
	}
	at := api + "/batches/" + b.ID
	s.want(s.JSON("ann", "POST", at+"/request", ""), 200, `"state":"requested"`)
	s.want(s.JSON("ann", "POST", at+"/request", ""), 409, "not-in-this-state")
	s.want(s.JSON("ann", "POST", at+"/release", ""), 409, "has not halted")
	for _, c := range b.Changes {
		s.Approve(t, c.ID, s.Bob)
	}
	b = decode[client.ChangeBatch](t, s.want(s.Get("ann", at), 200))
	s.want(s.JSON("ann", "POST", api+"/"+b.Changes[1].ID+"/apply", `{"plan_sha256":"`+b.Changes[1].SHA256+`"}`), 409, "batch-halted", b.Changes[0].ID)
	s.want(s.JSON("ann", "POST", at+"/apply", ""), 200)
	for _, c := range b.Changes {
		if got := s.Ended(t, c.ID); got.State != changes.Applied {
			t.Errorf("%s in %s: got %s: %s, want applied", c.ID, c.Account, got.State, got.Why)
		}
	}
}

// TestABatchOfSeveralKinds plans what a stage of a deployment has.
func TestABatchOfSeveralKinds(t *testing.T) {
	s := start(t)
	plan := func(body string) webtest.Answer { return s.JSON("ann", "POST", api+"/batches", body) }
	s.want(plan(`{"about":"a"}`), 422, "want a kind and accounts, or changes")
	s.want(plan(`{"about":"a","kind":"password-policy"}`), 422, "want a kind and accounts, or changes")
	s.want(plan(`{"about":"a","changes":[]}`), 422)
	s.want(plan(`{"about":"a","kind":"password-policy","changes":[{"kind":"volume-encryption","account":"111111111111"}]}`), 422, "stand for themselves")
	s.want(plan(`{"about":"a","changes":[{"kind":"volume-encryption","account":"1"}]}`), 422)
	s.want(plan(`{"about":"a","changes":[{"kind":"volume-encryption","account":"222222222222"},{"kind":"paint","account":"111111111111"}]}`), 422, "paint")
	b := decode[client.ChangeBatch](t, s.want(plan(`{"about":"two of one account","changes":[{"kind":"volume-encryption","account":"222222222222","region":"us-east-1","parameters":{"regions":"us-east-1"}},{"kind":"password-policy","account":"222222222222"}]}`), 201))
	if len(b.Changes) != 2 || b.Changes[0].Kind != "volume-encryption" || b.Changes[1].Kind != "password-policy" || !b.Changes[0].Canary {
		t.Fatalf("got %+v, want both in their order", b)
	}
	at := api + "/batches/" + b.ID
	s.want(s.JSON("ann", "POST", at+"/request", ""), 200)
	for _, c := range b.Changes {
		s.Approve(t, c.ID, s.Bob)
	}
	s.want(s.JSON("ann", "POST", at+"/apply", ""), 200)
	for _, c := range b.Changes {
		if got := s.Ended(t, c.ID); got.State != changes.Applied {
			t.Errorf("%s: got %s: %s, want applied", c.Kind, got.State, got.Why)
		}
	}
}

// broken is an engine that fails as it is told.
type broken struct {
	area.Engine
	err error
}

func (b broken) Plan(context.Context, people.Actor, area.Wanted) (*changes.Change, error) {
	return nil, b.err
}

// TestWhatFailsIsNamed has the engine fail in every way that it may.
func TestWhatFailsIsNamed(t *testing.T) {
	s := start(t)
	refusal := &change.Refusal{Call: change.Call{Operation: "iam:GetUser", Account: "111111111111", Region: "us-east-1"}, Code: "AccessDenied", Message: "<b>no</b>"}
	for name, tt := range map[string]struct {
		err    error
		status int
		words  []string
	}{
		"a refusal of AWS":              {fmt.Errorf("plan: %w", refusal), 502, []string{"aws-refused", "iam:GetUser in us-east-1 of 111111111111: AccessDenied"}},
		"no credentials":                {fmt.Errorf("%w: sign in first", area.ErrAWS), 502, []string{"aws-unreachable", "sign in first"}},
		"a network in the way":          {&url.Error{Op: "Post", URL: "https://iam.amazonaws.com", Err: errors.New("connection refused")}, 502, []string{"aws-unreachable", "connection refused"}},
		"nothing to do":                 {change.ErrNothing, 409, []string{"nothing-to-change"}},
		"a resource that is held":       {&changes.Held{Resource: "r", By: "CH-9"}, 409, []string{"resource-held", "CH-9"}},
		"a run that is somebody else's": {changes.ErrLost, 409, []string{"applied-elsewhere"}},
		"signatures that do not hold":   {changes.ErrUnapproved, 403, []string{"not-approved"}},
		"what nobody foresaw":           {errors.New("secret of the house"), 500, []string{"internal"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := area.Area(area.Config{Store: s.World.Store, Desk: s.Desk, Engine: broken{s.Engine, tt.err}, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			actor := s.Ann.Actor
			actor.Verified = time.Now()
			server := &site{webtest.Serve(t, s.World.Store, webtest.Actors{"ann": actor}, a), s.World, t}
			got := server.want(server.JSON("ann", "POST", api, password), tt.status, tt.words...)
			lacks(t, got, "secret of the house")
			page := server.want(server.Form("ann", "/changes/new", url.Values{"kind": {"password-policy"}, "account": {"111111111111"}}), tt.status)
			lacks(t, page, "secret of the house", "<b>no</b>")
		})
	}
}
