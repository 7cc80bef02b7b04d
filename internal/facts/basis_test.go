package facts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestTheBasisOfAFinding(t *testing.T) {
	at := time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)
	s := &facts.Snapshot{}
	s.Facts.Root.MFAEnabled = true
	s.Facts.Users = []facts.User{{ARN: "arn:ann", HasPassword: true}, {ARN: "arn:bob"}}
	s.Observe("iam:GetAccountSummary", at, "", "root.mfa_enabled")
	s.Observe("iam:GetAccountAuthorizationDetails", at, "", "users.arn")
	s.Observe("iam:GetCredentialReport", at, "report.csv", "users.has_password")
	denied := facts.Gap{Path: "trails", Permission: "cloudtrail:DescribeTrails", Reason: "denied"}
	device := facts.Gap{Path: "users.has_password", Resource: "arn:bob", Reason: "gone meanwhile"}
	s.Gaps = []facts.Gap{denied, device}
	summary := &facts.Origin{Path: "root.mfa_enabled", Call: "iam:GetAccountSummary", At: at}
	report := &facts.Origin{Path: "users.has_password", Call: "iam:GetCredentialReport", At: at, File: "report.csv"}
	for _, c := range []struct {
		name, path, resource string
		want                 facts.Basis
	}{
		{"a fact of the account", "root.mfa_enabled", "arn:root", facts.Basis{Values: []facts.Value{{Text: "true"}}, Origin: summary}},
		{"of the element that is named", "users.has_password", "arn:ann", facts.Basis{Values: []facts.Value{{Of: "arn:ann", Text: "true"}}, Origin: report}},
		{"an element with a gap of its own", "users.has_password", "arn:bob", facts.Basis{Values: []facts.Value{{Of: "arn:bob", Text: "false"}}, Origin: report, Gaps: []facts.Gap{device}}},
		{"of all elements, if none is named", "users.has_password", "arn:root", facts.Basis{
			Values: []facts.Value{{Of: "arn:ann", Text: "true"}, {Of: "arn:bob", Text: "false"}}, Origin: report, Gaps: []facts.Gap{device},
		}},
		{"what was denied", "trails.arn", "", facts.Basis{Gaps: []facts.Gap{denied}}},
		{"what nobody asked for", "root.email", "", facts.Basis{Gaps: []facts.Gap{{Path: "root.email", Reason: "not collected: account:GetPrimaryEmail tells it"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Path = c.path
			for _, p := range facts.Paths() {
				if p.Name == c.path {
					c.want.Call = p.Call
					if diff := cmp.Diff(s.Basis(p, c.resource), c.want); diff != "" {
						t.Errorf("got (-), want (+)\n%s", diff)
					}
					return
				}
			}
			t.Fatalf("there is no fact %s", c.path)
		})
	}
}

func TestTheBasisOfALongListIsBounded(t *testing.T) {
	s := &facts.Snapshot{}
	for i := range 1000 {
		s.Facts.Users = append(s.Facts.Users, facts.User{ARN: fmt.Sprint(i)})
	}
	s.Observe("iam:GetAccountAuthorizationDetails", time.Now(), "", "users")
	for _, p := range facts.Paths() {
		b := s.Basis(p, "arn:root")
		if len(b.Values) > 20 || b.Origin == nil && len(b.Gaps) == 0 {
			t.Errorf("%s: got %d values, origin %v and gaps %v; want at most 20, and either an origin or a gap", p.Name, len(b.Values), b.Origin, b.Gaps)
		}
		if p.Name == "users.arn" && len(b.Values)+b.More != 1000 {
			t.Errorf("got %d values and %d more, want 1000 in all", len(b.Values), b.More)
		}
	}
}
