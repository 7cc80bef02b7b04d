package root_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store/access"
)

// overridden has Ann go on without approvals, and gives what became of it.
func (s *site) overridden(id, reason string) *client.RootOverride {
	s.t.Helper()
	given, err := json.Marshal(client.RootOverrideReason{Reason: reason})
	if err != nil {
		s.t.Fatal(err)
	}
	got := s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/override-statements", string(given))
	s.want(got, 201)
	statement, err := approval.ParseStatement([]byte(decode[client.RootOverrideStatement](s.t, got).Statement))
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(client.ApprovalSignature{Nonce: statement.Nonce, Credential: s.Ann.Sign(s.t, statement, s.Desk.Site)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/override", string(body)), 200)
	out := s.get("bob", id).Overridden
	if out == nil {
		s.t.Fatalf("request %s did not go on without approvals", id)
	}
	return out
}

// TestASecondPersonAgrees has an override wait for somebody else, as an earlier one is not
// reviewed: their page says what for, and lets those decide who took no part.
func TestASecondPersonAgrees(t *testing.T) {
	s := start(t)
	s.overridden(s.requested(), "The bill grows by the minute.")
	s.later(access.OverrideWindow + time.Minute)
	id := s.requested(func(a *client.RootAsk) { a.Urgent = true })
	o := s.overridden(id, "It <b>still</b> grows & grows.")
	if o.Second == "" || s.get("bob", id).State != "requested" {
		t.Fatalf("got %+v, of a request that is %s; want one that waits for a second person", o, s.get("bob", id).State)
	}
	path := "/root-overrides/" + o.Second
	s.want(s.Server.Get("ann", "/root/"+id), 200, path)
	s.want(s.Server.Get("ann", "/root-overrides"), 303)
	page := s.Server.Get("bob", path)
	s.want(page, 200, "A second person for the override of "+id, "It &lt;b&gt;still&lt;/b&gt; grows &amp; grows.", s.Ann.ID, `action="/approvals/`+o.Second+`/statement"`)
	for name, why := range map[string]string{"ann": "asked", "gus": "keeps the credential"} {
		s.want(s.Server.Get(name, path), 200)
		if got := s.JSON(name, "POST", "/api/v1/approvals/"+o.Second+"/statements", `{"decision":"approve"}`); got.Status != 403 {
			t.Errorf("who %s agrees: got %d %s, want 403", why, got.Status, got.Body)
		}
	}
	for _, other := range []string{"/root-overrides/" + id, "/root-overrides/RO-0"} {
		s.want(s.Server.Get("bob", other), 404)
	}
	s.want(s.Server.Get("eve", path), 404) // of another account
	if _, err := s.Decide(t, s.Bob, o.Second, approval.Approve); err != nil {
		t.Fatal(err)
	}
	s.want(s.Server.Get("bob", path), 200, "approved", s.Bob.Name)
	if got := s.get("ann", id); got.State != "approved" || !got.Override {
		t.Errorf("got %s, want it approved without approvals, once a second person agreed", got.State)
	}
}
