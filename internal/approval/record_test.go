package approval_test

import (
	"bytes"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/approval"
)

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
