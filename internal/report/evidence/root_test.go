package evidence_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/report/oscal"
	"github.com/rootkeep/rootkeep/ledger"
)

// hostileStory is of a log that somebody outside wrote, of a case with such a title, and
// of an entry that cannot be read.
func hostileStory(t *testing.T) *story.Story {
	t.Helper()
	at := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	var j reconcile.Judged
	j.Time, j.Verdict = at, rootkeep.Verdict(hostile)
	for _, s := range []*string{&j.ID, &j.Source, &j.Name, &j.Address, &j.Error, &j.Principal, &j.Rule, &j.Why, &j.Request} {
		*s = hostile + "\n \"x"
	}
	j.Account, j.Region, j.Kind = hostile, hostile, hostile
	verdicts, err := json.Marshal([]any{map[string]any{"key": "RU-A", "event": j}})
	if err != nil {
		t.Fatal(err)
	}
	about, err := json.Marshal(map[string]any{"about": hostile, "act": hostile, "at": at, "by": hostile, "account": hostile, "cause": "root x", "title": hostile, "severity": "high", "state": hostile})
	if err != nil {
		t.Fatal(err)
	}
	r := story.New(at, at.AddDate(0, 0, 1))
	for i, e := range []struct{ kind, name, text string }{{"root.verdict", "verdicts", string(verdicts)}, {"incident.opened", "case", string(about)}, {"root.session", "session", hostile}} {
		r.Add(story.Entry{N: int64(i), Entry: &ledger.Entry{Type: e.kind, Subject: hostile, Actor: hostile, Time: at}, Payloads: map[string][]byte{e.name: []byte(e.text)}})
	}
	s := r.Story()
	if len(s.Verdicts) != 1 || len(s.Cases) != 1 || len(s.Gaps) != 1 {
		t.Fatalf("got %+v", s)
	}
	signed := []story.Signature{{Approver: hostile, Decision: hostile, Key: strings.Repeat("0", 64)}}
	s.Changes = []*story.Change{{ID: hostile, Account: hostile, Kind: hostile, Requester: hostile, Lacking: hostile, Signatures: signed, Sessions: []story.Applied{{AccessKey: hostile}}, Calls: []story.Called{{Operation: hostile}}}}
	return s
}

func TestThePageAboutRootObeysNothing(t *testing.T) {
	var out bytes.Buffer
	if err := evidence.WriteRoot(&out, hostile, hostileStory(t)); err != nil {
		t.Fatal(err)
	}
	if page := out.String(); strings.Contains(page, "<script") || strings.ContainsAny(page, "\x1b\u202e") {
		t.Errorf("the page holds markup of a log: %s", page[strings.Index(page, "<main"):])
	}
}

func TestTheTextAboutRootObeysNothing(t *testing.T) {
	s := hostileStory(t)
	r := &evidence.Report{State: evidence.Unproven, Approvers: evidence.ApproverRoot{State: evidence.Absent}, AWS: evidence.AWSRoot{State: evidence.Absent}}
	r.RootUsers = &evidence.RootPart{
		State: evidence.Unproven, AsOf: s.AsOf, Gaps: s.Gaps, Claims: []story.Claim{{Account: hostile, Missing: []string{hostile}}},
		Requests: []evidence.RootRequest{{ID: hostile, State: hostile, Lacking: hostile, Signatures: []story.Signature{{Approver: hostile, Decision: hostile, Key: strings.Repeat("0", 64)}}}},
		Changes:  []evidence.RootChange{{ID: hostile, Kind: hostile, Lacking: hostile, Signatures: []story.Signature{{Approver: hostile, Decision: hostile, Key: strings.Repeat("0", 64)}}}},
		Verdicts: []evidence.RootVerdict{{Key: hostile}}, Unjudged: []evidence.RootEvent{{ID: hostile, Name: hostile, Log: hostile}},
		Differs: []story.Difference{{Key: hostile, Told: hostile, Again: hostile, Rule: hostile, By: hostile, Why: hostile}},
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") || !strings.Contains(out.String(), "without a verdict") {
		t.Errorf("the text holds what a terminal obeys, or lacks something: %q", out.String())
	}
}

func TestOSCALHasOneLineValuesOfHostileLogs(t *testing.T) {
	text, err := oscal.Write(hostile, hostileStory(t))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if v == "" || strings.TrimSpace(v) != v || strings.ContainsAny(v, "\n\r\x1b\u202e") {
				t.Errorf("got the value %q", v)
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	var d any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	walk(d)
}
