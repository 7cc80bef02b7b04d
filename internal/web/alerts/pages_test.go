package alerts_test

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// hostile is what whoever names a role, a resource or an agent would try.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)` + "\x1b[2J\u202egnp\u200b\u009b31m\U000e0041"

// told is an alert with a word in all that a log or a rule says of it.
func told(id, word string) alert.Sighting {
	at := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	actor := rootkeep.Actor{Type: "AssumedRole", Account: one, Principal: "role/deploy" + word, Session: word}
	event := func(id, name, target, code string, after time.Duration) rootkeep.Event {
		return rootkeep.Event{ID: id + word, Time: at.Add(after), Name: name + word, Source: "iam.amazonaws.com" + word, Account: one, Region: "us-east-1", Actor: actor,
			Address: "203.0.113.9" + word, Agent: "aws-cli" + word, Target: target + word, ErrorCode: code, File: "queue" + word, Offset: 7}
	}
	return alert.Sighting{Key: id, Alert: rootkeep.Alert{
		ID: id, Level: rootkeep.High, Title: "Access key for another user" + word, Kind: "group", State: "open", Account: one, Actor: actor, Tactic: "persistence" + word,
		Techniques: []rootkeep.Technique{{ID: "T1098" + word}}, Rules: []rootkeep.RuleHit{{Name: "recon", Title: "Recon" + word, Level: rootkeep.High, Guidance: "Ask the owner" + word, Author: word, Threshold: word}},
		First: at, Last: at.Add(10 * time.Minute), Count: 4, Attempts: 1, Actions: []rootkeep.Count{{Text: "iam:CreateAccessKey" + word, Count: 2}}, Regions: []rootkeep.Region{"us-east-1"},
		Addresses: []rootkeep.Address{{Text: "203.0.113.9" + word, Country: "DE" + word, Network: word, Lists: []string{word}, Count: 4}}, Agents: []string{"aws-cli" + word}, Notes: []string{"a note" + word}, Opens: "key-leak" + word,
		Events: []rootkeep.Event{event("e1", "CreateAccessKey", "user/billing", "", 0), event("e2", "CreateAccessKey", "user/billing", "AccessDenied"+word, time.Minute), event("e3", "ListUsers", "", "", 10*time.Minute)}, EventsOmitted: 1,
	}}
}

func apply(t *testing.T, s *store.Store, list ...alert.Sighting) {
	t.Helper()
	k, err := alerts.New(alert.Default(), func(rule string) bool { return strings.HasPrefix(rule, "root-") })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := k.Apply(ctx, tx, tx.Now(), list)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatThePageOfAnAlertTells(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	near := told("AL-21", "")
	near.Title = "Another of the same"
	apply(t, kept, told("AL-20", ""), near)
	got := s.Get("Ann", "/alerts/AL-20")
	for _, want := range []string{
		"role/deploy: 4 events, of which 1 failed in account 111122223333", "Ask the owner", "T1098", "key-leak", "Another of the same", "AL-21", "chart-lanes", "user/billing",
		"What the events touched that are not kept is not known here", "opened", "Acknowledge</button>", "Nobody has it yet.", "Acknowledge with a note</button>", "Close it</button>", "Suppress</button>", "&#34;e1&#34;",
	} {
		if got.Status != 200 || !strings.Contains(got.Body, want) {
			t.Errorf("alert: got %d without %q", got.Status, want)
		}
	}
	if what, first := strings.Index(got.Body, "What to do now"), strings.Index(got.Body, "Acknowledge</button>"); what < 0 || first < what || first > strings.Index(got.Body, "chart-lanes") {
		t.Error("got the button that acknowledges elsewhere, want it with what to do, before the story")
	}
	got = s.Get("viewer", "/alerts/AL-20")
	if strings.Contains(got.Body, "Acknowledge</button>") || !strings.Contains(got.Body, "Who works at it has the role responder for account") {
		t.Error("for a viewer: got buttons, or no word on who has them")
	}
	if got := s.Get("Cid", "/alerts/AL-2"); got.Status != 404 {
		t.Errorf("of another account: got %d, want 404", got.Status)
	}
}

// A live source knows the object of a record, not where it lies in there: a place that is made
// up would lead nowhere. Tags that say the tactic again leave the title no room in the inbox.
func TestWhatIsNotKnownOrSaidTwiceIsNotShown(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	live := told("AL-22", "")
	live.Events[1].Offset = 0
	apply(t, kept, live)
	got := s.Get("Ann", "/alerts/AL-22")
	if n := strings.Count(got.Body, "queue at byte 7"); n != 2 || strings.Contains(got.Body, "at byte 0") {
		t.Errorf("got %d records with a place, and byte 0 %v, want two of three", n, strings.Contains(got.Body, "at byte 0"))
	}
	if page, list := got.Body, s.Get("Ann", "/alerts").Body; !strings.Contains(page, "attack.persistence") || strings.Contains(list, "attack.persistence") {
		t.Error("got the tag of the tactic in the inbox, or not on the page")
	}
}

func TestTheNumbersOfAlerts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		s := serve(t, kept)
		numbers := func() map[string]string {
			t.Helper()
			out := map[string]string{}
			for line := range strings.Lines(s.Get("viewer", "/metrics").Body) {
				if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "rootkeep_alerts_") {
					out[name] = value
				}
			}
			return out
		}
		before := numbers()
		trial := told("AL-51", "")
		trial.DryRun = true
		apply(t, kept, told("AL-50", ""), trial)
		after := numbers()
		for _, name := range []string{`rootkeep_alerts_open{level="high"}`, `rootkeep_alerts_new{level="high"}`} {
			was, err := strconv.Atoi(before[name])
			is, bad := strconv.Atoi(after[name])
			if err != nil || bad != nil || is != was+1 {
				t.Errorf("%s: got %q and then %q, want one more: nobody is told of a rule on trial", name, before[name], after[name])
			}
		}
		if len(after) != 2*(int(rootkeep.Critical)+1) {
			t.Errorf("got %v, want two numbers for each level", after)
		}
	})
}

