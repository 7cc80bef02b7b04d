package approval_test

import (
	"bytes"
	"crypto/rand"
	"net/url"
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

func TestVerify(t *testing.T) {
	_, _, s := signedApproval(t)
	key, other := newSoftKey(t), newSoftKey(t)
	edited := bytes.Replace(s.Bytes(), []byte("RT-05"), []byte("RT-01"), 1)
	denied := bytes.Replace(s.Bytes(), []byte(`"approve"`), []byte(`"deny"`), 1)
	tests := []struct {
		name      string
		statement []byte
		assertion []byte
		key       approval.Key
		site      approval.Site
		want      string // in the error; empty for none
	}{
		{"what was signed is taken", s.Bytes(), key.sign(t, s.Bytes(), signing{}), key.key, site, ""},
		{"a statement edited after it was signed", edited, key.sign(t, s.Bytes(), signing{}), key.key, site, "challenge"},
		{"a decision turned round after it was signed", denied, key.sign(t, s.Bytes(), signing{}), key.key, site, "challenge"},
		{"presence without user verification", s.Bytes(), key.sign(t, s.Bytes(), signing{flags: present}), key.key, site, "User verification"},
		{"verification without presence", s.Bytes(), key.sign(t, s.Bytes(), signing{flags: verified}), key.key, site, "User presence"},
		{"a page of another origin", s.Bytes(), key.sign(t, s.Bytes(), signing{origin: "https://root.example.com.evil.example"}), key.key, site, "signed on"},
		{"another port of the same host", s.Bytes(), key.sign(t, s.Bytes(), signing{origin: "https://root.example.com:8443"}), key.key, site, "signed on"},
		{"the origin with a path", s.Bytes(), key.sign(t, s.Bytes(), signing{origin: "https://root.example.com/x"}), key.key, site, "signed on"},
		{"a frame of another origin", s.Bytes(), key.sign(t, s.Bytes(), signing{crossOrigin: true}), key.key, site, "cross origin"},
		{"another RP ID", s.Bytes(), key.sign(t, s.Bytes(), signing{rpID: "example.com"}), key.key, site, "RP Hash"},
		{"another site than the one it was signed for", s.Bytes(), key.sign(t, s.Bytes(), signing{}), key.key, approval.Site{RPID: "b.example", Origin: "https://b.example"}, "signed on"},
		{"no site", s.Bytes(), key.sign(t, s.Bytes(), signing{}), key.key, approval.Site{}, "required"},
		{"the signature of enrolment", s.Bytes(), key.sign(t, s.Bytes(), signing{kind: "webauthn.create"}), key.key, site, "ceremony type"},
		{"another key with the same credential ID", s.Bytes(), other.sign(t, s.Bytes(), signing{}), key.key, site, "signature"},
		{"another credential ID", s.Bytes(), key.sign(t, s.Bytes(), signing{id: "somebody else's"}), key.key, site, "another security key"},
		{"the challenge of a sign-in", s.Bytes(), key.sign(t, s.Bytes(), signing{challenge: bytes.Repeat([]byte{1}, 32)}), key.key, site, "challenge"},
		{"a statement with a space", append([]byte(" "), s.Bytes()...), key.sign(t, append([]byte(" "), s.Bytes()...), signing{}), key.key, site, "canonical"},
		{"no assertion", s.Bytes(), nil, key.key, site, "assertion"},
		{"an assertion of 40 KiB", s.Bytes(), bytes.Repeat([]byte(" "), 40<<10), key.key, site, "at most"},
		{"a public key that is none", s.Bytes(), key.sign(t, s.Bytes(), signing{}), approval.Key{ID: key.key.ID, Public: []byte{0xa0}}, site, "security key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := approval.Verify(tt.statement, tt.assertion, tt.key, tt.site)
			switch {
			case tt.want == "" && (err != nil || !reflect.DeepEqual(got.Statement, s) || got.Count != 7):
				t.Errorf("got %v, %v, want the statement", got, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestSiteOfAnAddress(t *testing.T) {
	for address, want := range map[string]approval.Site{
		"https://root.example.com":      site,
		"https://Root.Example.com:443/": site,
		"https://root.example.com:8443": {RPID: "root.example.com", Origin: "https://root.example.com:8443"},
		"http://localhost:80":           {RPID: "localhost", Origin: "http://localhost"},
		"http://localhost:443":          {RPID: "localhost", Origin: "http://localhost:443"},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := approval.SiteOf(u); got != want {
			t.Errorf("%s: got %+v, want %+v", address, got, want)
		}
	}
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
		{"a policy that nothing asks for", "policies:\n  - {id: root, version: 1, require: [{group: approvers, count: 1}]}\n", "want exception-critical or exception"},
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

// record is a saved approval of PE-1.
func record(t testing.TB) *approval.Record {
	t.Helper()
	r, p, s := signedApproval(t)
	key := newSoftKey(t)
	return &approval.Record{
		Schema: approval.RecordSchema, Statement: string(s.Bytes()), Request: string(r.Bytes()), Subject: string(ask().Subject), Policy: string(p.Bytes()),
		Assertion: key.sign(t, s.Bytes(), signing{}), Key: key.key, Site: site,
	}
}

func TestRecord(t *testing.T) {
	good := record(t)
	text, err := good.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := approval.ReadRecord(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Check(); err != nil {
		t.Fatalf("got %v, want the record to be sound", err)
	}
	for name, spoil := range map[string]func(*approval.Record){
		"another subject":            func(r *approval.Record) { r.Subject = `{"control":"RT-01"}` },
		"another request":            func(r *approval.Record) { r.Request = strings.Replace(r.Request, "PE-0", "PE-7", 1) },
		"another policy":             func(r *approval.Record) { r.Policy = strings.Replace(r.Policy, `"version":1`, `"version":2`, 1) },
		"another statement":          func(r *approval.Record) { r.Statement = strings.Replace(r.Statement, "PE-1", "PE-2", 1) },
		"another site":               func(r *approval.Record) { r.Site.Origin = "https://b.example" },
		"another key":                func(r *approval.Record) { r.Key = newSoftKey(t).key },
		"the assertion of another":   func(r *approval.Record) { r.Assertion = record(t).Assertion },
		"a request that is no JSON":  func(r *approval.Record) { r.Request = "{" },
		"a policy without a group":   func(r *approval.Record) { r.Policy = "{}" },
		"a statement that is a list": func(r *approval.Record) { r.Statement = "[]" },
	} {
		t.Run(name, func(t *testing.T) {
			r := *good
			spoil(&r)
			if _, err := r.Check(); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
	for name, text := range map[string]string{
		"an unknown member": `{"schema":"rootkeep/approval/1","x":1}`, "another schema": `{"schema":"x"}`, "two values": string(text) + "{}", "no JSON": "x", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := approval.ReadRecord(strings.NewReader(text)); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
}

// TestNoByteOfARecordCanBeFlipped changes each byte of what is signed or hashed.
func TestNoByteOfARecordCanBeFlipped(t *testing.T) {
	good := record(t)
	for _, text := range []func(*approval.Record) *string{
		func(r *approval.Record) *string { return &r.Statement },
		func(r *approval.Record) *string { return &r.Request },
		func(r *approval.Record) *string { return &r.Subject },
		func(r *approval.Record) *string { return &r.Policy },
	} {
		whole := *text(good)
		for i := range len(whole) {
			r := *good
			b := []byte(whole)
			b[i] ^= 1
			*text(&r) = string(b)
			if _, err := r.Check(); err == nil {
				t.Fatalf("got no error with byte %d of %q flipped", i, whole)
			}
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	text, err := record(f).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":"rootkeep/approval/1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := approval.ReadRecord(bytes.NewReader(text))
		if err != nil {
			return
		}
		if c, err := r.Check(); err == nil && approval.Sum(c.Subject) != c.Request.Subject {
			t.Error("a subject that was not signed passed")
		}
	})
}

func FuzzVerify(f *testing.F) {
	_, _, s := signedApproval(f)
	key := newSoftKey(f)
	f.Add(s.Bytes(), key.sign(f, s.Bytes(), signing{}), []byte(key.key.ID), []byte(key.key.Public))
	f.Fuzz(func(t *testing.T, statement, assertion, id, public []byte) {
		got, err := approval.Verify(statement, assertion, approval.Key{ID: id, Public: public}, site)
		if err == nil && !bytes.Equal(got.Statement.Bytes(), statement) {
			t.Error("what was verified is not what was given")
		}
	})
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
