package access_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const list = `id: short
kind: checklist
title: What is done at every sign-in
source: a page
items:
  - {id: alone, phase: environment, text: Be alone.}
  - {id: device, phase: authentication, text: Have the device.}
  - {id: window, phase: session, text: Open a private window.}
  - {id: out, phase: clean-up, text: Sign out.}
  - {id: written, phase: documentation, text: Write it down.}
events: [signin.amazonaws.com ConsoleLogin]
`

const task = `id: close
kind: root-task
title: Close an account
why: It is not needed any more.
need: root
instead: Keep it, empty.
instead_for: {member: Close it from the management account.}
ways:
  standalone: {path: sign-in}
  management: {path: assumed, change: known-kind}
requests: [use, drill]
events: [account.amazonaws.com CloseAccount]
checklists: [short]
items:
  - {id: mail, phase: documentation, text: Keep the mail.}
expected: 40m
approval: root-use
source: a page
checked: 2026-11-26
cases:
  - {name: alone, holder: standalone, path: sign-in, covers: [account.amazonaws.com CloseAccount], leaves: [account.amazonaws.com PutAccountName]}
  - {name: alone as an exercise, holder: standalone, kind: drill, path: sign-in}
  - {name: management, holder: management, path: assumed}
  - {name: management as an exercise, holder: management, kind: drill, path: assumed}
  - {name: member, holder: member, refused: from the management account}
`

// load reads one task beside the list above; the task is nil if it was left out.
func load(t *testing.T, text string) (*access.Task, []error) {
	t.Helper()
	id, _, _ := strings.Cut(strings.TrimPrefix(text, "id: "), "\n")
	files := fstest.MapFS{"checklists/short.yaml": {Data: []byte(list)}, "roottasks/" + id + ".yaml": {Data: []byte(text)}}
	lists, problems := access.LoadChecklists(rule.Source{FS: files, Dir: "checklists"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tasks, problems := access.LoadTasks(func(kind string) bool { return kind == "known-kind" }, lists, rule.Source{FS: files, Dir: "roottasks", Name: "mine"})
	return access.Find(tasks, id), problems
}

func closing(t *testing.T) *access.Task {
	t.Helper()
	out, problems := load(t, task)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return out
}

func TestATaskHasItsListsPutIn(t *testing.T) {
	w := closing(t).Ways[access.Standalone]
	var items []string
	for _, i := range w.Items {
		items = append(items, i.ID)
	}
	if got, want := strings.Join(items, " "), "alone device window out written mail"; got != want {
		t.Errorf("items %s, want %s", got, want)
	}
	if got, want := strings.Join(w.Events, ", "), "account.amazonaws.com CloseAccount, signin.amazonaws.com ConsoleLogin"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}

func TestTasksThatNobodyCouldFollowAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"a key that is not known", "why:", "because:", "mine/close.yaml:4:1"},
		{"a need that is not known", "need: root", "need: maybe", `need "maybe"`},
		{"a holder without a way and without a word", "instead_for: {member: Close it from the management account.}", "instead_for: {}", ""},
		{"no word for a member", "instead: Keep it, empty.\ninstead_for: {member: Close it from the management account.}\n", "", "no way for member"},
		{"a list that is not there", "checklists: [short]", "checklists: [long]", `no checklist "long"`},
		{"a kind of change that is not there", "known-kind", "made-up", "made-up"},
		{"an event without a source", "account.amazonaws.com CloseAccount]\nchecklists", "CloseAccount]\nchecklists", "want a source and a name"},
		{"an item that the list has", "id: mail", "id: out", "item out twice"},
		{"no day on which it was checked", "checked: 2026-11-26", "checked: today", "checked \"today\""},
		{"hours of root", "expected: 40m", "expected: 3h", "expected 3h"},
		{"no time at all", "expected: 40m\n", "", "expected 0s"},
		{"the policy of an override", "approval: root-use", "approval: root-override", "root-override"},
		{"a use by the policy of exercises", "approval: root-use", "approval: root-drill", "exercises alone"},
		{"a kind of request twice", "requests: [use, drill]", "requests: [use, use]", "requests [use use]"},
		{"root that is never used, with a way", "need: root", "need: never", "no ways"},
		{"a case that comes out otherwise", "leaves: [account.amazonaws.com PutAccountName]", "leaves: [account.amazonaws.com CloseAccount]", "case \"alone\""},
		{"a refusal that is none", "holder: management, path: assumed}\n  - {name: management as", "holder: management, refused: no}\n  - {name: management as", "want a refusal"},
		{"no case of a holder", "  - {name: member, holder: member, refused: from the management account}\n", "", "what a member gets"},
		{"no case of an exercise", "  - {name: alone as an exercise, holder: standalone, kind: drill, path: sign-in}\n", "", "as drill"},
		{"an event that no case covers", "covers: [account.amazonaws.com CloseAccount], ", "", "no case covers"},
		{"another id than the file's name", "id: close\nkind: root-task", "id: close\nkind: task", "want root-task"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(task, tt.old, tt.new, 1)
			if text == task {
				t.Fatalf("%q is not in the task", tt.old)
			}
			_, problems := load(t, text)
			if tt.want == "" {
				// Its general word stands for the member too, so that only the case fails.
				tt.want = "case \"member\""
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), tt.want) || !strings.HasPrefix(problems[0].Error(), "mine/close.yaml") {
				t.Errorf("problems %v, want one of mine/close.yaml that says %q", problems, tt.want)
			}
		})
	}
}

