package party_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

func of(account, principal int) party.Party {
	return party.Of(fmt.Appendf(nil, "%012d", account), fmt.Appendf(nil, "user %d", principal))
}

func TestWhatAnAlertSaysOfItsEvents(t *testing.T) {
	const a, b = rootkeep.AccountID("000000000001"), rootkeep.AccountID("000000000002")
	for _, test := range []struct {
		name   string
		events []party.Party
		want   rootkeep.Alert
	}{
		{"nothing of none", nil, rootkeep.Alert{}},
		{"one account and principal", []party.Party{of(1, 1), of(1, 1)}, rootkeep.Alert{Account: a}},
		{"two principals of one account", []party.Party{of(1, 1), of(1, 2), of(1, 1)}, rootkeep.Alert{Account: a, Several: true}},
		{"one principal in two accounts", []party.Party{of(2, 1), of(1, 1)}, rootkeep.Alert{Accounts: []rootkeep.AccountID{a, b}}},
		{"one that is not known makes no further account", []party.Party{of(1, 1), {}}, rootkeep.Alert{Account: a, Several: true}},
		{"an account of nobody known", []party.Party{of(1, 1), {Account: a}}, rootkeep.Alert{Account: a, Several: true}},
		{"none says", []party.Party{{}, {}}, rootkeep.Alert{Several: true}},
	} {
		var tally party.Tally
		for _, p := range test.events {
			tally.Add(p, 1, false)
		}
		got := rootkeep.Alert{Account: "another", Several: true, AccountsOmitted: 9}
		tally.Tell(&got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// Of very many accounts the same are named in whatever order events come, and through a row.
func TestManyAccountsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.IntRange(1, 200), 1, 300).Draw(t, "accounts")
		var forward, backward party.Tally
		for i := range events {
			forward.Add(of(events[i], 0), 1, events[i]%2 == 0)
			backward.Add(of(events[len(events)-1-i], 0), 1, events[len(events)-1-i]%2 == 0)
		}
		w := wire.NewWriter(1)
		forward.Write(w)
		r := wire.NewReader(w.Bytes(), 1)
		var read party.Tally
		if read.Read(r); r.Close() != nil {
			t.Fatalf("read: %v", r.Close())
		}
		for name, other := range map[string]party.Tally{"backward": backward, "read": read} {
			if diff := cmp.Diff(forward, other, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("forward and %s (-forward +other):\n%s", name, diff)
			}
		}
		total := forward.Omitted
		for _, c := range forward.Accounts {
			total += c.Events
		}
		if total != len(events) || len(forward.Accounts) > party.MaxAccounts {
			t.Fatalf("events: got %d of %d accounts, want %d of at most %d", total, len(forward.Accounts), len(events), party.MaxAccounts)
		}
	})
}

func TestATableForgetsWhatIsNotUsed(t *testing.T) {
	const n = party.MaxParties + 10
	var all party.Table
	for i := range n {
		all.Number(of(n-i, 1))
	}
	to := all.Trim(func(number party.Number) bool { return number != 2 })
	if to[2] != 0 {
		t.Errorf("number of one unused: got %d, want 0", to[2])
	}
	for number, want := range map[party.Number]party.Party{1: {Account: of(n, 1).Account}, n: of(1, 1)} {
		if got := all.Party(to[number]); got != want {
			t.Errorf("party of number %d: got %+v, want %+v", number, got, want)
		}
	}
}

// Of too many parties the same are told apart in whatever order they come, trimmed whenever
// it is due and through a row: the first by account and principal, of others the account, and
// of too many accounts nothing but that they are others.
func TestTooManyPartiesInAnyOrder(t *testing.T) {
	for _, accounts := range []int{1, 3, 300, 700} {
		var first map[party.Party]party.Party
		for seed := range uint64(4) {
			order := rand.New(rand.NewPCG(0, seed)).Perm(900)
			met := make([]party.Party, len(order))
			for i, n := range order {
				met[i] = of(n%accounts, n)
			}
			got := told(t, met)
			if first == nil {
				first = got
			}
			if !maps.Equal(first, got) {
				t.Fatalf("%d accounts: orders 0 and %d differ", accounts, seed)
			}
		}
		whole := 0
		for p, as := range first {
			if as == p {
				whole++
			} else if accounts <= party.MaxParties && as != (party.Party{Account: p.Account}) {
				t.Errorf("%d accounts: party %+v: got %+v, want its account", accounts, p, as)
			}
		}
		if whole != party.MaxParties {
			t.Errorf("%d accounts: parties told apart: got %d, want %d", accounts, whole, party.MaxParties)
		}
	}
}

// told is what a table tells of parties that it met.
func told(t *testing.T, met []party.Party) map[party.Party]party.Party {
	var table party.Table
	numbers := map[party.Party]party.Number{}
	trim := func() {
		to := table.Trim(func(party.Number) bool { return true })
		for p, n := range numbers {
			numbers[p] = to[n]
		}
	}
	for i, p := range met {
		if numbers[p] = table.Number(p); table.Added() >= party.MaxParties {
			trim()
		}
		if i == len(met)/2 {
			w := wire.NewWriter(1)
			table.Write(w)
			r := wire.NewReader(w.Bytes(), 1)
			table = party.Table{}
			if table.Read(r); r.Close() != nil {
				t.Fatalf("read: %v", r.Close())
			}
		}
	}
	trim()
	out := map[party.Party]party.Party{}
	for p, n := range numbers {
		out[p] = table.Party(n)
	}
	return out
}
