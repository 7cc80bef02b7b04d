package people_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/page"
	webpeople "github.com/rootkeep/rootkeep/internal/web/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const issuer = "https://idp.example"

// serve starts a server with the area, and actors that the tests need beside the usual.
func serve(t *testing.T) *webtest.Server {
	t.Helper()
	s := webtest.Store(t)
	actors := webtest.Everyone(time.Now())
	actors["stale"] = webtest.Person("stale", time.Now().Add(-time.Hour), people.Grant{Role: people.Admin, Scope: people.Everywhere})
	actors["local"] = webtest.Person("local", time.Now(), people.Grant{Role: people.Admin, Scope: "account:111122223333"})
	actors["robot"] = people.Actor{ID: "TK-robot", Name: "robot", Kind: people.Machine, Grants: []people.Grant{{Role: people.Admin, Scope: people.Everywhere}}}
	address := &url.URL{Scheme: "https", Host: "rootkeep.example"}
	in, err := signin.New(signin.Config{URL: address, Store: s, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	area, err := webpeople.Area(webpeople.Config{URL: address, Store: s, Now: time.Now, SignIn: in, Issuer: issuer, Scopes: func(context.Context, *store.Reader) ([]page.Option, error) {
		return []page.Option{{Value: "ou-ab12-11111111", Text: "ou-ab12-11111111"}, {Value: "111122223333", Text: "111122223333 <b>prod"}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return webtest.Serve(t, s, actors, area, in.Area())
}

func add(t *testing.T, s *store.Store, name string, grants ...people.Grant) persons.Person {
	t.Helper()
	var p persons.Person
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if p, err = persons.Add(ctx, tx, "system", name, ""); err != nil {
			return err
		}
		for _, g := range grants {
			if err := persons.Grant(ctx, tx, "system", p.ID, g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhoSeesAndWhoKeepsPeople(t *testing.T) {
	s := serve(t)
	ada := add(t, s.Store, "Ada")
	sees := map[string]bool{"admin": true, "auditor": true, "stale": true, "robot": true}
	for _, actor := range []string{"admin", "auditor", "stale", "robot", "local", "viewer", "requester", "approver", "responder", "nobody", "machine"} {
		for _, path := range []string{"/people", "/people/" + ada.ID, "/tokens", "/api/v1/people", "/api/v1/people/" + ada.ID, "/api/v1/tokens"} {
			want := http.StatusForbidden
			if sees[actor] {
				want = http.StatusOK
			}
			if got := s.Get(actor, path); got.Status != want {
				t.Errorf("%s reads %s: got %d, want %d", actor, path, got.Status, want)
			}
		}
		got := s.JSON(actor, "POST", "/api/v1/people/"+ada.ID+"/grants", `{"role":"viewer","scope":"*"}`)
		want := http.StatusForbidden
		if actor == "admin" {
			want = http.StatusOK
		}
		if got.Status != want {
			t.Errorf("%s grants: got %d, want %d: %s", actor, got.Status, want, got.Body)
		}
	}
	if got := s.JSON("robot", "POST", "/api/v1/people/"+ada.ID+"/grants", `{"role":"viewer","scope":"*"}`); !strings.Contains(got.Body, "/problems/needs-key") {
		t.Errorf("a machine that is an administrator: got %s, want that a key is needed", got.Body)
	}
}

func TestTheMenuHasOneEntryForWhoeverMay(t *testing.T) {
	s := serve(t)
	for actor, want := range map[string]int{"admin": 1, "auditor": 1} {
		if got := strings.Count(s.Get(actor, "/people").Body, `href="/tokens"`); got != want {
			t.Errorf("%s: got %d entries for the tokens, want %d", actor, got, want)
		}
	}
}

func TestInvitingByTheForm(t *testing.T) {
	s := serve(t)
	form := url.Values{"name": {"Ada <b>"}, "email": {"ada@example.com"}, "role": {"viewer"}, "where": {"account"}, "id": {"111122223333"}, "subject": {"42"}}
	got := s.Form("admin", "/people", form)
	if got.Status != http.StatusOK || !strings.Contains(got.Body, "https://rootkeep.example/enrol#rkin_") || strings.Contains(got.Body, "Ada <b>") {
		t.Fatalf("got %d, want the link, and the name escaped:\n%s", got.Status, got.Body)
	}
	var list []persons.Listed
	var ids []persons.Identity
	err := s.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		if list, err = persons.List(ctx, r, persons.Filter{}, "", 10); err != nil {
			return err
		}
		ids, err = persons.Identities(ctx, r, list[0].ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Grants[0] != (people.Grant{Role: people.Viewer, Scope: "account:111122223333"}) || ids[0] != (persons.Identity{Issuer: issuer, Subject: "42"}) {
		t.Errorf("got %+v %+v, want Ada with her role and her subject", list, ids)
	}
	for name, change := range map[string]url.Values{
		"no name": {"name": {""}}, "a hostile name": {"name": {"a\x1b[31m"}}, "no such account": {"name": {"Bob"}, "email": {""}, "subject": {""}, "id": {"12"}},
		"the same address": {"name": {"Bob"}, "subject": {""}}, "the same subject": {"name": {"Bob"}, "email": {""}},
	} {
		wrong := url.Values{}
		for k, v := range form {
			wrong[k] = v
		}
		for k, v := range change {
			wrong[k] = v
		}
		got := s.Form("admin", "/people", wrong)
		if got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "aria-invalid") {
			t.Errorf("%s: got %d, want the form again with what is wrong", name, got.Status)
		}
	}
	if got := s.Get("auditor", "/people"); strings.Contains(got.Body, "Invite somebody") || strings.Contains(got.Body, "Bob") {
		t.Error("an auditor is offered to invite, or a refused invitation left somebody behind")
	}
	if got := s.Get("auditor", "/people/new"); got.Status != http.StatusForbidden {
		t.Errorf("an auditor opens the form: got %d, want 403", got.Status)
	}
}

func TestAPersonsLifeInTheConsole(t *testing.T) {
	s := serve(t)
	ada := add(t, s.Store, "Ada")
	for _, step := range []struct {
		path   string
		form   url.Values
		status int
		holds  string // what the page of the person shows afterwards
	}{
		{"/grant", url.Values{"role": {"approver"}, "where": {"ou"}, "id": {"ou-ab12-11111111"}}, 303, "unit ou-ab12-11111111"},
		{"/grant", url.Values{"role": {"approver"}, "where": {"ou"}, "id": {"nonsense"}}, 422, "unit ou-ab12-11111111"},
		{"/grant", url.Values{"role": {"owner"}, "where": {"*"}}, 422, "unit ou-ab12-11111111"},
		{"/grant", url.Values{"role": {"viewer"}, "where": {"*"}, "id": {"111122223333"}}, 422, "unit ou-ab12-11111111"},
		{"/revoke", url.Values{"role": {"approver"}, "scope": {"ou:ou-ab12-11111111"}}, 303, "and see nothing"},
		{"/revoke", url.Values{"role": {"approver"}, "scope": {"ou:ou-ab12-11111111"}}, 409, "and see nothing"},
		{"/identify", url.Values{"subject": {"<script>"}}, 303, "&lt;script&gt;"},
		{"/unidentify", url.Values{"issuer": {issuer}, "subject": {"<script>"}}, 303, "Not linked"},
		{"/rename", url.Values{"name": {"Ada Lovelace"}, "email": {""}}, 303, "Ada Lovelace"},
		{"/rename", url.Values{"name": {""}, "email": {""}}, 422, "Ada Lovelace"},
		{"/suspend", nil, 303, "suspended"},
		{"/link", nil, 409, "suspended"},
		{"/restore", nil, 303, "active"},
		{"/link", nil, 200, "active"},
		{"/keys/KE-none/revoke", nil, 404, "active"},
		{"/acknowledge", nil, 409, "active"},
	} {
		got := s.Form("admin", "/people/"+ada.ID+step.path, step.form)
		if got.Status != step.status {
			t.Errorf("%s %v: got %d, want %d", step.path, step.form, got.Status, step.status)
		}
		if page := s.Get("admin", "/people/"+ada.ID); !strings.Contains(page.Body, step.holds) || strings.Contains(page.Body, "<script>") {
			t.Errorf("%s %v: the page does not say %q", step.path, step.form, step.holds)
		}
	}
	if got := s.Form("stale", "/people/"+ada.ID+"/suspend", nil); got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/sign-in/again") {
		t.Errorf("without a fresh key: got %d to %q, want the page that asks for it", got.Status, got.Header.Get("Location"))
	}
}

func TestWhatIsRefusedToAdministrators(t *testing.T) {
	s := serve(t)
	boss := add(t, s.Store, "Boss", people.Grant{Role: people.Admin, Scope: people.Everywhere})
	err := s.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := persons.AddKey(ctx, tx, boss.ID, persons.Key{Person: boss.ID, Credential: []byte("c"), PublicKey: []byte("p"), AAGUID: make([]byte, 16), Attestation: []byte("a"), ClientData: []byte("d")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Get("viewer", "/problems/last-administrator"); got.Status != http.StatusOK || !strings.Contains(got.Body, "stays one") {
		t.Errorf("the page of the problem: got %d", got.Status)
	}
	got := s.JSON("admin", "POST", "/api/v1/people/"+boss.ID+"/suspend", "")
	if got.Status != http.StatusConflict || !strings.Contains(got.Body, "/problems/last-administrator") {
		t.Errorf("the last administrator: got %d %s, want a conflict of its own kind", got.Status, got.Body)
	}
	if got := s.Form("admin", "/people/"+boss.ID+"/suspend", nil); got.Status != http.StatusConflict || !strings.Contains(got.Body, "make another one first") {
		t.Errorf("the last administrator in the console: got %d", got.Status)
	}
}

func TestTokensInTheConsole(t *testing.T) {
	s := serve(t)
	form := url.Values{"name": {"nightly scan"}, "role": {"responder"}, "where": {"*"}, "days": {"30"}}
	got := s.Form("admin", "/tokens", form)
	_, rest, found := strings.Cut(got.Body, "ROOTKEEP_TOKEN=")
	if got.Status != http.StatusOK || !found {
		t.Fatalf("got %d, want the secret", got.Status)
	}
	secret := rest[:len("rk_")+52]
	page := s.Get("admin", "/tokens")
	if strings.Contains(page.Body, secret) || !strings.Contains(page.Body, secret[:9]) || !strings.Contains(page.Body, "nightly scan") {
		t.Error("the list shows the secret, or does not tell the token by its prefix")
	}
	for name, change := range map[string]url.Values{
		"an approver": {"role": {"approver"}}, "too long": {"days": {"1000"}}, "no days": {"days": {"x"}}, "for ever": {"days": {"-1"}}, "no name": {"name": {" "}}, "overflow": {"days": {"106752"}},
	} {
		wrong := url.Values{}
		for k, v := range form {
			wrong[k] = v
		}
		for k, v := range change {
			wrong[k] = v
		}
		if got := s.Form("admin", "/tokens", wrong); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", name, got.Status)
		}
	}
	var list client.Page[client.Token]
	if err := json.Unmarshal([]byte(s.Get("auditor", "/api/v1/tokens").Body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.Items[0].Creator != "PE-admin" {
		t.Fatalf("got %+v, want the one token", list)
	}
	if got := s.Form("admin", "/tokens/"+list.Items[0].ID+"/revoke", nil); got.Status != http.StatusSeeOther {
		t.Errorf("revoke: got %d", got.Status)
	}
	if got := s.Get("admin", "/tokens"); !strings.Contains(got.Body, "revoked") {
		t.Error("the list does not say that the token is revoked")
	}
}

func TestTheAPIOfPeople(t *testing.T) {
	s := serve(t)
	got := s.JSON("admin", "POST", "/api/v1/people", `{"name":"Ada","grants":[{"role":"viewer","scope":"*"}]}`)
	again := s.JSON("admin", "POST", "/api/v1/people", `{"name":"Eve"}`, "Idempotency-Key", "one")
	if again = s.JSON("admin", "POST", "/api/v1/people", `{"name":"Eve"}`, "Idempotency-Key", "one"); again.Status != http.StatusConflict || strings.Contains(again.Body, "rkin_") {
		t.Errorf("an invitation sent twice: got %d %s, want that its secret is not kept", again.Status, again.Body)
	}
	var in client.Invited
	if err := json.Unmarshal([]byte(got.Body), &in); err != nil || got.Status != http.StatusOK || !strings.HasPrefix(in.Link, "https://rootkeep.example/enrol#rkin_") {
		t.Fatalf("invite: got %d %s", got.Status, got.Body)
	}
	at := "/api/v1/people/" + in.Person.ID
	for _, step := range []struct {
		name, method, path, body string
		status                   int
		holds                    string
	}{
		{"a role", "POST", at + "/grants", `{"role":"auditor","scope":"ou:r-ab12"}`, 200, `"ou:r-ab12"`},
		{"a scope that is none", "POST", at + "/grants", `{"role":"auditor","scope":"ou:"}`, 422, `"location":"body.scope"`},
		{"a role that is none", "POST", at + "/grants", `{"role":"owner","scope":"*"}`, 422, `/problems/invalid`},
		{"an unknown field", "POST", at + "/grants", `{"role":"viewer","scope":"*","sudo":true}`, 422, `unexpected`},
		{"revoked", "DELETE", at + "/grants?role=auditor&scope=ou:r-ab12", "", 200, `"viewer"`},
		{"revoked twice", "DELETE", at + "/grants?role=auditor&scope=ou:r-ab12", "", 409, `/problems/conflict`},
		{"suspended", "POST", at + "/suspend", "", 200, `"suspended"`},
		{"restored", "POST", at + "/restore", "", 200, `"active"`},
		{"a link", "POST", at + "/link", "", 200, "/enrol#"},
		{"nobody", "GET", "/api/v1/people/PE-none", "", 404, "/problems/not-found"},
		{"no key", "DELETE", "/api/v1/keys/KE-none", "", 404, "/problems/not-found"},
		{"a list", "GET", "/api/v1/people?q=ad&state=active&limit=1", "", 200, in.Person.ID},
		{"a list of nobody", "GET", "/api/v1/people?q=zz", "", 200, `"items":[]`},
		{"a cursor that is none", "GET", "/api/v1/people?cursor=zz", "", 422, "/problems/invalid"},
		{"a token", "POST", "/api/v1/tokens", `{"name":"x","grants":[{"role":"viewer","scope":"*"}],"days":1}`, 200, `"rk_`},
		{"a token that approves", "POST", "/api/v1/tokens", `{"name":"x","grants":[{"role":"approver","scope":"*"}],"days":1}`, 422, "cannot approve"},
	} {
		got := s.JSON("admin", step.method, step.path, step.body)
		if got.Status != step.status || !strings.Contains(got.Body, step.holds) {
			t.Errorf("%s: got %d %s, want %d with %s", step.name, got.Status, got.Body, step.status, step.holds)
		}
	}
}

func TestEveryChangeOfPeopleAsksForAKey(t *testing.T) {
	for _, r := range serve(t).Routes() {
		if r.Method == "GET" || !strings.Contains(r.Path, "/people") && !strings.Contains(r.Path, "/tokens") && !strings.Contains(r.Path, "/keys") {
			continue
		}
		need := people.ManagePeople
		if strings.HasPrefix(r.Path, "/me/") {
			need = people.SignedIn // one's own keys
		}
		if !r.Fresh || r.Need != need {
			t.Errorf("%s %s: fresh %v, needs %s, want fresh and %s", r.Method, r.Path, r.Fresh, r.Need, need)
		}
	}
}

func TestPagesOfPeopleInABrowser(t *testing.T) {
	s := serve(t)
	ada := add(t, s.Store, "Ada <b>\"Lovelace\"</b>", people.Grant{Role: people.Approver, Scope: "ou:ou-ab12-11111111"}, people.Grant{Role: people.Viewer, Scope: "*"})
	add(t, s.Store, strings.Repeat("Maximiliana", 9), people.Grant{Role: people.Admin, Scope: "account:111122223333"})
	err := s.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, name := range []string{"blue key", "in the safe"} {
			k := persons.Key{Person: ada.ID, Name: name, Credential: []byte(name), PublicKey: []byte("p"), AAGUID: []byte("0123456789abcdef"), Attestation: []byte("a"), ClientData: []byte("d"), AttestationType: "basic_full", AttestationFormat: "packed", BackupEligible: name != "blue key"}
			if _, err := persons.AddKey(ctx, tx, ada.ID, k); err != nil {
				return err
			}
		}
		if err := persons.Identify(ctx, tx, "system", ada.ID, issuer, "auth0|<script>"); err != nil {
			return err
		}
		if _, _, err := persons.IssueToken(ctx, tx, "PE-1", "nightly scan", []people.Grant{{Role: people.Responder, Scope: "*"}}, time.Hour); err != nil {
			return err
		}
		return persons.BeginSession(ctx, tx, "cookie", persons.Session{ID: "SE-1", Person: ada.ID, Begun: tx.Now(), Seen: tx.Now(), Deadline: tx.Now().Add(time.Hour), Address: "2001:db8::1", Agent: "Mozilla/5.0 <img src=x onerror=alert(1)>"})
	})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Browser(t)
	b.Photograph("admin", "people", "/people")
	b.Photograph("admin", "person", "/people/"+ada.ID)
	b.Photograph("admin", "invite", "/people/new")
	b.Photograph("admin", "tokens", "/tokens")
}

func TestKnownAccountsAreOfferedWhereARoleHolds(t *testing.T) {
	s := serve(t)
	ada := add(t, s.Store, "Ada")
	for _, path := range []string{"/people/new", "/people/" + ada.ID, "/tokens"} {
		got := s.Get("admin", path)
		if got.Status != 200 || !strings.Contains(got.Body, `list="list-id"`) || !strings.Contains(got.Body, `<datalist id="list-id"><option value="ou-ab12-11111111">`) || strings.Contains(got.Body, "<b>prod") {
			t.Errorf("%s: got %d, want a text with a list of what is known, escaped\n%s", path, got.Status, got.Body)
		}
	}
	refused := s.Form("admin", "/people", url.Values{"name": {"Bo"}, "role": {"viewer"}, "where": {"account"}, "id": {"12"}})
	if refused.Status != 422 || !strings.Contains(refused.Body, `<datalist id="list-id">`) {
		t.Errorf("a form to fill in again: got %d, want the list again\n%s", refused.Status, refused.Body)
	}
}
