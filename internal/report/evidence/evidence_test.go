package evidence_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/ledger"
)

const hostile = "<script>alert(1)</script>\x1b[31m\u202e"

func TestNothingOfABundleIsObeyed(t *testing.T) {
	at := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	v := &ledger.Verdict{
		Origin: hostile, Keys: []string{hostile}, OwnKeys: true, Faults: []error{errors.New(hostile), &ledger.Fault{Entry: 3, Reason: hostile}},
		Anchors: []ledger.Held{{Place: hostile, Kind: hostile, Size: 3, At: at}, {Place: "t", Kind: "timestamp"}},
		Entries: []ledger.Proven{{Index: 3, Entry: &ledger.Entry{Type: hostile, Time: at}, Erased: []string{hostile}}},
	}
	r := evidence.Check(t.Context(), v, evidence.Trust{})
	if r.State != evidence.Broken || len(r.Faults) != 2 || *r.Faults[1].Entry != 3 || len(r.Erased) != 1 {
		t.Errorf("got %+v", r)
	}
	r.AWS = evidence.AWSRoot{
		State: evidence.Unproven, Sources: []evidence.Quote{hostile}, Lacks: []evidence.Lack{{Object: hostile, Text: hostile}},
		Chains: []evidence.Chain{{Account: hostile, Region: hostile, Trail: hostile}}, Claim: &evidence.Trail{LeftOut: 1},
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("the text holds what a terminal obeys: %q", out.String())
	}
	c := &evidence.Contents{
		Origin: hostile, Made: at, Keys: []string{hostile}, Anchors: []ledger.Anchor{{Place: hostile, Kind: hostile}},
		Rows: []evidence.Row{{Entry: &ledger.Entry{Type: hostile, Subject: hostile, Actor: hostile}, Payloads: []evidence.Cell{{Name: hostile, File: `"onclick=x`}, {Name: "b", Gone: "erased"}}}},
	}
	c.Trail = &evidence.Trail{Keys: []evidence.KeyFile{{Source: hostile}}, Named: []evidence.Left{{Path: hostile, Reason: hostile}}, Undecided: []string{hostile}}
	out.Reset()
	if err := evidence.WriteIndex(&out, c); err != nil {
		t.Fatal(err)
	}
	if page := out.String(); strings.Contains(page, "<script") || strings.Contains(page, `""onclick`) || strings.ContainsAny(page, "\x1b\u202e") {
		t.Errorf("the page holds markup of the bundle: %s", page[strings.Index(page, "<main"):])
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	v := &ledger.Verdict{Keys: []string{"k"}}
	for range 50 {
		v.Faults = append(v.Faults, errors.New("a fault"))
	}
	var out bytes.Buffer
	if err := evidence.Check(t.Context(), v, evidence.Trust{}).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "a fault"); got != 20 || !strings.Contains(out.String(), "and 30 more") {
		t.Errorf("got %d faults named, want 20 and the number of the others", got)
	}
}

func TestADecisionWithoutASignatureIsNotProven(t *testing.T) {
	v := &ledger.Verdict{Keys: []string{"k"}, Entries: []ledger.Proven{{Index: 2, Entry: &ledger.Entry{Type: "exception.approved"}}}}
	r := evidence.Check(t.Context(), v, evidence.Trust{})
	if r.State != evidence.Unproven || r.Approvers.State != evidence.Unproven || len(r.Approvers.Unsigned) != 1 {
		t.Errorf("got %+v", r)
	}
	v.Entries[0].Border = true // of another period: its payloads are not here
	if r := evidence.Check(t.Context(), v, evidence.Trust{}); r.State != evidence.Proven || r.Approvers.State != evidence.Absent {
		t.Errorf("on the border: got %+v", r)
	}
}
