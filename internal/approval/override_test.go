package approval_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func override(t interface{ Fatal(...any) }, r *approval.Request, reason string) *approval.Statement {
	s, err := approval.NewOverride(r, reason, bytes.Repeat([]byte{9}, 32), start)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnOverrideNeverCounts(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		s := override(t, r, "nobody answers")
		by := rapid.SampledFrom(everybody).Draw(t, "by")
		s.Approver = by // as if somebody else had signed it
		var signed []*approval.Statement
		for _, other := range everybody[1:] {
			o := override(t, r, "nobody answers")
			o.Approver = other
			signed = append(signed, o)
		}
		tally, met := r.Tally(append(signed, s), p, anyone)
		for _, l := range tally {
			if len(l.By) > 0 {
				t.Fatalf("overrides counted as the approvals of %v", l.By)
			}
		}
		if met {
			t.Fatal("overrides met the policy")
		}
		if state, err := r.Decide(approval.Requested, nil, s, p, anyone, start); state != approval.Requested || !errors.Is(err, approval.ErrMayNot) {
			t.Fatalf("decide by an override of %s: got %s, %v, want ErrMayNot", by, state, err)
		}
		state, err := r.Override(approval.Requested, s, start)
		if by == "PE-0" && (state != approval.Overridden || err != nil) {
			t.Fatalf("override by who asked: got %s, %v", state, err)
		}
		if by != "PE-0" && !errors.Is(err, approval.ErrMayNot) {
			t.Fatalf("override by %s: got %v, want ErrMayNot", by, err)
		}
	})
}

func TestWhatOverridesNothing(t *testing.T) {
	r, err := approval.New(ask(), &approval.Policy{
		ID: "exception", Schema: approval.PolicySchema, Version: 1, Valid: 3600, Require: []approval.Requirement{{Count: 1, Group: approval.Approvers, Members: []string{}, Name: "Approvers"}},
	}, everybody, start)
	if err != nil {
		t.Fatal(err)
	}
	edited := *r
	edited.Version = 2
	approve := statement(t, r, "PE-0", approval.Approve, start)
	for _, tt := range []struct {
		name  string
		state approval.State
		s     *approval.Statement
		at    time.Time
		want  error
	}{
		{"an approval of who asked", approval.Requested, approve, start, approval.ErrMayNot},
		{"an override of a request that is denied", approval.Denied, override(t, r, "urgent"), start, approval.ErrFinal},
		{"one of the request before an edit", approval.Requested, override(t, &edited, "urgent"), start, approval.ErrStale},
		{"one that was signed too late", approval.Requested, override(t, r, "urgent"), start.Add(approval.SignWithin), approval.ErrLate},
		{"one of a request that expired", approval.Requested, override(t, r, "urgent"), start.Add(2 * time.Hour), approval.ErrFinal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := r.Override(tt.state, tt.s, tt.at); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := approval.NewOverride(r, "", bytes.Repeat([]byte{9}, 32), start); err == nil {
		t.Error("an override without a reason was made")
	}
	text := strings.Replace(string(approve.Bytes()), `"request":`, `"reason":"none is needed","request":`, 1)
	if _, err := approval.ParseStatement([]byte(text)); err == nil {
		t.Error("an approval with a reason was read")
	}
}

func TestARecordOfAnOverrideIsChecked(t *testing.T) {
	r, p, _ := signedApproval(t)
	key := newSoftKey(t)
	of := func(s *approval.Statement) *approval.Record {
		return &approval.Record{
			Schema: approval.RecordSchema, Statement: string(s.Bytes()), Request: string(r.Bytes()), Subject: string(ask().Subject), Policy: string(p.Bytes()),
			Assertion: key.sign(t, s.Bytes(), signing{}), Key: key.key, Site: site,
		}
	}
	good := override(t, r, "nobody answers")
	if c, err := of(good).Check(); err != nil || c.Statement.Reason != "nobody answers" {
		t.Errorf("got %+v, %v, want the record to be sound", c, err)
	}
	other := *good
	other.Approver = "PE-1"
	if _, err := of(&other).Check(); !errors.Is(err, approval.ErrMayNot) {
		t.Errorf("by an approver: got %v, want ErrMayNot", err)
	}
	changed := of(good)
	changed.Statement = strings.Replace(changed.Statement, "nobody answers", "nobody objects", 1)
	if _, err := changed.Check(); err == nil {
		t.Error("another reason than the one that was signed was taken")
	}
}
