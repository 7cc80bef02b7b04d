package home_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/home"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	one = rootkeep.AccountID("111122223333")
	two = rootkeep.AccountID("444455556666")

	hostile = `<script>alert(1)</script>"'&` + "\u202e\x1b[31m"
)

// now is the last noon, so that no test stands on the edge of a day, or ahead of the store.
var now = time.Now().UTC().Add(-12 * time.Hour).Truncate(24 * time.Hour).Add(12 * time.Hour)

// house is a server with the page alone, and one store.
type house struct {
	*webtest.Server
	t     *testing.T
	scans *int // that were kept
}

func serve(t *testing.T) house {
	t.Helper()
	s := webtest.Store(t)
	actors := webtest.Everyone(now)
	for name, g := range map[string]people.Grant{
		"viewer of one": {Role: people.Viewer, Scope: "account:" + people.Scope(one)}, "responder of two": {Role: people.Responder, Scope: "account:" + people.Scope(two)},
		"viewer of none": {Role: people.Viewer, Scope: "account:999988887777"},
	} {
		actors[name] = webtest.Person(strings.ReplaceAll(name, " ", "-"), now, g)
	}
	return house{webtest.Serve(t, s, actors, home.Area(home.Config{Store: s, Now: func() time.Time { return now }})), t, new(int)}
}

func (h house) do(change func(context.Context, *store.Tx) error) {
	h.t.Helper()
	if err := h.Store.Update(h.t.Context(), change); err != nil {
		h.t.Fatal(err)
	}
}

// hunted keeps a hunt over an account: so many sign-ins of root, an alert of a level, and
// the hours of so many days before today as proven.
func (h house) hunted(id string, account rootkeep.AccountID, uses int, level rootkeep.Severity, days int) {
	h.t.Helper()
	r := &hunts.Result{
		ID: id, Actor: "PE-1", Version: "test", Started: now, Finished: now, First: now.AddDate(0, 0, -100), Last: now, Events: 1, Digest: sha256.Sum256([]byte(id)), Summary: []byte("{}"),
		Accounts: []hunts.Account{{ID: account, Events: 1, First: now.AddDate(0, 0, -100), Last: now}},
	}
	for i := range uses {
		r.Uses = append(r.Uses, rootkeep.RootUse{
			Time: now.Add(-time.Duration(i+1) * 2 * time.Hour), ID: fmt.Sprint(id, i), Kind: rootkeep.RootSignIn, Account: account, Region: "us-east-1", Source: "signin.amazonaws.com",
			Name: "ConsoleLogin", Address: fmt.Sprint("203.0.113.", i), Principal: "root of " + string(account), Agent: hostile, Raw: []byte(`{}`),
		})
	}
	if level > 0 {
		r.Alerts = []rootkeep.Alert{{ID: "AL-" + id, Level: level, Title: "Trail stopped in " + string(account) + hostile, Kind: "session", State: "open", Account: account, First: now, Last: now, Count: 1}}
	}
	if midnight := now.Truncate(24 * time.Hour); days > 0 {
		r.Hours = []hunts.Stretch{{Account: account, From: midnight.AddDate(0, 0, -days), To: midnight}}
	}
	h.do(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := hunts.Take(ctx, tx, r)
		return err
	})
}

