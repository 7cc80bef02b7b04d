package hunts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
)

// An alert about several accounts asks for each that it names, and for all if it does not
// name all.
func TestAHuntTouchesAllAccountsOfItsAlerts(t *testing.T) {
	const a, b = rootkeep.AccountID("111122223333"), rootkeep.AccountID("444455556666")
	for _, test := range []struct {
		name  string
		alert rootkeep.Alert
		want  []rootkeep.AccountID
	}{
		{"of one", rootkeep.Alert{Account: a}, []rootkeep.AccountID{a}},
		{"of two", rootkeep.Alert{Accounts: []rootkeep.AccountID{a, b}}, []rootkeep.AccountID{a, b}},
		{"of two and others", rootkeep.Alert{Accounts: []rootkeep.AccountID{a, b}, AccountsOmitted: 3}, []rootkeep.AccountID{a, b, ""}},
		{"of none", rootkeep.Alert{}, []rootkeep.AccountID{""}},
	} {
		h := hunts.Result{Alerts: []rootkeep.Alert{test.alert}}
		if diff := cmp.Diff(test.want, h.Touches()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
