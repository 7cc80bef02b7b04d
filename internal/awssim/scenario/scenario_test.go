package scenario_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func newCloud(t *testing.T) *cloud.Cloud {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: func() time.Time { return now }, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGeneratedOrganizationsApply(t *testing.T) {
	for _, n := range []int{3, 5, 20} {
		p, err := scenario.Generate(n, 1)
		if err != nil {
			t.Fatal(err)
		}
		again, err := scenario.Generate(n, 1)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%d accounts: two plans of one seed differ (%v)", n, err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = scenario.Read(strings.NewReader(string(text))); err != nil {
			t.Fatalf("%d accounts: the plan as a file: %v", n, err)
		}
		c := newCloud(t)
		keys, err := p.Apply(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) != n || len(c.Accounts()) != n {
			t.Errorf("got %d keys and %d accounts, want %d of each", len(keys), len(c.Accounts()), n)
		}
	}
	if _, err := scenario.Generate(2, 1); err == nil {
		t.Error("an organization of two accounts is generated")
	}
}

func TestCallsHappenedInThePast(t *testing.T) {
	p, err := scenario.Generate(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := newCloud(t)
	if _, err := p.Apply(c); err != nil {
		t.Fatal(err)
	}
	role := c.Account(p.Accounts[1].ID).Roles["RootkeepReadOnly"]
	if want := now.AddDate(0, 0, -700); role == nil || !role.Created.Equal(want) {
		t.Errorf("role of the scan: got %+v, want one made at %s", role, want)
	}
	if got := c.Now(); !got.Equal(now) {
		t.Errorf("time after the history: got %s, want %s", got, now)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	account := `{"id": "111122223333", "name": "a", "email": "a@example.com", "age_days": 1, "root": {}}`
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key", `{"accounts": [], "color": 1}`, `unknown field "color"`},
		{"no account", `{"accounts": []}`, "want at least one account"},
		{"an unknown device", `{"accounts": [{"name": "a", "root": {"mfa": ["sms"]}}]}`, `"sms"`},
		{"an unknown fault", `{"accounts": [` + account + `], "faults": [{"kind": "flood"}]}`, `"flood"`},
		{"calls out of order", `{"accounts": [` + account + `], "calls": [{"service": "iam", "operation": "X"}, {"days_ago": 2}]}`, "oldest first"},
		{"more than one object", `{"accounts": [` + account + `]} {}`, "more than one"},
		{"half a file", `{"accounts": [`, "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := scenario.Read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestApplyNamesTheCallThatFails(t *testing.T) {
	plan := func(call string) string {
		return `{"accounts": [{"id": "111122223333", "name": "a", "email": "a@example.com", "age_days": 1, "root": {}}], "calls": [` + call + `]}`
	}
	for _, c := range []struct{ name, call, want string }{
		{"an operation that is not there", `{"account": "a", "service": "iam", "operation": "Fly"}`, "no operation Fly"},
		{"a service that is not there", `{"account": "a", "service": "lambda", "operation": "Invoke"}`, "no service lambda"},
		{"an account that is not there", `{"account": "b", "service": "iam", "operation": "ListUsers"}`, `no account is called "b"`},
		{"a parameter that is not there", `{"account": "a", "service": "iam", "operation": "ListUsers", "with": {"Color": "red"}}`, "unknown parameter Color"},
		{"a number of an account that is not there", `{"account": "a", "service": "iam", "operation": "GetUser", "with": {"UserName": "${account:c}"}}`, `no account is called "c"`},
		{"a fault of an account that is not there", `{"account": "a", "service": "iam", "operation": "ListUsers"}], "faults": [{"kind": "slow", "account": "d"}`, `no account is called "d"`},
		{"a refusal that does not come", `{"account": "a", "service": "iam", "operation": "ListUsers", "refused": true}`, "should be refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := scenario.Read(strings.NewReader(plan(c.call)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = p.Apply(newCloud(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
