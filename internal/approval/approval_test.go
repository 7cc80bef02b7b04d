package approval_test

import (
	"bytes"
	"crypto/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// signedApproval gives a request, its policy and a statement by PE-1, as a key signs it.
func signedApproval(t testing.TB) (*approval.Request, *approval.Policy, *approval.Statement) {
	t.Helper()
	b, err := approval.NewBook(approval.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Policy(approval.OtherException)
	if err != nil {
		t.Fatal(err)
	}
	r, err := approval.New(ask(), &p, []string{"PE-0", "PE-1"}, start)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 32)
	rand.Read(nonce)
	s, err := approval.NewStatement(r, "PE-1", approval.Approve, nonce, start)
	if err != nil {
		t.Fatal(err)
	}
	return r, &p, s
}

func TestStatementThatIsNotTaken(t *testing.T) {
	r, p, s := signedApproval(t)
	later := *r
	later.ID = "EX-2"
	tests := []struct {
		name string
		with func(*approval.Statement)
		r    *approval.Request
		at   time.Time
		want string
	}{
		{"about another request", nil, &later, start, "not EX-2"},
		{"about another account", func(s *approval.Statement) { s.Account = "222233334444" }, r, start, "account or action"},
		{"about another action", func(s *approval.Statement) { s.Action = "except RT-01" }, r, start, "account or action"},
		{"under another policy", func(s *approval.Statement) { s.Policy[0]++ }, r, start, "policy"},
		{"signed too late after the page was read", nil, r, start.Add(approval.SignWithin), "signed before"},
		{"of the requester", func(s *approval.Statement) { s.Approver = "PE-0" }, r, start, "made request"},
		{"of somebody without the role at the account", func(s *approval.Statement) { s.Approver = "PE-2" }, r, start, "no approver at account"},
		{"when the clock was set back before the request", nil, r, start.Add(-time.Hour), "set the clock"},
		{"when the request has expired", nil, r, r.Expires, "expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := *s
			if tt.with != nil {
				tt.with(&given)
			}
			state, err := tt.r.Decide(approval.Requested, nil, &given, p, func(person string) bool { return person == "PE-1" }, tt.at)
			if err == nil || !strings.Contains(err.Error(), tt.want) || state != approval.Requested {
				t.Errorf("got %s, %v, want an error with %q", state, err, tt.want)
			}
		})
	}
	if state, err := r.Decide(approval.Requested, nil, s, p, anyone, start); state != approval.Approved || err != nil {
		t.Errorf("got %s, %v, want approved", state, err)
	}
}

