package detect_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
)

// An alert about several is of none of them, however many of its events are of the first,
// and counts the failures of all.
func TestAnAlertAboutSeveralIsOfNoneOfThem(t *testing.T) {
	pack, bases := shipped(t)
	failures := func(base string, n, from int, set func(i int) map[string]any) (out []map[string]any) {
		for i := range n {
			out = append(out, event(t, bases, base, time.Duration(from+i)*time.Second, set(i)))
		}
		return out
	}
	root := func(account int) map[string]any {
		id := fmt.Sprintf("6%011d", account)
		return map[string]any{"recipientAccountId": id, "userIdentity.accountId": id}
	}
	user := func(name, account string) map[string]any {
		return map[string]any{"recipientAccountId": account, "userIdentity.accountId": account, "userIdentity.userName": name,
			"userIdentity.arn": "arn:aws:iam::" + account + ":user/" + name}
	}
	w := func(int) map[string]any { return user("w", "333344445555") }
	others := func(i int) map[string]any { return user(fmt.Sprint("u", i), "333344445555") }
	for _, test := range []struct {
		name     string
		rule     string
		events   []map[string]any
		account  rootkeep.AccountID
		accounts int
		several  bool
	}{
		{"52 accounts and one address", "root-signin-failures-by-address", failures("root-signin-failure", 53, 0, func(i int) map[string]any { return root(min(i, 51)) }), "", 52, true},
		{"one account after eleven failures of another", "login-failures-from-one-address",
			append(failures("user-signin-failure", 11, 0, w), failures("user-signin-failure", 8, 20, func(int) map[string]any { return user("w", "444455556666") })...), "", 2, true},
		{"one user after ten failures of another", "login-failures-from-one-address",
			append(failures("user-signin-failure", 10, 0, w), failures("user-signin-failure", 18, 20, others)...), "333344445555", 0, true},
		{"600 users of one account", "login-failures-from-one-address", failures("user-signin-failure", 600, 0, others), "333344445555", 0, true},
		{"one user alone", "login-failures-from-one-address", failures("user-signin-failure", 28, 0, w), "333344445555", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := 0
			for _, a := range one(t, pack, detect.Options{}, test.events...).Alerts {
				if a.Rules[0].Name != test.rule {
					continue
				}
				found++
				if a.Account != test.account || len(a.Accounts) != test.accounts || a.AccountsOmitted != 0 || a.Several != test.several {
					t.Errorf("got account %q, %d accounts, %d events of others, several %t; want %q, %d, 0, %t",
						a.Account, len(a.Accounts), a.AccountsOmitted, a.Several, test.account, test.accounts, test.several)
				}
				if n := len(test.events); a.Count != n || a.Attempts != n || a.Rules[0].Attempts != n {
					t.Errorf("got %d events, %d failed, %d of them of the rule; want %d each", a.Count, a.Attempts, a.Rules[0].Attempts, n)
				}
			}
			if found != 1 {
				t.Errorf("got %d alerts of %s, want 1", found, test.rule)
			}
		})
	}
}

// What watches beside the account as a whole counts in every figure of the alert, from the
// first on, whenever that which watches the whole is harmed.
func TestHarmToWhatWatchesIsCountedByEvents(t *testing.T) {
	pack, bases := shipped(t)
	alarm := map[string]any{"eventSource": "monitoring.amazonaws.com", "eventName": "DeleteAlarms"}
	var events []map[string]any
	for i := range 12 {
		events = append(events, event(t, bases, "stop-logging", time.Duration(i)*time.Minute, alarm))
	}
	events = append(events, event(t, bases, "stop-logging", 31*time.Minute, nil), event(t, bases, "stop-logging", 32*time.Minute, alarm))
	found := 0
	for _, a := range one(t, pack, detect.Options{}, events...).Alerts {
		if a.Rules[0].Name != "monitoring-services-attacked" {
			continue
		}
		found++
		if a.Count != len(events) || a.EventsOmitted != len(events)-len(a.Events) || a.Rules[0].Threshold != "2 in 1h" {
			t.Errorf("got %d events, %d of them omitted, %s; want %d, %d, 2 in 1h", a.Count, a.EventsOmitted, a.Rules[0].Threshold, len(events), len(events)-len(a.Events))
		}
		if first := a.Events[0].Time; !a.First.Equal(first) || a.Last.Sub(a.First) != 32*time.Minute {
			t.Errorf("got %v to %v of events from %v on, want 32 minutes from there", a.First, a.Last, first)
		}
	}
	if found != 1 {
		t.Errorf("got %d alerts, want 1", found)
	}
}
