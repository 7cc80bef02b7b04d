package alerts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	web "github.com/rootkeep/rootkeep/internal/web/alerts"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const one, two = "111122223333", "444455556666"

// serve is a server with an alert in each of two accounts and one of no account. Ann and Bob
// are responders everywhere, Cid is one of the first account.
func serve(t *testing.T, s *store.Store) *webtest.Server {
	t.Helper()
	k, err := alerts.New(alert.Default(), func(rule string) bool { return strings.HasPrefix(rule, "root-") })
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	now := time.Now().UTC().Truncate(time.Second)
	found := func(id, account, kind string) alert.Sighting {
		return alert.Sighting{Key: id, Alert: rootkeep.Alert{
			ID: id, Level: rootkeep.High, Title: `<script>alert(1)</script>`, Kind: kind, State: "open", Account: rootkeep.AccountID(account), Actor: rootkeep.Actor{Principal: "user/ann"},
			Rules: []rootkeep.RuleHit{{Name: "recon", Level: rootkeep.High}}, First: now, Last: now, Count: 3, Events: []rootkeep.Event{{ID: "e1", Time: now}},
		}}
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for name, scope := range map[string]people.Scope{"Ann": people.Everywhere, "Bob": people.Everywhere, "Cid": "account:" + one} {
			p, err := stored.Add(ctx, tx, "system", name, "")
			if err != nil {
				return err
			}
			if err := stored.Grant(ctx, tx, "system", p.ID, people.Grant{Role: people.Responder, Scope: scope}); err != nil {
				return err
			}
			if actors[name], err = stored.ActorOf(ctx, &tx.Reader, p.ID); err != nil {
				return err
			}
		}
		if err := alerts.AddVolume(ctx, tx, []alert.Volume{{Rule: "recon", Hour: now.Unix() / 3600, Matches: 7, Alerts: 2}}); err != nil {
			return err
		}
		_, err := k.Apply(ctx, tx, tx.Now(), []alert.Sighting{found("AL-1", one, "group"), found("AL-2", two, "session"), found("AL-3", "", "group")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	area, err := web.Area(web.Config{Store: s, Desk: &alerts.Desk{Keeper: k}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return webtest.Serve(t, s, actors, area)
}

const path = "/api/v1/alerts/"

// do acts on an alert as it is.
func do(s *webtest.Server, actor, id, method, act, body string) webtest.Answer {
	tag := s.Get("Ann", path+id).Header.Get("ETag")
	return s.JSON(actor, method, path+id+"/"+act, body, "If-Match", tag)
}

func TestWhoMayDoWhat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, store *store.Store) {
		s := serve(t, store)
		const reason = `{"reason":"a planned change"}`
		until := fmt.Sprintf(`{"reason":"later","until":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		for _, test := range []struct {
			name, actor, id, method, act, body string
			want                               int
		}{
			{"nobody", "", "AL-1", "POST", "acknowledge", `{}`, 401},
			{"who may nothing", "nobody", "AL-1", "POST", "acknowledge", `{}`, 403},
			{"a viewer", "viewer", "AL-1", "POST", "acknowledge", `{}`, 403},
			{"an approver", "approver", "AL-1", "POST", "close", reason, 403},
			{"a responder of the account", "Cid", "AL-1", "POST", "acknowledge", `{}`, 200},
			{"a responder of another account does not see it", "Cid", "AL-2", "POST", "acknowledge", `{}`, 404},
			{"a responder of one account does not see what is of all", "Cid", "AL-3", "POST", "close", reason, 404},
			{"what is of no account is for who works everywhere", "Ann", "AL-3", "POST", "snooze", until, 200},
			{"a machine acknowledges", "operator", "AL-2", "POST", "acknowledge", `{"note":"seen in chat"}`, 200},
			{"a close without a reason", "Ann", "AL-1", "POST", "close", `{"reason":""}`, 422},
			{"a blank reason", "Ann", "AL-1", "POST", "close", `{"reason":" "}`, 422},
			{"a close", "Ann", "AL-1", "POST", "close", reason, 200},
			{"a second close", "Ann", "AL-1", "POST", "close", reason, 409},
			{"a reopening", "Ann", "AL-1", "POST", "reopen", reason, 200},
			{"an owner who is nobody", "Ann", "AL-1", "PUT", "owner", `{"owner":"PE-GONE"}`, 422},
			{"tags", "Ann", "AL-1", "POST", "tags", `{"add":["team:web"]}`, 200},
			{"what is no tag", "Ann", "AL-1", "POST", "tags", `{"add":["<b>"]}`, 422},
			{"what does not exist", "Ann", "AL-9", "POST", "close", reason, 404},
		} {
			if got := do(s, test.actor, test.id, test.method, test.act, test.body); got.Status != test.want {
				t.Errorf("%s: got %d %.300s, want %d", test.name, got.Status, got.Body, test.want)
			}
		}
		if got := s.JSON("Ann", "POST", path+"AL-1/close", reason); got.Status != 428 {
			t.Errorf("without If-Match: got %d, want 428", got.Status)
		}
		if got := s.JSON("Ann", "POST", path+"AL-1/close", reason, "If-Match", `"1"`); got.Status != 412 {
			t.Errorf("as it was before: got %d, want 412", got.Status)
		}
	})
}

func TestWhatAListHolds(t *testing.T) {
	s := serve(t, webtest.Store(t))
	for query, want := range map[string]int{
		"": 3, "?account=" + one: 1, "?state=new": 3, "?state=open": 3, "?state=closed": 0, "?level=critical": 0, "?rule=recon": 3, "?rule=no": 0, "?muted=storm": 0, "?muted=all": 3,
		"?since=2099-01-01T00:00:00Z": 0, "?q=USER": 3, "?tag=x": 0, "?owner=PE-1": 0, "?limit=2": 2,
	} {
		var page client.Page[client.Alert]
		if err := json.Unmarshal([]byte(s.Get("viewer", "/api/v1/alerts"+query).Body), &page); err != nil || len(page.Items) != want {
			t.Errorf("%q: got %d alerts, %v, want %d", query, len(page.Items), err, want)
		}
	}
	for _, query := range []string{"?state=done", "?cursor=x", "?level=worst", "?muted=x", "?limit=0"} {
		if got := s.Get("viewer", "/api/v1/alerts"+query); got.Status != 422 {
			t.Errorf("%q: got %d, want 422", query, got.Status)
		}
	}
	var page client.Page[client.Alert]
	if err := json.Unmarshal([]byte(s.Get("Cid", "/api/v1/alerts").Body), &page); err != nil || len(page.Items) != 1 || page.Items[0].Account != one {
		t.Errorf("a responder of one account: got %+v, %v, want its alert alone", page.Items, err)
	}
	var counts client.AlertCounts
	if err := json.Unmarshal([]byte(s.Get("viewer", "/api/v1/alert-counts").Body), &counts); err != nil || counts.States["new"] != 3 || counts.Levels["high"] != 3 || counts.States["closed"] != 0 {
		t.Errorf("got %+v, %v, want 3 new and high", counts, err)
	}
	var detail client.AlertDetail
	if err := json.Unmarshal([]byte(s.Get("Ann", path+"AL-2").Body), &detail); err != nil || len(detail.Found.Events) != 1 || len(detail.History) != 1 || len(detail.CouldOwn) != 2 || len(detail.May) != 5 {
		t.Errorf("got %+v, %v, want an event, a line, Ann and Bob as owners, and five acts", detail, err)
	}
	if got := s.Get("viewer", "/api/v1/rule-volumes"); got.Status != 200 || !strings.Contains(got.Body, `"matches":7`) {
		t.Errorf("volumes: got %d %s", got.Status, got.Body)
	}
	if got := s.Get("viewer", "/api/v1/rule-volumes?rule=recon"); !strings.Contains(got.Body, `"hour":"20`) {
		t.Errorf("volumes of a rule: got %d %s", got.Status, got.Body)
	}
	if got := s.Get("Cid", "/api/v1/rule-volumes"); got.Status != 403 {
		t.Errorf("volumes, for who reads one account: got %d, want 403", got.Status)
	}
}

func TestSuppressionsOverTheAPI(t *testing.T) {
	s := serve(t, webtest.Store(t))
	expires := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	ask := func(scope string) string { return fmt.Sprintf(`{"reason":"known","expires":%q,%s}`, expires, scope) }
	for _, test := range []struct {
		name, actor, body string
		want              int
	}{
		{"a viewer", "viewer", ask(`"rule":"recon"`), 403},
		{"a machine answers for nothing", "operator", ask(`"rule":"recon"`), 403},
		{"one of an account, everywhere", "Cid", ask(`"rule":"recon"`), 403},
		{"one of an account, there", "Cid", ask(`"rule":"recon","account":"` + one + `"`), 201},
		{"a rule on root", "Ann", ask(`"rule":"root-activity"`), 403},
		{"everything", "Ann", ask(`"rule":""`), 422},
		{"an account that is none", "Ann", ask(`"account":"12"`), 422},
		{"a rule everywhere", "Ann", ask(`"rule":"recon"`), 201},
	} {
		if got := s.JSON(test.actor, "POST", "/api/v1/suppressions", test.body); got.Status != test.want {
			t.Errorf("%s: got %d %.300s, want %d", test.name, got.Status, got.Body, test.want)
		}
	}
	var list []client.Suppression
	if err := json.Unmarshal([]byte(s.Get("viewer", "/api/v1/suppressions").Body), &list); err != nil || len(list) != 2 {
		t.Fatalf("got %+v, %v, want two", list, err)
	}
	everywhere := list[0].ID
	if list[0].Account != "" {
		everywhere = list[1].ID
	}
	for actor, want := range map[string]int{"viewer": 403, "Cid": 403, "operator": 200} {
		if got := s.JSON(actor, "POST", "/api/v1/suppressions/"+everywhere+"/end", ""); got.Status != want {
			t.Errorf("end it as %s: got %d %.200s, want %d", actor, got.Status, got.Body, want)
		}
	}
	if got := s.JSON("Ann", "POST", "/api/v1/suppressions/"+everywhere+"/end", ""); got.Status != 409 {
		t.Errorf("end it twice: got %d, want 409", got.Status)
	}
	if got := s.JSON("Ann", "POST", "/api/v1/suppressions/SU-9/end", ""); got.Status != 404 {
		t.Errorf("end what is not there: got %d, want 404", got.Status)
	}
}
