package changes_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const (
	batches = api + "/batches"
	both    = `{"about":"passwords everywhere","kind":"password-policy","accounts":["222222222222","111111111111"]}`
)

// asked plans a batch and has its changes approved.
func (s *site) asked(body string) client.ChangeBatch {
	s.t.Helper()
	b := decode[client.ChangeBatch](s.t, s.want(s.JSON("ann", "POST", batches, body), 201))
	s.want(s.JSON("ann", "POST", batches+"/"+b.ID+"/request", ""), 200)
	for _, c := range b.Changes {
		by := []*exceptionstest.Person{s.Bob, s.Gus}
		if !c.Final {
			by = by[:1]
		}
		s.Approve(s.t, c.ID, by...)
	}
	return s.batch(b.ID)
}

func (s *site) batch(id string) client.ChangeBatch {
	s.t.Helper()
	return decode[client.ChangeBatch](s.t, s.want(s.Get("ann", batches+"/"+id), 200))
}

// applied is a batch all of whose changes are applied.
func (s *site) applied(b client.ChangeBatch) client.ChangeBatch {
	s.t.Helper()
	s.want(s.JSON("ann", "POST", batches+"/"+b.ID+"/apply", ""), 200)
	for _, c := range b.Changes {
		s.Ended(s.t, c.ID)
	}
	return s.batch(b.ID)
}

func states(b client.ChangeBatch) []string {
	var out []string
	for _, c := range b.Changes {
		out = append(out, c.Account+" "+c.State)
	}
	return out
}

// TestAWholeBatchIsUndone undoes a batch with another one, the last account first.
func TestAWholeBatchIsUndone(t *testing.T) {
	s := start(t)
	b := s.asked(both)
	if b.Next != b.Changes[0].ID || !slices.Equal(b.May, []string{"apply"}) {
		t.Errorf("got next %q, may %q, want the canary to be applied", b.Next, b.May)
	}
	b = s.applied(b)
	at := batches + "/" + b.ID
	if !slices.Equal(b.May, []string{"undo"}) || b.Next != "" {
		t.Errorf("got may %q, next %q, want it to be undone", b.May, b.Next)
	}
	s.want(s.JSON("ann", "POST", at+"/apply", ""), 409, "not-in-this-state", "nothing of batch")
	s.want(s.JSON("bob", "POST", at+"/undo", ""), 403)
	s.want(s.JSON("ann", "POST", at+"/undo", `{"without":["CH-1"]}`), 404)
	u := decode[client.ChangeBatch](t, s.want(s.JSON("ann", "POST", at+"/undo", ""), 201))
	if got := states(u); !slices.Equal(got, []string{"111111111111 planned", "222222222222 planned"}) || !u.Changes[0].Canary || u.Changes[1].Canary || u.Undoes != b.ID || u.Changes[0].Undoes != b.Changes[1].ID {
		t.Fatalf("got %v, %+v, want the last account first, as the canary", got, u)
	}
	s.want(s.Get("ann", "/changes/batches/"+u.ID), 200, "the change that was applied last is undone first", "/changes/batches/"+b.ID)
	s.want(s.JSON("ann", "POST", batches+"/"+u.ID+"/undo", ""), 409, "not-in-this-state")
	s.want(s.JSON("ann", "POST", batches+"/"+u.ID+"/request", ""), 200)
	for _, c := range u.Changes {
		s.Approve(t, c.ID, s.Bob)
	}
	if u = s.applied(u); !slices.Equal(states(u), []string{"111111111111 applied", "222222222222 applied"}) {
		t.Errorf("got %v", states(u))
	}
	if b = s.batch(b.ID); !slices.Equal(states(b), []string{"222222222222 undone", "111111111111 undone"}) || !slices.Equal(b.Undos, []string{u.ID}) {
		t.Errorf("got %v, undone by %v", states(b), b.Undos)
	}
	s.want(s.JSON("ann", "POST", at+"/undo", ""), 409, "nothing-to-change")
}

// TestWhatStandsInTheWayOfAnUndo has a batch with a change that cannot be undone.
func TestWhatStandsInTheWayOfAnUndo(t *testing.T) {
	s := start(t)
	b := s.applied(s.asked(`{"about":"two kinds","changes":[{"kind":"password-policy","account":"222222222222"},{"kind":"group-make","account":"222222222222","parameters":{"name":"house"}}]}`))
	at := batches + "/" + b.ID
	final := b.Changes[1].ID
	s.want(s.JSON("ann", "POST", at+"/undo", ""), 422, "change-refused", final+" in 222222222222", "cannot be undone")
	u := decode[client.ChangeBatch](t, s.want(s.JSON("ann", "POST", at+"/undo", `{"without":["`+final+`"]}`), 201))
	if len(u.Changes) != 1 || u.Changes[0].Undoes != b.Changes[0].ID {
		t.Errorf("got %+v, want the other one alone", u.Changes)
	}
	s.want(s.Form("ann", "/changes/batches/"+b.ID+"/undo", url.Values{}), 422, final)
}