func TestFiltersThatFewNeedAreFolded(t *testing.T) {
	s := serve(t, webtest.Store(t))
	for _, test := range []struct {
		path string
		open bool
	}{{"/alerts", false}, {"/alerts?state=all&level=high", false}, {"/alerts?tag=none", true}, {"/alerts?muted=all", true}} {
		got := s.Get("Ann", test.path)
		if open := strings.Contains(got.Body, `<details class="filter-more" open>`); got.Status != 200 || open != test.open {
			t.Errorf("%s: got %d, open %v, want %v", test.path, got.Status, open, test.open)
		}
	}
}

func TestWhyAnAlertIsNeverSuppressed(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	root, guarded := told("AL-30", ""), told("AL-31", "")
	root.Actor = rootkeep.Actor{Type: "Root", Principal: "root of " + one}
	guarded.Rules[0].Name = "root-key"
	apply(t, kept, root, guarded, told("AL-32", ""))
	for _, test := range []struct{ name, actor, id, want string }{
		{"of a root user", "Ann", "AL-30", "it is about a root user"},
		{"of a rule on root", "Ann", "AL-31", "its rule root-key is about root users, or about what watches"},
		{"for a viewer", "viewer", "AL-32", "Who works at alerts of the account suppresses them."},
		{"for a machine", "operator", "AL-32", "A person suppresses alerts, who answers for it."},
	} {
		got := s.Get(test.actor, "/alerts/"+test.id)
		if got.Status != 200 || !strings.Contains(got.Body, test.want) || strings.Contains(got.Body, "Suppress</button>") {
			t.Errorf("%s: got %d, want %q and no form", test.name, got.Status, test.want)
		}
	}
	form := url.Values{"rule": {"root-key"}, "days": {"7"}, "reason": {"known"}}
	if got := s.Form("Ann", "/alerts/AL-31/suppress", form); got.Status != 403 {
		t.Errorf("by a form that the page does not have: got %d, want 403", got.Status)
	}
}

