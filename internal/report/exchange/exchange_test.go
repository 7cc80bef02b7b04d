package exchange

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

var update = flag.Bool("update", false, "write the golden files")

var night = time.Date(2026, 11, 20, 3, 11, 9, 0, time.UTC)

// story has a root sign-in with two events, a role's attempt by an AWS service
// address, and an alert without rules.
func story() *report.Hunt {
	root := rootkeep.Actor{Type: "Root", Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", Principal: "root of 111122223333"}
	role := rootkeep.Actor{Type: "AssumedRole", Account: "111122223333", Principal: "arn:aws:iam::111122223333:role/deploy", Session: "ci"}
	event := func(id string, actor rootkeep.Actor, address string, offset int64) rootkeep.Event {
		return rootkeep.Event{Time: night, ID: id, Name: "ConsoleLogin", Source: "signin.amazonaws.com", Account: "111122223333", Region: "us-east-1",
			Actor: actor, Address: address, File: "logs/a b/cut#1.json.gz", Offset: offset, Target: "backup"}
	}
	signin := rootkeep.RuleHit{ID: "3b0c7a52-6a0e-4a7e-9d0e-2d5a4f5f9c11", Name: "root-signin-without-mfa", Title: "Root console sign-in without MFA",
		Level: rootkeep.Critical, Count: 2, Guidance: "Call the custodian."}
	context := rootkeep.RuleHit{ID: "7a0c7a52-6a0e-4a7e-9d0e-2d5a4f5f9c12", Name: "root-activity", Title: "Root activity", Level: rootkeep.Low, Count: 2}
	denied := event("e3", role, "cloudformation.amazonaws.com", 7)
	denied.ErrorCode = "AccessDenied"
	h := &report.Hunt{
		Version: "0.1.0", Started: night, Finished: night.Add(time.Minute),
		Alerts: []rootkeep.Alert{{
			ID: "AL-7K3FQ2M9X0A1B", Level: rootkeep.Critical, Title: "Root console sign-in without MFA", Kind: "session", State: "open", Account: "111122223333",
			Actor: root, Tactic: "initial-access", Techniques: []rootkeep.Technique{{ID: "T1078.004", Version: "18"}, {ID: "T1110", Version: "18"}},
			Rules: []rootkeep.RuleHit{context, signin}, First: night, Last: night.Add(time.Minute), Count: 2, Regions: []rootkeep.Region{"us-east-1"},
			Events: []rootkeep.Event{event("e1", root, "203.0.113.9", 0), event("e2", root, "2001:db8::1", 20481)},
		}, {
			ID: "AL-2C8HN4VWT5R0Z", Level: rootkeep.Medium, Title: "Denied", Kind: "threshold", State: "escalated", Account: "111122223333", Actor: role,
			Rules: []rootkeep.RuleHit{context}, First: night, Last: night, Count: 1, Attempts: 1, Events: []rootkeep.Event{denied},
		}, {
			ID: "AL-5D9JP6XYV7S1A", Level: rootkeep.Informational, Title: "Log fell silent", Kind: "silence", State: "open", First: night, Last: night,
		}},
		Problems: []report.Problem{{File: "/var/logs/cut.json.gz", Offset: 48213, Kind: "truncated", Detail: "ends early"}, {File: "rules/local.yaml", Offset: -1, Kind: "rule", Detail: "line 12"}},
		Notices:  []string{"No geography database"},
	}
	h.Derive()
	return h
}

// hostile is story with poison in the fields that AWS controls.
func hostile() *report.Hunt {
	const poison = "=cmd|x<script>\x1b[2J\u202e\u200b\r\n\u009b\U000e0041\xff%zz:"
	h := story()
	for i := range h.Alerts {
		a := &h.Alerts[i]
		a.Title, a.Actor.Principal, a.Actor.ARN, a.Notes = poison, poison, poison, []string{poison}
		for j := range a.Events {
			e := &a.Events[j]
			e.ID, e.Name, e.Source, e.Address, e.Agent, e.ErrorCode, e.Target, e.File = poison, poison, poison, poison, poison, poison, poison, poison+e.File
			e.Actor.Type, e.Actor.Principal = poison, poison
		}
	}
	h.Problems[0].File, h.Problems[0].Detail = poison, poison
	h.Interrupted = true
	return h
}

func sarif(t *testing.T, h *report.Hunt) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := SARIF(&out, h); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func ocsf(t *testing.T, h *report.Hunt) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := OCSF(&out, h); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestOutputsEqualTheGoldenFiles(t *testing.T) {
	for name, got := range map[string][]byte{"story.sarif.golden": sarif(t, story()), "story.ocsf.golden": ocsf(t, story())} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: got (+) differs from want (-):\n%s", name, diff)
		}
	}
}

func TestOutputsFollowTheirSchemas(t *testing.T) {
	empty := &report.Hunt{Version: "0.1.0", Started: night, Finished: night}
	for name, h := range map[string]*report.Hunt{"story": story(), "hostile": hostile(), "empty": empty} {
		t.Run(name+" as SARIF", func(t *testing.T) {
			conforms(t, "testdata/sarif.schema.json", sarif(t, h))
		})
		t.Run(name+" as OCSF", func(t *testing.T) {
			for line := range bytes.Lines(ocsf(t, h)) {
				conforms(t, "testdata/ocsf.schema.json", line)
			}
		})
	}
}

func conforms(t *testing.T, file string, document []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatalf("got %v, want JSON", err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("got %v, want a document that follows %s", err, file)
	}
}

func TestHostileTextIsInert(t *testing.T) {
	for name, out := range map[string][]byte{"SARIF": sarif(t, hostile()), "OCSF": ocsf(t, hostile())} {
		for i, r := range string(out) {
			if r != '\n' && !text.Shown(r) {
				t.Errorf("%s: got %U at byte %d, want visible characters only", name, r, i)
			}
		}
		if strings.Contains(string(out), "<script") {
			t.Errorf("%s: got markup, want it escaped", name)
		}
	}
}

func TestSarifRulesAndResultsRefer(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal(sarif(t, story()), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	for _, r := range run.Results {
		if got := run.Tool.Driver.Rules[r.RuleIndex].ID; got != r.RuleID {
			t.Errorf("got rule %s at index %d, want %s", got, r.RuleIndex, r.RuleID)
		}
	}
	if got, want := run.Results[0].RuleID, "3b0c7a52-6a0e-4a7e-9d0e-2d5a4f5f9c11"; got != want {
		t.Errorf("got rule %s for the first alert, want the most severe one %s", got, want)
	}
	levels := []string{run.Results[0].Level, run.Results[1].Level, run.Results[2].Level}
	if diff := cmp.Diff([]string{"error", "warning", "note"}, levels); diff != "" {
		t.Errorf("got (+) levels other than want (-):\n%s", diff)
	}
}

func TestFileURI(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a relative path stays relative", "logs/a.json.gz", "logs/a.json.gz"},
		{"an absolute path gets the scheme file", "/var/logs/a.json.gz", "file:///var/logs/a.json.gz"},
		{"special characters are encoded", "a b/#1?.json", "a%20b/%231%3F.json"},
		{"an object in a bucket keeps its scheme", "s3://bucket/a b.json", "s3://bucket/a%20b.json"},
		{"a colon in the first segment is no scheme", "x:y.json", "./x:y.json"},
		{"standard input is a dash", "-", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fileURI(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
