package fault

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhichCallsGoWrong(t *testing.T) {
	call := Call{Service: "iam", Operation: "CreateUser", Account: "111122223333", Region: "us-east-1"}
	read := Call{Service: "iam", Operation: "ListUsers", Account: "111122223333", Region: "us-east-1", Reads: true}
	for _, test := range []struct {
		name  string
		rules []Fault
		calls []Call
		want  [][]Kind // of each call
	}{
		{"no rule", nil, []Call{call}, [][]Kind{nil}},
		{"everything", []Fault{{Kind: Deny}}, []Call{call, read}, [][]Kind{{Deny}, {Deny}}},
		{"of another operation", []Fault{{Kind: Deny, Operation: "DeleteUser"}}, []Call{call}, [][]Kind{nil}},
		{"of another account", []Fault{{Kind: Deny, Service: "iam", Account: "444455556666"}}, []Call{call}, [][]Kind{nil}},
		{"of another Region", []Fault{{Kind: Deny, Region: "eu-west-1"}}, []Call{call}, [][]Kind{nil}},
		{"writes alone", []Fault{{Kind: Throttle, Writes: true}}, []Call{read, call}, [][]Kind{nil, {Throttle}}},
		{"the second and the third", []Fault{{Kind: Slow, Skip: 1, Times: 2}}, []Call{call, call, call, call}, [][]Kind{nil, {Slow}, {Slow}, nil}},
		{"one of each kind", []Fault{{Kind: Slow, Delay: 1}, {Kind: Slow, Delay: 2}, {Kind: Broken}}, []Call{call}, [][]Kind{{Broken, Slow}}},
		{"about events", []Fault{{Kind: Late}, {Kind: Twice}, {Kind: Unnamed}}, []Call{call}, [][]Kind{nil}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Rules
			for _, f := range test.rules {
				r.Add(f)
			}
			var got [][]Kind
			for _, c := range test.calls {
				got = append(got, slices.Sorted(maps.Keys(r.Due(c))))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if r.Clear(); len(r.Due(call)) != 0 {
				t.Error("got faults after they were removed")
			}
		})
	}
}

func TestFaultsOfEvents(t *testing.T) {
	var r Rules
	r.Add(Fault{Kind: Late, Account: "111122223333", Delay: time.Minute})
	if f := r.OfEvents(Late, "111122223333", "us-east-1"); f == nil || f.Delay != time.Minute {
		t.Errorf("got %+v, want the rule", f)
	}
	if f := r.OfEvents(Late, "444455556666", "us-east-1"); f != nil {
		t.Errorf("got %+v for another account, want none", f)
	}
	if f := r.OfEvents(Twice, "111122223333", "us-east-1"); f != nil {
		t.Errorf("got %+v of another kind, want none", f)
	}
}