func TestListsOfBatches(t *testing.T) {
	s := start(t)
	s.want(s.Get("ann", "/changes/batches"), 200, "There is no batch")
	first := s.asked(both)
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(s.JSON("ann", "POST", batches+"/"+first.ID+"/apply", ""), 200)
	s.Begun(t, first.Changes[0].ID)
	s.Settled(t, first.Changes[0].ID)
	second := decode[client.ChangeBatch](t, s.want(s.JSON("ann", "POST", batches, `{"about":"<b>volumes</b>","kind":"volume-encryption","accounts":["222222222222"],"parameters":{"regions":"us-east-1"}}`), 201))
	list := func(query string) []client.ChangeBatchListed {
		return decode[client.Page[client.ChangeBatchListed]](t, s.want(s.Get("ann", batches+query), 200)).Items
	}
	all := list("")
	if len(all) != 2 || all[0].ID != second.ID || all[0].Stands != "planned" || all[1].Stands != "halted" || all[1].Halted != first.Changes[0].ID {
		t.Fatalf("got %+v, want both, the newest first", all)
	}
	if m := all[1].Changes; len(m) != 2 || m[0].Account != "222222222222" || m[0].State != "stopped" || !m[0].Canary || !strings.Contains(m[0].Why, "AccessDenied") || m[1].State != "approved" || m[1].Canary {
		t.Errorf("got %+v, want the canary stopped, and why", m)
	}
	if got := list("?halted=true"); len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("got %+v, want the one that halted", got)
	}
	page := decode[client.Page[client.ChangeBatchListed]](t, s.Get("ann", batches+"?limit=1"))
	if got := list("?limit=1&cursor=" + page.Next); len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("the next page: got %+v", got)
	}
	if got := decode[client.Page[client.ChangeBatchListed]](t, s.want(s.Get("fay", batches), 200)); len(got.Items) != 0 {
		t.Errorf("who reads elsewhere: got %+v", got.Items)
	}
	s.want(s.Get("ann", batches+"?cursor=x"), 422)
	s.want(s.Get("ann", "/changes/batches"), 200, first.ID, second.ID, ">halted<", "1 approved, 1 stopped", "AccessDenied", "&lt;b&gt;volumes")
	lacks(t, s.want(s.Get("ann", "/changes/batches?halted=on"), 200, first.ID), second.ID)
	lacks(t, s.want(s.Get("fay", "/changes/batches"), 200, "There is no batch"), first.ID)
	s.want(s.Get("ann", "/changes/batches/"+first.ID), 200, "Go on with the one it halted at")
}

// TestABatchThatHaltedGoesOn continues at the change that stopped.
func TestABatchThatHaltedGoesOn(t *testing.T) {
	s := start(t)
	b := s.asked(both)
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(s.JSON("ann", "POST", batches+"/"+b.ID+"/apply", ""), 200)
	s.Begun(t, b.Changes[0].ID)
	s.Settled(t, b.Changes[0].ID)
	s.Sim.Cloud.ClearFaults()
	if b = s.batch(b.ID); b.Next != b.Halted || b.Halted != b.Changes[0].ID {
		t.Errorf("got next %q, halted at %q, want it to go on there", b.Next, b.Halted)
	}
	if b = s.applied(b); !slices.Equal(states(b), []string{"222222222222 applied", "111111111111 applied"}) || b.Halted != "" || b.Changes[0].Run != 2 {
		t.Errorf("got %v, halted at %q", states(b), b.Halted)
	}
}

