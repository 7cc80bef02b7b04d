package access_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
)

func signIn() *access.Request {
	from := time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)
	return &access.Request{
		Accounts: []rootkeep.AccountID{"111122223333"}, Changes: []access.Change{}, Custodian: "PE-2",
		Checklist: []access.Item{{ID: "alone", Phase: access.Environment, Text: "Nobody looks over your shoulder."}, {ID: "signed-out", Phase: access.CleanUp, Text: "Sign out."}},
		Events:    []string{"account.amazonaws.com CloseAccount", "signin.amazonaws.com *"}, From: from, Until: from.Add(time.Hour), Session: 900,
		Justification: "The account is not needed any more.", Kind: access.Use, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Path: access.SignIn, Schema: access.RequestSchema, Task: "close-standalone-account", Ticket: "SEC-12", Title: "Close a standalone account",
	}
}

func TestARequestIsReadInOneWay(t *testing.T) {
	text, err := signIn().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := access.ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(signIn(), got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if _, err := access.ParseRequest([]byte(strings.Replace(string(text), `":`, `": `, 1))); err == nil {
		t.Error("a request with a space in it was taken")
	}
}

func TestRequestsThatNobodyCouldJudgeAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*access.Request)
		want string
	}{
		{"no custodian", func(r *access.Request) { r.Custodian = "" }, "custodian"},
		{"no network", func(r *access.Request) { r.Networks = []netip.Prefix{} }, "networks"},
		{"half of the Internet", func(r *access.Request) { r.Networks[0] = netip.MustParsePrefix("0.0.0.0/1") }, "8 fixed bits"},
		{"a range with bits behind it", func(r *access.Request) { r.Networks[0] = netip.MustParsePrefix("198.51.100.7/24") }, "network 198.51.100.7/24"},
		{"two accounts with one sign-in", func(r *access.Request) { r.Accounts = append(r.Accounts, "222233334444") }, "2 accounts"},
		{"a window of two days", func(r *access.Request) { r.Until = r.From.Add(48 * time.Hour) }, "at most 24h"},
		{"a session longer than the window", func(r *access.Request) { r.Session = 7200 }, "within the window"},
		{"a scope that takes everything", func(r *access.Request) { r.Events = []string{"* *"} }, `event "* *"`},
		{"no scope", func(r *access.Request) { r.Events = []string{} }, "0 events"},
		{"a text that looks other than it is", func(r *access.Request) { r.Justification = "close \u202eit" }, "cannot be seen"},
		{"assumed root without a change", func(r *access.Request) { r.Path = access.Assumed }, "for changes"},
		{"a list that is null", func(r *access.Request) { r.Changes = nil }, "written as one"},
		{"an item twice", func(r *access.Request) { r.Checklist = append(r.Checklist, r.Checklist[0]) }, "twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signIn()
			tt.set(r)
			if err := r.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestAssumedRootIsForPlans(t *testing.T) {
	r := signIn()
	r.Path, r.Custodian, r.Networks = access.Assumed, "", []netip.Prefix{}
	r.Changes = []access.Change{{Account: "111122223333", ID: "CH-7K3F", Plan: approval.Sum([]byte("{}"))}}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	r.Changes[0].Account = "222233334444"
	if err := r.Check(); err == nil {
		t.Error("a change of an account that is not asked for was taken")
	}
}

func TestScope(t *testing.T) {
	for _, tt := range []struct {
		source, name string
		want         bool
	}{
		{"account.amazonaws.com", "CloseAccount", true},
		{"signin.amazonaws.com", "ConsoleLogin", true},
		{"account.amazonaws.com", "CloseAccountNow", false},
		{"iam.amazonaws.com", "CloseAccount", false},
	} {
		if got := signIn().Covers(tt.source, tt.name); got != tt.want {
			t.Errorf("%s of %s is in scope: %v, want %v", tt.name, tt.source, got, tt.want)
		}
	}
}

func TestUnansweredItems(t *testing.T) {
	list := signIn().Checklist
	open, err := access.Unanswered(list, []access.Answer{{Item: "alone"}}, true)
	if err != nil || len(open) != 0 {
		t.Errorf("before the session: %v, %v; want nothing open", open, err)
	}
	open, err = access.Unanswered(list, []access.Answer{{Item: "alone", Skipped: "an office of one"}}, false)
	if err != nil || len(open) != 1 || open[0].ID != "signed-out" {
		t.Errorf("after it: %v, %v; want signed-out", open, err)
	}
	if _, err := access.Unanswered(list, []access.Answer{{Item: "made-up"}}, true); err == nil {
		t.Error("an answer to nothing was taken")
	}
}
