package people_test

import (
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
)

func TestMay(t *testing.T) {
	member := people.Place{Account: "111122223333", Path: []string{"r-ab12", "ou-ab12-prod0001"}}
	tests := []struct {
		name   string
		grants []people.Grant
		p      people.Permission
		at     people.Place
		want   bool
	}{
		{"nobody reads nothing", nil, people.Read, member, false},
		{"a viewer everywhere reads an account", []people.Grant{{Role: people.Viewer, Scope: "*"}}, people.Read, member, true},
		{"a viewer of the account reads it", []people.Grant{{Role: people.Viewer, Scope: "account:111122223333"}}, people.Read, member, true},
		{"a viewer of another account does not", []people.Grant{{Role: people.Viewer, Scope: "account:999988887777"}}, people.Read, member, false},
		{"a grant on a unit reaches the accounts below it", []people.Grant{{Role: people.Approver, Scope: "ou:ou-ab12-prod0001"}}, people.Approve, member, true},
		{"a grant on the root of the tree reaches them too", []people.Grant{{Role: people.Approver, Scope: "ou:r-ab12"}}, people.Approve, member, true},
		{"a grant on a unit with a longer ID does not", []people.Grant{{Role: people.Approver, Scope: "ou:ou-ab12-prod00011"}}, people.Approve, member, false},
		{"a grant on an account does not reach the organization", []people.Grant{{Role: people.Admin, Scope: "account:111122223333"}}, people.ManagePeople, people.Place{}, false},
		{"an admin does not approve", []people.Grant{{Role: people.Admin, Scope: "*"}}, people.Approve, member, false},
		{"an approver does not request", []people.Grant{{Role: people.Approver, Scope: "*"}}, people.Request, member, false},
		{"an approver does not apply", []people.Grant{{Role: people.Approver, Scope: "*"}}, people.Apply, member, false},
		{"an admin does not apply", []people.Grant{{Role: people.Admin, Scope: "*"}}, people.Apply, member, false},
		{"a requester applies at the account", []people.Grant{{Role: people.Requester, Scope: "account:111122223333"}}, people.Apply, member, true},
		{"a responder applies", []people.Grant{{Role: people.Responder, Scope: "*"}}, people.Apply, member, true},
		{"an unknown role may nothing", []people.Grant{{Role: "owner", Scope: "*"}}, people.Read, member, false},
		{"a scope that is no scope reaches nothing", []people.Grant{{Role: people.Viewer, Scope: "everything"}}, people.Read, member, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := people.Actor{ID: "PE-1", Kind: people.Person, Grants: test.grants}
			if got := a.May(test.p, test.at); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestParseScope(t *testing.T) {
	for text, fits := range map[string]bool{
		"*": true, "ou:ou-ab12-11111111": true, "ou:r-ab12": true, "account:012345670123": true,
		"": false, "ou:": false, "ou:x": false, "account:12": false, "ou:ou-AB": false, "account:*": false, "**": false,
	} {
		if _, err := people.ParseScope(text); (err == nil) != fits {
			t.Errorf("%q: got %v, want fits %v", text, err, fits)
		}
	}
}

func TestFresh(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		a    people.Actor
		want bool
	}{
		{"a key touched a minute ago", people.Actor{Kind: people.Person, Verified: now.Add(-time.Minute)}, true},
		{"a key touched an hour ago", people.Actor{Kind: people.Person, Verified: now.Add(-time.Hour)}, false},
		{"a key touched in the future: the clock went back", people.Actor{Kind: people.Person, Verified: now.Add(time.Minute)}, false},
		{"no key at all", people.Actor{Kind: people.Person}, false},
		{"a machine", people.Actor{Kind: people.Machine, Verified: now}, false},
	} {
		if got := test.a.Fresh(now, 5*time.Minute); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestParseGrant(t *testing.T) {
	for text, want := range map[string]people.Grant{
		"viewer":                        {Role: people.Viewer, Scope: people.Everywhere},
		"admin@*":                       {Role: people.Admin, Scope: people.Everywhere},
		"approver@account:111122223333": {Role: people.Approver, Scope: "account:111122223333"},
		"owner":                         {},
		"viewer@":                       {},
		"viewer@all":                    {},
		"@*":                            {},
	} {
		got, err := people.ParseGrant(text)
		if (err == nil) != (want.Role != "") || err == nil && got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}