// TestAChangeThatWasUndoneInPart undoes the one of two calls that can be.
func TestAChangeThatWasUndoneInPart(t *testing.T) {
	s := start(t)
	run := func(c client.AccountChangeDetail) {
		t.Helper()
		s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
		s.Settled(t, c.ID)
	}
	c := s.approved(`{"kind":"groups-make","account":"111111111111"}`, s.Bob, s.Gus)
	run(c)
	undo := decode[client.AccountChangeDetail](t, s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/undo", ""), 201))
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/request", hash(undo)), 200)
	s.Approve(t, undo.ID, s.Bob, s.Gus)
	run(undo)
	if undo = s.get("ann", undo.ID); undo.State != "partial" || !strings.Contains(undo.Why, "Whoever joins the group") || len(undo.May) > 0 {
		t.Errorf("the undo: got %s, %q, may %q", undo.State, undo.Why, undo.May)
	}
	c = s.get("ann", c.ID)
	if c.State != "partial" || len(c.Made) != 2 || c.Made[0].UndoneBy != "" || c.Made[0].Final == "" || c.Made[1].UndoneBy != undo.ID || len(c.May) > 0 {
		t.Errorf("got %s, %+v, may %q, want the second call undone", c.State, c.Made, c.May)
	}
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/undo", ""), 409, "cannot-be-undone")
	s.want(s.Get("ann", "/changes/"+c.ID), 200, "no call undoes", ">undone<", ">not undone<", "undone by", undo.ID)
	s.want(s.Get("ann", "/changes/"+undo.ID), 200, "cannot be undone stays", "undoes call 2")
	s.want(s.Get("ann", "/changes?state=partial"), 200, c.ID, undo.ID)
}

// TestAnUndoThatWasGivenUp stops an undo before its call: the change is where it was.
func TestAnUndoThatWasGivenUp(t *testing.T) {
	s := start(t)
	c := s.approved(password, s.Bob)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
	s.Settled(t, c.ID)
	undo := decode[client.AccountChangeDetail](t, s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/undo", ""), 201))
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/request", hash(undo)), 200)
	s.Approve(t, undo.ID, s.Bob)
	s.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/apply", hash(undo)), 200)
	s.Settled(t, undo.ID)
	if got := s.get("ann", c.ID).State; got != "undoing" {
		t.Errorf("got %s, want it undoing", got)
	}
	tag := s.Get("ann", api+"/"+undo.ID).Header.Get("ETag")
	s.want(s.JSON("ann", "POST", api+"/"+undo.ID+"/give-up", "", "If-Match", tag), 200)
	mays(t, s.get("ann", c.ID), "undo")
	if got := s.get("ann", c.ID).State; got != "applied" {
		t.Errorf("got %s, want it applied as before", got)
	}
}

// TestReplan plans anew what waits for approvals, and what the account's drift refused.
func TestReplan(t *testing.T) {
	s := start(t)
	other := strings.Replace(password, `"}`, `","parameters":{"minimum_length":"20"}}`, 1)
	c := s.plan(other)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/request", hash(c)), 200)
	first := s.approved(password, s.Bob)
	lapses := s.approved(other, s.Bob)
	s.want(s.JSON("ann", "POST", api+"/"+first.ID+"/apply", hash(first)), 200)
	s.Settled(t, first.ID)

	at := api + "/" + c.ID + "/replan"
	tag := s.Get("ann", api+"/"+c.ID).Header.Get("ETag")
	s.want(s.JSON("ann", "POST", at, ""), 428)
	s.want(s.JSON("ann", "POST", at, "", "If-Match", `"9"`), 412)
	s.want(s.JSON("bob", "POST", at, "", "If-Match", tag), 403)
	again := decode[client.AccountChangeDetail](t, s.want(s.JSON("ann", "POST", at, "", "If-Match", tag), 201))
	if again.ID != c.ID || again.State != "requested" || again.SHA256 == c.SHA256 || !strings.Contains(again.Plan, `"minimum_length":20`) {
		t.Errorf("got %s, %s, %s, want another plan of the same change", again.ID, again.State, again.Plan)
	}
	s.Approve(t, again.ID, s.Bob)
	if got := s.get("ann", again.ID); got.State != "approved" {
		t.Errorf("got %s, want the new plan approved", got.State)
	}

	s.want(s.JSON("ann", "POST", api+"/"+lapses.ID+"/apply", hash(lapses)), 200)
	if got := s.Settled(t, lapses.ID); got.State != changes.Refused {
		t.Fatalf("got %s, want it refused for drift", got.State)
	}
	mays(t, s.get("ann", lapses.ID), "replan")
	s.want(s.Get("ann", "/changes/"+lapses.ID), 200, "Plan it again", `action="/changes/`+lapses.ID+`/replan"`)
	sent := url.Values{"revision": {strings.Trim(s.Get("ann", api+"/"+lapses.ID).Header.Get("ETag"), `"`)}}
	s.want(s.Form("ann", "/changes/"+lapses.ID+"/replan", url.Values{"revision": {"1"}}), 409)
	next := s.want(s.Form("ann", "/changes/"+lapses.ID+"/replan", sent), http.StatusSeeOther).Header.Get("Location")
	s.want(s.Get("ann", next), 200, "Ask for its approval")
	s.want(s.Get("ann", "/changes/"+lapses.ID), 200, "Planned again as", next)
	mays(t, s.get("ann", lapses.ID))
}
