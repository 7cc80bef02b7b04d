package approvals_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const hostile = `</code><script>alert(1)</script>`

// plan is a plan of one call, with hostile text wherever there may be some.
func plan(id string, now time.Time, length int64) *change.Plan {
	return &change.Plan{
		Account: exceptionstest.Account, Breaks: hostile, Class: "identity", Created: now.UTC().Truncate(time.Second), Diff: []change.Difference{{Path: hostile, Before: hostile, After: length}},
		Calls: []change.Planned{{Call: change.Call{Operation: "iam:UpdateAccountPasswordPolicy", Account: exceptionstest.Account, Region: "us-east-1", With: map[string]any{"MinimumPasswordLength": length}}, About: hostile, Step: "set"}},
		Final: []string{}, ID: id, Kind: "password-policy", KindHash: "0", Parameters: map[string]any{}, Partition: "aws", Prior: map[string]any{"policy": hostile}, Region: "us-east-1",
		Resources: []string{id}, Risk: "low", Schema: change.PlanSchema, Title: hostile, Wants: map[string]any{},
	}
}

// site is a server that knows both kinds of requests.
type site struct {
	*webtest.Server
	*exceptionstest.World
	desk *stored.Desk
}

func start(t *testing.T) *site {
	t.Helper()
	w := &exceptionstest.World{Store: webtest.Store(t)}
	w.At(time.Now())
	w.Open(t, approval.Site{RPID: "localhost", Origin: "http://localhost"})
	w.Desk.Kinds = append(w.Desk.Kinds, stored.Kind(0))
	desk, err := stored.New(stored.Desk{Desk: w.Desk.Desk})
	if err != nil {
		t.Fatal(err)
	}
	a, err := approvals.Area(approvals.Config{Store: w.Store, Desk: w.Desk.Desk, Now: w.Now, Faces: []approvals.Face{exceptions.Face(), subject.Face()}})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	for name, p := range map[string]*exceptionstest.Person{"ann": w.Ann, "bob": w.Bob, "eve": w.Eve} {
		actors[name] = p.Actor
	}
	s := &site{webtest.Serve(t, w.Store, actors, a), w, desk}
	w.Desk.Site = approval.SiteOf(s.URL)
	return s
}

// change asks for a change as Ann.
func (s *site) change(t *testing.T, id string) *stored.Change {
	t.Helper()
	var c *stored.Change
	err := s.World.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = s.desk.Plan(ctx, tx, s.Ann.Actor, plan(id, s.Now(), 14)); err != nil {
			return err
		}
		c, err = s.desk.Request(ctx, tx, s.Ann.Actor, c.ID, c.Hash)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRequestsOfEveryKindAreSignedInOnePlace takes an exception and a change through the
// same addresses.
func TestRequestsOfEveryKindAreSignedInOnePlace(t *testing.T) {
	s := start(t)
	for _, tt := range []struct{ id, kind, page, shows, signs string }{
		{s.Submit(t, "PW-08").ID, "exception", "/exceptions/", "the key arrives in December", "that this failure is accepted"},
		{s.change(t, "CH-1").ID, "change", "/changes/", "iam:UpdateAccountPasswordPolicy in us-east-1 of 111122223333 with {&#34;MinimumPasswordLength&#34;:14}", "that this plan, and no other, is applied"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			at := "/approvals/" + tt.id
			if got := s.Get("ann", at); got.Status != http.StatusSeeOther || got.Header.Get("Location") != tt.page+tt.id {
				t.Errorf("got %d to %s, want the page of the request", got.Status, got.Header.Get("Location"))
			}
			if got := s.Get("eve", at); got.Status != http.StatusNotFound {
				t.Errorf("an approver of another account: got %d, want 404", got.Status)
			}
			if got := s.Form("bob", at+"/statement", url.Values{"decision": {"approve"}}); got.Status != http.StatusSeeOther || got.Header.Get("Location") != at+"/statement" {
				t.Fatalf("got %d to %s, want the page of the statement", got.Status, got.Header.Get("Location"))
			}
			page := s.Get("bob", at+"/statement")
			for _, want := range []string{tt.shows, tt.signs, `data-finish="/api/v1/approvals/` + tt.id + `/decisions"`, `data-to="` + tt.page + tt.id + `"`} {
				if page.Status != 200 || !strings.Contains(page.Body, want) {
					t.Errorf("got %d and no %s in\n%s", page.Status, want, page.Body)
				}
			}
			if strings.Contains(page.Body, "<script>alert") {
				t.Error("got a page on which text of a plan is markup")
			}
			var issued client.ApprovalStatement
			if err := json.Unmarshal([]byte(s.Get("bob", "/api/v1"+at+"/statement").Body), &issued); err != nil {
				t.Fatal(err)
			}
			statement, err := approval.ParseStatement([]byte(issued.Statement))
			if err != nil {
				t.Fatal(err)
			}
			signature, err := json.Marshal(client.ApprovalSignature{Nonce: issued.Nonce, Credential: s.Bob.Sign(t, statement, s.Desk.Site)})
			if err != nil {
				t.Fatal(err)
			}
			got := s.JSON("bob", "POST", "/api/v1"+at+"/decisions", string(signature))
			var request client.ApprovalRequest
			if err := json.Unmarshal([]byte(got.Body), &request); err != nil || got.Status != 200 {
				t.Fatalf("got %d %s, %v", got.Status, got.Body, err)
			}
			if request.ID != tt.id || request.Kind != tt.kind || request.State != "approved" || request.Page != tt.page+tt.id || len(request.Approvals) != 1 || !request.Approvals[0].Counts ||
				approval.Sum([]byte(request.Documents.Request)) != statement.Content {
				t.Errorf("got %+v, want it approved, with what was signed", request)
			}
			file := s.Get("auditor", at+"/signatures/1/"+s.Bob.ID)
			record, err := approval.ReadRecord(strings.NewReader(file.Body))
			if err != nil {
				t.Fatalf("%v\n%s", err, file.Body)
			}
			if c, err := record.Check(); err != nil || c.Request.Kind != tt.kind {
				t.Errorf("the downloaded signature: got %+v, %v", c, err)
			}
		})
	}
}

// TestAPlanThatWasReplacedIsShown shows to who signs it what an edit changed.
func TestAPlanThatWasReplacedIsShown(t *testing.T) {
	s := start(t)
	c := s.change(t, "CH-2")
	err := s.World.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := s.desk.Replan(ctx, tx, s.Ann.Actor, c.ID, c.Revision, plan(c.ID, s.Now(), 6))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Form("bob", "/approvals/CH-2/statement", url.Values{"decision": {"deny"}})
	page := s.Get("bob", "/approvals/CH-2/statement").Body
	_, changed, found := strings.Cut(page, "What changed since it was asked for")
	changed, _, _ = strings.Cut(changed, "What your key signs")
	for _, want := range []string{"Call 1", "Length&#34;:14}", "Length&#34;:6}"} {
		if !found || !strings.Contains(changed, want) {
			t.Errorf("got no %s in\n%s", want, changed)
		}
	}
	if strings.Contains(changed, "What may break") {
		t.Error("got a field among the changes that is the same")
	}
}

func TestAKindWithoutAFaceIsRefused(t *testing.T) {
	s := start(t)
	_, err := approvals.Area(approvals.Config{Store: s.World.Store, Desk: s.Desk.Desk, Now: s.Now, Faces: []approvals.Face{exceptions.Face()}})
	if err == nil || !strings.Contains(err.Error(), "kind change") {
		t.Errorf("got %v, want an error that names the kind", err)
	}
}