func TestAnIDIsGivenOnce(t *testing.T) {
	files := fstest.MapFS{"checklists/short.yaml": {Data: []byte(list)}, "roottasks/close.yaml": {Data: []byte(task)}}
	lists, _ := access.LoadChecklists(rule.Source{FS: files, Dir: "checklists"})
	known := func(string) bool { return true }
	tasks, problems := access.LoadTasks(known, lists, rule.Source{FS: files, Dir: "roottasks", Name: "shipped"}, rule.Source{FS: files, Dir: "roottasks", Name: "mine"})
	if len(tasks) != 1 || tasks[0].File() != "shipped/close.yaml" || len(problems) != 1 || !strings.Contains(problems[0].Error(), "mine/close.yaml: close is already in shipped/close.yaml") {
		t.Errorf("got %d tasks, problems %v", len(tasks), problems)
	}
}

func TestTheWayWithoutRootComesFirst(t *testing.T) {
	it := closing(t)
	if a := it.Advise(access.Member); a.Needs != nil || a.Refused || a.Says != "You do not need root for this." || a.Instead != "Close it from the management account." {
		t.Errorf("member: %+v", a)
	}
	a := it.Advise(access.Standalone)
	if a.Needs == nil || a.Instead != "Keep it, empty." || !strings.HasPrefix(a.Says, "Try this first") {
		t.Fatalf("standalone: %+v", a)
	}
	n := a.Needs
	if n.Path != access.SignIn || !n.Custodian || !n.Networks || n.Accounts != 1 || n.Session != 40*time.Minute || len(n.Before) != 3 || len(n.After) != 3 {
		t.Errorf("what a sign-in needs: %+v", n)
	}
	if n.Policies[access.Use] != approval.RootUse || n.Policies[access.Drill] != approval.RootDrill {
		t.Errorf("policies %v", n.Policies)
	}
	n = it.Advise(access.Management).Needs
	if n.Custodian || n.Networks || n.Session != 15*time.Minute || n.Change != "known-kind" || !slices.ContainsFunc(n.Asks, func(q access.Question) bool { return q.Name == "change" }) {
		t.Errorf("what a session of sts:AssumeRoot needs: %+v", n)
	}
	never, problems := load(t, "id: never\nkind: root-task\ntitle: Share it\nwhy: People do.\nneed: never\ninstead: Use a role.\nsource: a page\nchecked: 2026-11-26\ncases:\n"+
		"  - {name: a, holder: standalone, refused: Use a role}\n  - {name: b, holder: management, refused: Use a role}\n  - {name: c, holder: member, refused: root is not used}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if a := never.Advise(access.Member); !a.Refused || a.Needs != nil || a.Instead != "Use a role." {
		t.Errorf("never: %+v", a)
	}
}

var now = time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)