func TestFormsOfAlerts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		s := serve(t, kept)
		apply(t, kept, told("AL-40", ""))
		revision := func(id string) string {
			_, after, _ := strings.Cut(s.Get("Ann", "/alerts/"+id).Body, `name="revision" value="`)
			n, _, _ := strings.Cut(after, `"`)
			return n
		}
		_, after, _ := strings.Cut(s.Get("Ann", "/alerts/AL-40").Body, `<option value="PE-`)
		person, _, _ := strings.Cut(after, `"`)
		for _, test := range []struct {
			name, actor, id, act string
			form                 url.Values
			want                 int
		}{
			{"a viewer", "viewer", "AL-1", "acknowledge", nil, 403},
			{"of another account", "Cid", "AL-2", "acknowledge", nil, 404},
			{"of no single account, by who has one", "Cid", "AL-3", "acknowledge", nil, 404},
			{"acknowledge", "Cid", "AL-1", "acknowledge", url.Values{"note": {"mine"}}, 303},
			{"twice", "Ann", "AL-1", "acknowledge", nil, 409},
			{"give it to nobody", "Ann", "AL-1", "assign", url.Values{"owner": {"PE-nobody"}}, 422},
			{"give it to somebody", "Ann", "AL-40", "assign", url.Values{"owner": {"PE-" + person}}, 303},
			{"for no time", "Ann", "AL-1", "snooze", url.Values{"hours": {"0"}, "reason": {"later"}}, 422},
			{"for too long", "Ann", "AL-1", "snooze", url.Values{"hours": {"99999999999999999999"}, "reason": {"later"}}, 422},
			{"for two weeks", "Ann", "AL-1", "snooze", url.Values{"hours": {"336"}, "reason": {"later"}}, 303},
			{"without a reason", "Ann", "AL-1", "close", url.Values{"reason": {" \n"}}, 422},
			{"close", "Ann", "AL-1", "close", url.Values{"reason": {"a drill"}}, 303},
			{"and open again", "Ann", "AL-1", "reopen", url.Values{"reason": {"no drill"}}, 303},
			{"tags", "Ann", "AL-1", "tags", url.Values{"tags": {"team:web  drill, x"}}, 303},
			{"fewer tags", "Ann", "AL-1", "tags", url.Values{"tags": {"drill"}}, 303},
			{"what is no tag", "Ann", "AL-1", "tags", url.Values{"tags": {"<b>"}}, 422},
			{"what does not exist", "Ann", "AL-9", "close", nil, 404},
		} {
			form := url.Values{"revision": {revision(test.id)}}
			for k, v := range test.form {
				form[k] = v
			}
			if got := s.Form(test.actor, "/alerts/"+test.id+"/"+test.act, form); got.Status != test.want {
				t.Errorf("%s: got %d %.200s, want %d", test.name, got.Status, got.Body, test.want)
			}
		}
		if body := s.Get("viewer", "/alerts/AL-1").Body; !strings.Contains(body, "no drill") || !strings.Contains(body, ">drill<") || strings.Contains(body, ">team:web<") {
			t.Error("AL-1: want its reason and the tag that is left")
		}
		if got := s.Form("Ann", "/alerts/AL-1/close", url.Values{"reason": {"x"}, "revision": {"1"}}); got.Status != 409 && got.Status != 412 {
			t.Errorf("as it was before: got %d, want it refused", got.Status)
		}
		if got := s.Form("Ann", "/alerts/AL-1/close", url.Values{"reason": {"x"}}); got.Status != 422 {
			t.Errorf("of no revision: got %d, want 422", got.Status)
		}
		for back, want := range map[string]string{"/alerts?state=new": "/alerts?state=new", "//evil.example/alerts": "/alerts/AL-2", "/people": "/alerts/AL-2"} {
			s.Form("Ann", "/alerts/AL-2/reopen", url.Values{"revision": {revision("AL-2")}, "reason": {"again"}})
			got := s.Form("Ann", "/alerts/AL-2/acknowledge", url.Values{"revision": {revision("AL-2")}, "back": {back}})
			if got.Status != 303 || got.Header.Get("Location") != want {
				t.Errorf("back to %q: got %d to %q, want %q", back, got.Status, got.Header.Get("Location"), want)
			}
		}
	})
}

func TestSuppressionsOnPages(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	apply(t, kept, told("AL-50", ""))
	if got := s.Get("Ann", "/suppressions"); got.Status != 200 || !strings.Contains(got.Body, "Nothing is suppressed.") {
		t.Errorf("none: got %d", got.Status)
	}
	form := url.Values{"rule": {"recon"}, "days": {"7"}, "account": {"yes"}, "principal": {"yes"}, "reason": {"the nightly <b>job</b>"}}
	for name, test := range map[string]struct {
		actor, days string
		want        int
	}{"a viewer": {"viewer", "7", 403}, "for ever": {"Ann", "1000", 422}, "a machine": {"operator", "7", 403}, "who may": {"Cid", "7", 303}} {
		form.Set("days", test.days)
		if got := s.Form(test.actor, "/alerts/AL-50/suppress", form); got.Status != test.want {
			t.Errorf("%s: got %d %.200s, want %d", name, got.Status, got.Body, test.want)
		}
	}
	body := s.Get("Ann", "/suppressions").Body
	_, after, _ := strings.Cut(body, `action="/suppressions/`)
	id, _, _ := strings.Cut(after, "/end")
	if !strings.Contains(body, "rule recon, account 111122223333, principal role/deploy") || !strings.Contains(body, "&lt;b&gt;job") || !strings.HasPrefix(id, "SU-") {
		t.Fatalf("got %.2000s, want what it hides, and a way to end it", body)
	}
	if got := s.Form("Ann", "/suppressions/"+id+"/end", nil); got.Status != 303 {
		t.Errorf("end it: got %d, want 303", got.Status)
	}
	if body := s.Get("Ann", "/suppressions?ended=yes").Body; !strings.Contains(body, id) || strings.Contains(body, "/end") {
		t.Error("ended: want it named, and nothing to end")
	}
}