// scanned keeps a scan of an account in which one control came to a status.
func (h house) scanned(id string, account rootkeep.AccountID, status rootkeep.Status) {
	h.t.Helper()
	*h.scans++
	taken := now.Add(-time.Hour).Add(time.Duration(*h.scans) * time.Minute) // each newer than the one before
	s := &facts.Snapshot{Format: facts.Format, Account: account, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	f := rootkeep.Finding{
		Control: "RT-01", Title: "Root of " + string(account) + " has MFA" + hostile, Severity: rootkeep.Critical, Status: status, Account: account, Resource: "arn:aws:iam::" + string(account) + ":root",
	}
	p, err := posture.Prepare(posture.Account{Name: "name", Snapshot: s, Findings: []rootkeep.Finding{f}, Controls: []string{"RT-01"}, Card: &score.Scorecard{}, Placed: true})
	if err != nil {
		h.t.Fatal(err)
	}
	h.do(func(ctx context.Context, tx *store.Tx) error {
		if err := posture.Start(ctx, tx, posture.Begin{ID: id, Source: posture.Imported, Actor: "PE-1", Version: "test", State: posture.Judging}); err != nil {
			return err
		}
		if err := posture.Take(ctx, tx, id, p); err != nil {
			return err
		}
		_, err := posture.Finish(ctx, tx, posture.End{ID: id, Actor: "PE-1", Controls: []string{"RT-01"}, Version: "test"})
		return err
	})
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// words are the text of the page that an actor sees, in one line.
func (h house) words(actor string) string {
	h.t.Helper()
	got := h.Get(actor, "/")
	if got.Status != http.StatusOK {
		h.t.Fatalf("%s: got %d, want 200\n%s", actor, got.Status, got.Body)
	}
	_, body, found := strings.Cut(got.Body, "<main")
	body, _, ends := strings.Cut(body, "</main>")
	if !found || !ends {
		h.t.Fatalf("%s: got a page without its main part\n%s", actor, got.Body)
	}
	return strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
}

// says holds the page to words that it has, and to others that it has not.
func (h house) says(actor string, has, hasNot []string) {
	h.t.Helper()
	got := h.words(actor)
	for _, w := range has {
		if !strings.Contains(got, w) {
			h.t.Errorf("%s: got a page without %q\n%s", actor, w, got)
		}
	}
	for _, w := range hasNot {
		if strings.Contains(got, w) {
			h.t.Errorf("%s: got a page with %q\n%s", actor, w, got)
		}
	}
}

func TestWhoOpensThePage(t *testing.T) {
	h := serve(t)
	h.scanned("SC-1", one, rootkeep.Fail)
	for actor, want := range map[string]int{"": 303, "nobody": 200, "machine": 200, "viewer": 200, "approver": 200, "auditor": 200, "admin": 200, "viewer of none": 200} {
		if got := h.Get(actor, "/"); got.Status != want {
			t.Errorf("%q: got %d, want %d", actor, got.Status, want)
		}
	}
	if got := h.Get("viewer", "/home"); got.Status != http.StatusNotFound {
		t.Errorf("a path below it: got %d, want 404", got.Status)
	}
	h.says("nobody", []string{"Nothing is shown to you yet", "Ask an administrator"}, []string{"What to do next", "SC-1", "Ledger", "RT-01", "rootkeep hunt"})
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	h := serve(t)
	h.says("viewer", []string{
		"Root uses not known no hunt has been sent", "Coverage 0 %", "Controls not known no scan", "Send a hunt", "rootkeep hunt --send", "Scan your accounts",
		"No scan has come to this server.", "Last hunt none", "Last scan none", "Ledger empty",
	}, []string{"Nothing is urgent", "proven: the logs are complete", "Failing controls", "No finding is known to have changed"})
}

func TestTheOneNumber(t *testing.T) {
	for _, test := range []struct {
		name        string
		uses, days  int
		has, hasNot []string
	}{
		{"no use in a part of the time is no proof", 0, 30, []string{"Root uses none seen this is not proof of absence", "Coverage 33.3 %", "Prove the hours that are not proven"}, []string{"proven: the logs are complete"}},
		{"no use in all of the time is", 0, 90, []string{"Root uses none proven: the logs are complete", "Coverage 100 %"}, []string{"Prove the hours", "Look at each use"}},
		{"uses are not explained by complete logs", 2, 90, []string{"Root uses 2 seen approval not checked", "Look at each use of root", "Hunts saw 2 uses of root begin"}, []string{"Prove the hours", "no use of root"}},
		{"nor in a part of the time", 1, 1, []string{"Root uses 1 seen approval not checked", "Coverage 1.1 %", "Hunts saw 1 use of root begin", "Prove the hours"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := serve(t)
			h.hunted("HU-1", one, test.uses, 0, test.days)
			h.says("viewer", test.has, append(test.hasNot, "Send a hunt"))
		})
	}
}

func TestWhatToDoNext(t *testing.T) {
	h := serve(t)
	h.hunted("HU-1", one, 0, rootkeep.Medium, 90)
	h.scanned("SC-1", one, rootkeep.Pass)
	h.says("viewer", []string{"Nothing is urgent.", "Open alerts 1 1 medium", "Failing controls 0", "New alerts: 1 medium."}, []string{"alert open", "Scan your accounts", "Send a hunt"})
	h.hunted("HU-2", one, 0, rootkeep.Critical, 90)
	h.hunted("HU-3", one, 0, rootkeep.High, 90)
	h.scanned("SC-2", one, rootkeep.Fail)
	got := h.words("viewer")
	alerts, failures := strings.Index(got, "2 high or critical alerts open"), strings.Index(got, "1 high or critical failure of controls")
	if alerts < 0 || failures < alerts {
		t.Errorf("got alerts at %d, failures at %d, want both and the alerts first\n%s", alerts, failures, got)
	}
	h.says("viewer", []string{"Open alerts 3 1 critical, 1 high, 1 medium", "Failing controls 1 1 high or critical; 0 not known", "Findings that changed", "Last scan SC-2", "Last hunt HU-3"}, []string{"Nothing is urgent"})
	h.scanned("SC-3", one, rootkeep.Unknown)
	h.says("viewer", []string{"Failing controls 0 0 high or critical; 1 not known"}, []string{"failure of controls"})
}

// TestNothingOfAnotherAccount compares what is told to who reads one account with what is
// told to who reads all.
func TestNothingOfAnotherAccount(t *testing.T) {
	h := serve(t)
	h.hunted("HU-1", one, 1, rootkeep.High, 90)
	h.hunted("HU-2", two, 5, rootkeep.Critical, 1)
	h.scanned("SC-1", one, rootkeep.Pass)
	h.scanned("SC-2", two, rootkeep.Fail)
	h.says("viewer", []string{"6 seen", "Open alerts 2 1 critical, 1 high", "Failing controls 1", "Last hunt HU-2", "Last scan SC-2", string(two), "Ledger 4 lines"}, nil)
	h.says("viewer of one", []string{"1 seen", "Open alerts 1 1 high", "Failing controls 0", "Last hunt HU-1", "Last scan SC-1", "Coverage 100 %"},
		[]string{string(two), "HU-2", "SC-2", "1 critical", "Ledger", "6 seen"})
	h.says("responder of two", []string{"5 seen", "Failing controls 1", "Last scan SC-2", "Coverage 1.1 %"}, []string{"HU-1", "SC-1", string(one), "Ledger"})
	h.says("viewer of none", []string{"not known", "Last hunt none", "Last scan none", "Open alerts 0 none"}, []string{"HU-", "SC-", string(one), string(two), "Ledger"})
}

func TestHostileTextStaysText(t *testing.T) {
	h := serve(t)
	h.hunted("HU-1", one, 1, rootkeep.Critical, 1)
	h.scanned("SC-1", one, rootkeep.Fail)
	got := h.Get("viewer", "/").Body
	if !strings.Contains(got, "has MFA&lt;script&gt;") {
		t.Errorf("got a page without the title of the finding\n%s", got)
	}
	if strings.Contains(got, "<script>alert") || strings.ContainsAny(got, "\u202e\x1b") {
		t.Errorf("got hostile text as it came\n%s", got)
	}
}

// TestYesterdayEnds leaves out what changed more than a day ago.
func TestYesterdayEnds(t *testing.T) {
	h := serve(t)
	h.hunted("HU-1", one, 1, rootkeep.High, 90)
	h.scanned("SC-1", one, rootkeep.Fail)
	back := now
	t.Cleanup(func() { now = back })
	now = now.AddDate(0, 0, 3)
	h.says("viewer", []string{"Hunts saw no use of root begin; one that comes later may tell of more. No source is watched.", "No new alert.", "No finding is known to have changed.", "Open alerts 1", "Failing controls 1"}, []string{"Findings that changed", "just now"})
}

// watched keeps what a live source says, and events of root in an account, hours ago: with the
// session that each is of.
func (h house) watched(account rootkeep.AccountID, hours ...int) {
	h.t.Helper()
	h.do(func(ctx context.Context, tx *store.Tx) error {
		if err := rootlog.KeepHealth(ctx, tx, "a", []rootlog.Health{{Source: "trail", Heard: now}}); err != nil {
			return err
		}
		var events []reconcile.Event
		for _, n := range hours {
			events = append(events, reconcile.Event{RootUse: rootkeep.RootUse{
				Time: now.Add(-time.Duration(n) * time.Hour), ID: fmt.Sprint(account, n), Kind: rootkeep.RootSignIn, Account: account, Region: "us-east-1", Source: "signin.amazonaws.com", Name: "ConsoleLogin",
			}, Of: account})
		}
		if _, err := rootlog.Arrive(ctx, tx, "trail", []byte("m"), events); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE root_event SET session = event WHERE account = $1`, string(account))
		return err
	})
}

// proven keeps hours of an account as proven, by how long ago they began.
func (h house) proven(account rootkeep.AccountID, hours ...int) {
	h.t.Helper()
	h.do(func(ctx context.Context, tx *store.Tx) error {
		for _, n := range hours {
			at := now.Add(-time.Duration(n) * time.Hour)
			day := at.Truncate(24 * time.Hour)
			if _, err := rootlog.Cover(ctx, tx, "PE-1", []rootlog.Covered{{Account: account, Day: day, Mask: 1 << at.Hour()}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func hoursTo(last int) (out []int) {
	for n := 1; n <= last; n++ {
		out = append(out, n)
	}
	return out
}

func TestWhatWatchingSawSinceYesterday(t *testing.T) {
	h := serve(t)
	h.says("viewer", []string{"No source is watched.", "Whether root was used is unknown: no hour is proven."}, []string{"Watching saw"})
	h.watched(one, 30)
	h.says("viewer", []string{"Watching saw no use of root begin. Hunts saw no use of root begin", "0 of 24 hours of 1 account proven; of the other 24 it is unknown"}, []string{"No source is watched"})
	h.watched(one, 2, 5)
	h.hunted("HU-1", one, 1, 0, 0)
	h.proven(one, append(hoursTo(23), 25, 26, 0)...) // some of them are not of the day before now
	h.says("viewer", []string{"Watching saw 2 uses of root begin. Hunts saw 1 use of root begin", "23 of 24 hours of 1 account proven; of the other 1 it is unknown"}, []string{"There was no other"})
	h.proven(one, 24)
	h.says("viewer", []string{"There was no other in these hours: 24 of 24 hours of 1 account proven."}, []string{"is unknown"})
	h.watched(two, 3)
	h.says("viewer", []string{"Watching saw 3 uses of root begin.", "24 of 48 hours of 2 accounts proven; of the other 24 it is unknown"}, nil)
	h.says("viewer of one", []string{"Watching saw 2 uses of root begin.", "24 of 24 hours of 1 account proven."}, nil)
}