func TestApprovalOfWhoLostTheRoleSinceDoesNotCount(t *testing.T) {
	b, err := approval.NewBook(approval.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Policy(approval.CriticalException) // two of the approvers
	if err != nil {
		t.Fatal(err)
	}
	r, err := approval.New(ask(), &p, everybody, start)
	if err != nil {
		t.Fatal(err)
	}
	of := func(by string) *approval.Statement { return statement(t, r, by, approval.Approve, start) }
	left := func(person string) bool { return person != "PE-1" }
	state, err := r.Decide(approval.Requested, []*approval.Statement{of("PE-1")}, of("PE-2"), &p, left, start)
	if state != approval.Requested || err != nil {
		t.Errorf("got %s, %v after PE-1 lost the role and PE-2 approved, want requested", state, err)
	}
	state, err = r.Decide(approval.Requested, []*approval.Statement{of("PE-1"), of("PE-2")}, of("PE-3"), &p, left, start)
	if state != approval.Approved || err != nil {
		t.Errorf("got %s, %v after PE-3 approved as well, want approved", state, err)
	}
}

func TestDefaultPolicies(t *testing.T) {
	groups := func(n int) (out []approval.Group) {
		for i := range n {
			out = append(out, approval.Group{ID: string(rune('a' + i)), Members: []string{"PE-" + string(rune('A'+i))}})
		}
		return out
	}
	tests := []struct {
		name   string
		groups []approval.Group
		want   []string // group IDs; nil: refused
		count  int
	}{
		{"two approvers when no group is configured", nil, []string{approval.Approvers}, 2},
		{"two approvers when one group is configured", groups(1), []string{approval.Approvers}, 2},
		{"one of each when two groups are configured", groups(2), []string{"a", "b"}, 1},
		{"with three groups it has to be said which approve", groups(3), nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := approval.NewBook(approval.Configuration{Groups: tt.groups})
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				return
			}
			p, err := b.Policy(approval.CriticalException)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, q := range p.Require {
				if got = append(got, q.Group); q.Count != tt.count {
					t.Errorf("group %s: got %d, want %d", q.Group, q.Count, tt.count)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPolicyFiles(t *testing.T) {
	const groups = "groups:\n  - {id: security, name: Security, members: [PE-1, PE-2]}\n  - {id: platform, members: [PE-3], groups: [security]}\n"
	tests := []struct {
		name, text string
		want       string // in the error; empty for none
	}{
		{"two groups", groups, ""},
		{"a policy", groups + "policies:\n  - {id: exception-critical, version: 2, valid: 1d, require: [{group: security, count: 2}, {group: platform, count: 1}]}\n", ""},
		{"a count that is missing", groups + "policies:\n  - {id: exception, version: 1, require: [{group: security}]}\n", "count 0 or missing"},
		{"a misspelt key", "groups:\n  - {id: security, member: [PE-1]}\n", "approvals.yaml:2:"},
		{"a policy that nothing asks for", "policies:\n  - {id: root, version: 1, require: [{group: approvers, count: 1}]}\n", "want one of [exception-critical exception root-use"},
		{"a policy without a version", "policies:\n  - {id: exception, require: [{group: approvers, count: 1}]}\n", "version 0"},
		{"a group that does not exist", "policies:\n  - {id: exception, version: 1, require: [{group: security, count: 1}]}\n", "not configured"},
		{"a member that is no ID", "groups:\n  - {id: security, members: [jane@example.com, PE-2]}\npolicies:\n  - {id: exception, version: 1, require: [{group: security, count: 1}]}\n", "want the ID of a person"},
		{"a group within itself", "groups:\n  - {id: a, groups: [b]}\n  - {id: b, groups: [a]}\n", "a > b > a"},
		{"a request that stays open for a year", "policies:\n  - {id: exception, version: 1, valid: 1y, require: [{group: approvers, count: 1}]}\n", "stays open"},
		{"nothing", "", "want one YAML document"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{"approvals.yaml": {Data: []byte(tt.text)}}
			_, err := approval.ReadBook(rule.Source{FS: files, Dir: "."}, "approvals.yaml")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestMembersAreInOrder holds what is hashed to RFC 8785: encoding/json writes members
// in the order of the fields.
func TestMembersAreInOrder(t *testing.T) {
	for _, v := range []any{approval.Statement{}, approval.Request{}, approval.Policy{}, approval.Requirement{}, approval.Exception{}} {
		var names []string
		for i := range reflect.TypeOf(v).NumField() {
			names = append(names, reflect.TypeOf(v).Field(i).Tag.Get("json"))
		}
		if !slices.IsSorted(names) {
			t.Errorf("%T: members are not in order: %v", v, names)
		}
	}
}

func TestTextsThatLookOtherThanTheyAre(t *testing.T) {
	for name, action := range map[string]string{
		"a line break": "except RT-05\nexcept RT-01", "a mark that turns the direction": "except RT-05\u202e", "no UTF-8": "except \xff",
		"a line separator": "except\u2028RT-05", "a zero-width space": "except RT-0\u200b5", "nothing": " ", "a long one": strings.Repeat("x", 300), "a tag character": "except\U000e0041",
	} {
		t.Run(name, func(t *testing.T) {
			_, p, _ := signedApproval(t)
			a := ask()
			a.Action = action
			if _, err := approval.New(a, p, []string{"PE-1"}, start); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
}

// exception is one that can be granted.
func exception() *approval.Exception {
	return &approval.Exception{
		Account: "111122223333", Control: "A-1", Owner: "jane@example.com", Reason: "the old \"billing\" export", Schema: approval.ExceptionSchema,
		Severity: rootkeep.High, Title: "A title", Until: start.Add(24 * time.Hour),
	}
}

func TestExceptionThatCannotBeGranted(t *testing.T) {
	for name, spoil := range map[string]func(*approval.Exception){
		"a pattern for a control":         func(e *approval.Exception) { e.Control = "RT-*" },
		"no control":                      func(e *approval.Exception) { e.Control = "" },
		"an account of eleven digits":     func(e *approval.Exception) { e.Account = "11112222333" },
		"no owner":                        func(e *approval.Exception) { e.Owner = " " },
		"no reason":                       func(e *approval.Exception) { e.Reason = "" },
		"a reason that turns direction":   func(e *approval.Exception) { e.Reason = "x\u202ey" },
		"a reason of 3,000 bytes":         func(e *approval.Exception) { e.Reason = strings.Repeat("x", 3000) },
		"a Region with a star":            func(e *approval.Exception) { e.Region = "eu-*" },
		"a resource with a line break":    func(e *approval.Exception) { e.Resource = "arn:\naws" },
		"an end that has passed":          func(e *approval.Exception) { e.Until = start },
		"an end in more than 366 days":    func(e *approval.Exception) { e.Until = start.Add(approval.LongestException + time.Second) },
		"an end that nobody can write":    func(e *approval.Exception) { e.Until = time.Time{} },
		"an end after the year 9999":      func(e *approval.Exception) { e.Until = start.AddDate(9000, 0, 0) },
		"a title that is missing":         func(e *approval.Exception) { e.Title = "" },
		"a control of two words":          func(e *approval.Exception) { e.Control = "RT-01 RT-02" },
		"a resource with a hidden letter": func(e *approval.Exception) { e.Resource = "arn:aws:iam::1:user/a\u200bb" },
	} {
		t.Run(name, func(t *testing.T) {
			e := exception()
			if spoil(e); e.Ready(start) == nil {
				t.Error("got no error, want one")
			}
		})
	}
	if err := exception().Ready(start); err != nil {
		t.Errorf("got %v, want one without fault to be taken", err)
	}
}

func TestPolicyOfAnException(t *testing.T) {
	for _, tt := range []struct {
		name, control string
		severity      rootkeep.Severity
		want          string
	}{
		{"a critical control", "A-1", rootkeep.Critical, approval.CriticalException},
		{"a root control of low severity", "RT-09", rootkeep.Low, approval.CriticalException},
		{"any other control", "A-1", rootkeep.High, approval.OtherException},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := approval.Exception{Control: tt.control, Severity: tt.severity}
			if got := e.Policy(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	r, p, s := signedApproval(f)
	for _, b := range [][]byte{r.Bytes(), p.Bytes(), s.Bytes(), exception().Bytes(), []byte(`{"created":"0000-01-01T00:00:00+23:59"}`)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := approval.ParseStatement(text); err == nil && !bytes.Equal(s.Bytes(), text) {
			t.Error("a statement is not what it was read from")
		}
		if r, err := approval.ParseRequest(text); err == nil && !bytes.Equal(r.Bytes(), text) {
			t.Error("a request is not what it was read from")
		}
		if e, err := approval.ParseException(text); err == nil && !bytes.Equal(e.Bytes(), text) {
			t.Error("an exception is not what it was read from")
		}
		if p, err := approval.ParsePolicy(text); err == nil && !bytes.Equal(p.Bytes(), text) {
			t.Error("a policy is not what it was read from")
		}
	})
}