func TestWhatTheInboxHolds(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	for query, want := range map[string]int{
		"": 3, "?account=" + one: 1, "?state=new": 3, "?state=all": 3, "?state=closed": 0, "?level=critical": 0, "?rule=recon": 3, "?rule=no": 0, "?muted=storm": 0, "?muted=all": 3, "?q=USER": 3, "?tag=x": 0, "?owner=PE-1": 0,
	} {
		got := s.Get("viewer", "/alerts"+query)
		if n := strings.Count(got.Body, `<a href="/alerts/AL-`); got.Status != 200 || n != want {
			t.Errorf("%q: got %d with %d alerts, want %d", query, got.Status, n, want)
		}
	}
	for _, query := range []string{"?state=done", "?cursor=x", "?level=worst", "?muted=x", "?account=12", "?rule=" + strings.Repeat("x", 300)} {
		if got := s.Get("viewer", "/alerts"+query); got.Status != 422 {
			t.Errorf("%.40q: got %d, want 422", query, got.Status)
		}
	}
	if got := s.Get("Cid", "/alerts"); strings.Count(got.Body, `<a href="/alerts/AL-`) != 1 || strings.Contains(got.Body, two) {
		t.Error("a responder of one account: want its alert alone")
	}
	if got := s.Get("Ann", "/alerts"); strings.Count(got.Body, "Acknowledge</button>") != 3 {
		t.Error("who works everywhere: want a button for each new alert")
	}
}

func TestHostileAlertsStayText(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	apply(t, kept, told("AL-60", hostile), told("AL-61", hostile))
	_, after, _ := strings.Cut(s.Get("Ann", "/alerts/AL-60").Body, `name="revision" value="`)
	n, _, _ := strings.Cut(after, `"`)
	if got := s.Form("Ann", "/alerts/AL-60/acknowledge", url.Values{"revision": {n}, "note": {`<script>alert(1)</script>`}}); got.Status != 303 {
		t.Fatalf("acknowledge: got %d", got.Status)
	}
	for _, path := range []string{"/alerts", "/alerts?state=all&q=" + url.QueryEscape(`"><script>alert`), "/alerts/AL-60", "/alerts/AL-61"} {
		got := s.Get("Ann", path)
		if got.Status != 200 {
			t.Errorf("%s: got %d", path, got.Status)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "' onmouseover", "\x1b", "\u202e", "\u200b", "\u009b", "\U000e0041"} {
			if i := strings.Index(got.Body, bad); i >= 0 {
				t.Errorf("%s: got %q in ...%q", path, bad, got.Body[max(0, i-60):min(len(got.Body), i+60)])
			}
		}
	}
}

func TestPagesOfAlertsInABrowser(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept)
	var list []alert.Sighting
	for i := range 3 {
		x := told(fmt.Sprintf("AL-7%d", i), "")
		x.Level = rootkeep.Severity(2 + i)
		list = append(list, x)
	}
	apply(t, kept, append(list, told("AL-79", hostile), told("AL-78", strings.Repeat("W", 300)))...)
	if got := s.JSON("Ann", "POST", "/api/v1/suppressions", fmt.Sprintf(`{"reason":"known","rule":"recon","expires":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))); got.Status != 201 {
		t.Fatal(got.Body)
	}
	b := s.Browser(t)
	b.Photograph("Ann", "inbox", "/alerts")
	b.Photograph("viewer", "inbox-empty", "/alerts?tag=none")
	b.Photograph("Ann", "story", "/alerts/AL-71")
	b.Photograph("Ann", "story-hostile", "/alerts/AL-79")
	b.Photograph("Ann", "story-long", "/alerts/AL-78")
	b.Photograph("Ann", "suppressions", "/suppressions")
}
