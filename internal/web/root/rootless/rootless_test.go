package rootless_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root/rootless"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const id = "RR-1KB2Z7Q0MX7F3A"

var at = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// hostile is a text that AWS, or the owner of an account, might send.
const hostile = `<script>alert(1)</script>` + "\x1b[31m"

// engine answers as that of a server does.
type engine struct {
	asked  client.RootlessAsk
	chosen rootless.Chosen
	did    []string
	status client.RootlessStatus
	err    error
}

func (e *engine) Survey(_ context.Context, _ people.Actor, c rootless.Chosen) (*client.RootlessPlan, error) {
	e.chosen = c
	return &client.RootlessPlan{
		Organization: "o-abcd123456", Management: "111111111111", At: at, OldAfter: 604800, Unknown: 1, Old: 1,
		Steps: []client.RootlessStep{
			{Account: "222222222222", Name: "play" + hostile, Canary: true, Rank: "sandbox", Why: `"play" sounds like sandbox`, Has: "a password, 1 access key", Lost: []string{"access keys: nobody can restore them"}, Read: at, Old: true},
			{Account: "333333333333", Name: "shop", Rank: "production", Why: "no name says what it is for", Has: "not known: " + hostile, Lost: []string{}, Unknown: true},
		},
		Left: []client.RootlessLeft{{Account: "111111111111", Name: "main", Why: "the management account"}},
	}, e.err
}

func (e *engine) Ask(_ context.Context, _ people.Actor, a client.RootlessAsk) (string, error) {
	e.asked = a
	return id, e.err
}

func (e *engine) Apply(_ context.Context, _ people.Actor, request string, a client.RootlessApply) error {
	act := "apply " + request
	if a.Release {
		act = "release " + request
	}
	e.did = append(e.did, act)
	return e.err
}

func (e *engine) Prove(_ context.Context, _ people.Actor, request string) error {
	e.did = append(e.did, "prove "+request)
	return e.err
}

func (e *engine) Report(_ context.Context, _ people.Actor, request string) (*client.RootlessStatus, error) {
	if request != id {
		return nil, store.ErrNotFound
	}
	s := e.status
	return &s, nil
}

func status() client.RootlessStatus {
	return client.RootlessStatus{
		Request: id, State: "open", Now: at, Batch: "CB-1", Halted: "CH-2", Count: map[string]int{"deleted": 1, "half-way": 1, "refused": 1}, May: []string{"apply", "release", "prove"}, Next: "it halted at CH-2",
		Applying: &client.RootlessWork{Job: "JO-1", State: "done", Progress: "ends at CH-2, which is stopped", Asked: at},
		Proving:  &client.RootlessWork{Job: "JO-2", State: "dead", Error: hostile, Asked: at},
		Proof:    &client.RootlessProof{Words: "It cannot be said that no root user of a member has credentials", Members: 3, Absent: 1, Holding: 2, Asked: at, Ended: at},
		Accounts: []client.RootlessLine{
			{Account: "222222222222", Name: "play", Change: "CH-1", Canary: true, Word: "deleted", Why: "hint: audit it", Had: "a password", Has: "nothing", Read: at},
			{Account: "333333333333", Name: "shop", Change: "CH-2", Word: "half-way", Why: "it stopped after 2 calls: " + hostile, Had: "a password, 2 MFA devices"},
			{Account: "444444444444", Name: "old", Word: "refused", Why: "root uses an access key"},
		},
	}
}

