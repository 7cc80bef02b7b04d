package reconcile_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

const sound = `schema: rootkeep/root-requests/1
requests:
  - id: RR-1
    kind: use
    path: sign-in
    accounts: ["111122223333"]
    events: [account.amazonaws.com CloseAccount, signin.amazonaws.com *]
    from: 2026-07-03T09:00:00Z
    until: 2026-07-03T10:00:00Z
    session_seconds: 900
    networks: [198.51.100.0/24]
    opened: 2026-07-03T09:05:00Z
scans:
  - {id: SC-1, account: "444455556666", access_key_id: ASIASCAN, start: 2026-07-03T09:05:00Z, end: 2026-07-03T09:20:00Z}
changes:
  - {id: CH-1, account: "111122223333", events: [organizations.amazonaws.com DetachPolicy], access_key_ids: [ASIACHANGE], start: 2026-07-03T09:00:00Z, end: 2026-07-03T09:30:00Z}
`

func read(text string) (reconcile.Input, error) {
	var in reconcile.Input
	err := reconcile.ReadFile(fstest.MapFS{"requests.yaml": {Data: []byte(text)}}, "requests.yaml", "", &in)
	return in, err
}

func TestAFileOfRequests(t *testing.T) {
	got, err := read(sound)
	if err != nil {
		t.Fatal(err)
	}
	want := reconcile.Input{Requests: []reconcile.Request{signInRequest()}, Scans: []reconcile.Scan{scan()}, Changes: []reconcile.Change{
		{ID: "CH-1", Account: management, Events: []string{"organizations.amazonaws.com DetachPolicy"}, Keys: []string{"ASIACHANGE"}, Start: at(0), End: at(30)},
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestAFileOfRequestsAsJSON(t *testing.T) {
	text, err := json.Marshal(reconcile.File{Schema: reconcile.FileSchema, Requests: []reconcile.FileRequest{{
		ID: "RR-1", Kind: "use", Path: "assumed", Accounts: []string{"111122223333"}, Events: []string{"iam.amazonaws.com DeleteLoginProfile"},
		From: "2026-07-03T09:00:00Z", Until: "2026-07-03T10:00:00Z", Session: 900, Keys: []string{"ASIAROOT"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(string(text)); err != nil || len(got.Requests) != 1 || got.Requests[0].Keys[0] != "ASIAROOT" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFilesOfRequestsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"another schema", "requests/1", "requests/2", "want rootkeep/root-requests/1"},
		{"a key that nobody knows", "path: sign-in", "path: sign-in\n    approved: true", "requests.yaml:6"},
		{"another kind", "kind: use", "kind: test", `kind "test"`},
		{"another path", "path: sign-in", "path: both", `path "both"`},
		{"an ID of something else", "id: RR-1", "id: CH-1", "begins with RR-"},
		{"an account that is a number", `["111122223333"]`, "[11112222333]", "12 digits"},
		{"a scope of everything", "signin.amazonaws.com *", `"* *"`, `event "* *"`},
		{"no networks", "networks: [198.51.100.0/24]", "networks: []", "needs the networks"},
		{"a network with bits behind it", "198.51.100.0/24", "198.51.100.7/24", "want a range"},
		{"a window that ends before it begins", "until: 2026-07-03T10:00:00Z", "until: 2026-07-03T08:00:00Z", "window"},
		{"a window of two days", "until: 2026-07-03T10:00:00Z", "until: 2026-07-05T10:00:00Z", "at most 24h"},
		{"no session", "session_seconds: 900", "session_seconds: 0", "a minute or more"},
		{"a time that is none", "opened: 2026-07-03T09:05:00Z", "opened: yesterday", `opened "yesterday"`},
		{"a scan without an account", `{id: SC-1, account: "444455556666"`, `{id: SC-1, account: ""`, "12 digits"},
		{"a change with another ID", "id: CH-1", "id: RR-1", "begins with CH-"},
		{"a key that is none", "ASIACHANGE", "asia", "capitals and digits"},
		{"no document", sound, "", "want one YAML document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := read(strings.Replace(sound, tt.old, tt.new, 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that has %q", err, tt.want)
			}
		})
	}
}