func ask() access.Ask {
	return access.Ask{Holder: access.Standalone, Accounts: []rootkeep.AccountID{"111122223333"}, Custodian: "PE-2", Justification: "It is over.", Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
}

func TestARequestHoldsTheTaskAsItIs(t *testing.T) {
	it := closing(t)
	r, err := it.Prepare(ask(), now)
	if err != nil {
		t.Fatal(err)
	}
	if r.TaskHash != it.Hash || len(r.Checklist) != 6 || len(r.Events) != 2 || r.Kind != access.Use || r.Session != 2400 || !r.From.Equal(now) || r.Until.Sub(r.From) != access.UsualWindow {
		t.Errorf("got %+v", r)
	}
	text, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.ParseRequest(text); err != nil {
		t.Error(err)
	}
}

func TestWhatATaskDoesNotAllowIsRefused(t *testing.T) {
	plan := func(account rootkeep.AccountID, id string) access.Change {
		return access.Change{Account: account, ID: id, Plan: approval.Sum(nil)}
	}
	assumed := func(a *access.Ask) {
		a.Holder, a.Custodian, a.Networks = access.Management, "", nil
		a.Changes = []access.Change{plan("111122223333", "CH-1")}
	}
	for _, tt := range []struct {
		name string
		set  func(*access.Ask)
		want string // "" is taken
	}{
		{"what is usual", func(*access.Ask) {}, ""},
		{"an exercise", func(a *access.Ask) { a.Kind = access.Drill }, ""},
		{"a kind that is none", func(a *access.Ask) { a.Kind = "fun" }, "not as fun"},
		{"a holder that is none", func(a *access.Ask) { a.Holder = "" }, "want one of [member management standalone]"},
		{"a member", func(a *access.Ask) { a.Holder = access.Member }, "hint: Close it from the management account."},
		{"a window that is over", func(a *access.Ask) { a.From, a.Until = now.Add(-2*time.Hour), now }, "which is over"},
		{"a window that began yesterday", func(a *access.Ask) { a.From = now.Add(-3 * time.Hour) }, "in the past"},
		{"a window that begins a minute ago", func(a *access.Ask) { a.From = now.Add(-time.Minute) }, ""},
		{"a window next year", func(a *access.Ask) { a.From = now.AddDate(1, 0, 0) }, "more than 30 days ahead"},
		{"a window that ends a month ahead", func(a *access.Ask) { a.From = now.Add(access.Ahead - access.UsualWindow) }, ""},
		{"a window of two days", func(a *access.Ask) { a.Until = now.Add(48 * time.Hour) }, "at most 24h"},
		{"a session longer than the task takes", func(a *access.Ask) { a.Session = time.Hour }, "at most 40m0s for close"},
		{"a session longer than the window", func(a *access.Ask) { a.Session, a.Until = 20*time.Minute, now.Add(10*time.Minute) }, "within the window"},
		{"a window shorter than the task", func(a *access.Ask) { a.Until = now.Add(10 * time.Minute) }, ""},
		{"a sign-in from anywhere", func(a *access.Ask) { a.Networks = nil }, "it is not said from where"},
		{"a sign-in without custodian", func(a *access.Ask) { a.Custodian = "" }, "nobody hands out the credential"},
		{"a sign-in with a change", func(a *access.Ask) { a.Changes = []access.Change{plan("111122223333", "CH-1")} }, "is for no change"},
		{"no reason", func(a *access.Ask) { a.Justification = " " }, "justification is missing"},
		{"a planned change", assumed, ""},
		{"no change", func(a *access.Ask) { assumed(a); a.Changes = nil }, "has no change; hint: rootkeep root request --task "},
		{"an account without a change", func(a *access.Ask) { assumed(a); a.Accounts = append(a.Accounts, "222233334444") }, "account 222233334444 has no change"},
		{"two changes of an account", func(a *access.Ask) { assumed(a); a.Changes = append(a.Changes, plan("111122223333", "CH-2")) }, "has 2 changes"},
		{"several accounts, in any order", func(a *access.Ask) {
			assumed(a)
			a.Accounts, a.Changes = []rootkeep.AccountID{"222233334444", "111122223333"}, append(a.Changes, plan("222233334444", "CH-2"))
		}, ""},
		{"a longer session of sts:AssumeRoot", func(a *access.Ask) { assumed(a); a.Session = 20 * time.Minute }, "at most 15m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := ask()
			tt.set(&a)
			_, err := closing(t).Prepare(a, now)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestHolders(t *testing.T) {
	for _, tt := range []struct {
		account, management rootkeep.AccountID
		want                access.Holder
	}{{"111122223333", "", access.Standalone}, {"111122223333", "111122223333", access.Management}, {"222233334444", "111122223333", access.Member}} {
		if got := access.HolderOf(tt.account, tt.management); got != tt.want {
			t.Errorf("%s of %q is %s, want %s", tt.account, tt.management, got, tt.want)
		}
	}
}