func start(t *testing.T) (*webtest.Server, *engine) {
	t.Helper()
	e := &engine{status: status()}
	a, err := rootless.Area(rootless.Config{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	return webtest.Serve(t, webtest.Store(t), webtest.Everyone(time.Now()), a), e
}

func has(t *testing.T, got webtest.Answer, code int, words ...string) {
	t.Helper()
	if got.Status != code {
		t.Fatalf("got %d, want %d\n%s", got.Status, code, got.Body)
	}
	for _, w := range words {
		if !strings.Contains(got.Body, w) {
			t.Errorf("got no %q in\n%s", w, got.Body)
		}
	}
	if page := strings.HasPrefix(got.Header.Get("Content-Type"), "text/html"); page && (strings.Contains(got.Body, "<script>alert") || strings.Contains(got.Body, "\x1b")) {
		t.Error("got hostile text as it is")
	}
}

func TestTheOrderIsShownAndAskedFor(t *testing.T) {
	s, e := start(t)
	has(t, s.Get("requester", "/root/rootless?first=222222222222"), http.StatusOK, `<span class="whole">222222222222</span> play`, "1, canary", "access keys: nobody can restore them", "Not known", "2026-11-20 09:00:00 UTC", "the management account", "Plan and ask")
	if len(e.chosen.First) != 1 {
		t.Errorf("got canaries %v, want the one that was typed", e.chosen.First)
	}
	if got := s.Get("viewer", "/root/rootless"); got.Status != http.StatusOK || strings.Contains(got.Body, "Plan and ask") {
		t.Error("a viewer is offered to ask")
	}
	has(t, s.Get("requester", "/root/rootless?first=22"), http.StatusUnprocessableEntity, "This is not asked for")
	has(t, s.Form("requester", "/root/rootless", url.Values{"first": {"222222222222"}}), http.StatusUnprocessableEntity, "say why")
	got := s.Form("requester", "/root/rootless", url.Values{"first": {"222222222222"}, "justification": {"Members need\nnone"}, "ticket": {"SEC-40"}})
	if got.Status != http.StatusSeeOther || e.asked.Justification != "Members need none" || len(e.asked.First) != 1 {
		t.Errorf("got %d, asked %+v", got.Status, e.asked)
	}
	e.err = web.Refuse(http.StatusUnprocessableEntity, "nobody-could-approve", "nobody could approve it")
	has(t, s.Form("requester", "/root/rootless", url.Values{"justification": {"x"}}), http.StatusUnprocessableEntity, "nobody could approve it")
}

func TestTheStateSaysWhatIsToBeDone(t *testing.T) {
	s, e := start(t)
	has(t, s.Get("requester", "/root/"+id+"/rootless"), http.StatusOK, "it halted at CH-2", "half-way", "refused", "root uses an access key", "It cannot be said", "/changes/CH-2", "Go on without it", "Prove")
	has(t, s.Get("requester", "/root/RR-2/rootless"), http.StatusNotFound)
	for _, act := range []string{"apply", "release", "prove"} {
		if got := s.Form("requester", "/root/"+id+"/rootless/"+act, nil); got.Status != http.StatusSeeOther {
			t.Errorf("%s: got %d", act, got.Status)
		}
	}
	for path, body := range map[string]string{"application": `{"release": true}`, "proof": ``} {
		has(t, s.JSON("requester", "POST", "/api/v1/root/requests/"+id+"/rootless/"+path, body), http.StatusAccepted, `"half-way"`)
	}
	want := map[string]int{"apply " + id: 1, "release " + id: 2, "prove " + id: 2}
	for _, did := range e.did {
		want[did]--
	}
	for did, n := range want {
		if n != 0 {
			t.Errorf("%s: got %d fewer than wanted", did, n)
		}
	}
	e.err = web.Refuse(http.StatusConflict, "rootless-busy", "job JO-2 reads the members already")
	has(t, s.JSON("requester", "POST", "/api/v1/root/requests/"+id+"/rootless/proof", ""), http.StatusConflict, "/problems/rootless-busy")
	has(t, s.JSON("requester", "GET", "/api/v1/root/rootless?account=12", ""), http.StatusUnprocessableEntity, "12")
}

func TestPagesInABrowser(t *testing.T) {
	s, _ := start(t)
	b := s.Browser(t)
	b.Photograph("requester", "rootless-plan", "/root/rootless")
	b.Photograph("requester", "rootless-state", "/root/"+id+"/rootless")
}
