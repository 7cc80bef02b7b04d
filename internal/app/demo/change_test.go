package demo_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
)

// journal keeps nothing.
type journal struct{}

func (journal) Made(context.Context, change.Made) error { return nil }

// The administrator of the demonstration enters the roles of changes in every account.
func TestChangesArePlannedAndApplied(t *testing.T) {
	w, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	defer server.Close()
	base, err := session.Open(t.Context(), session.Config{Region: "us-east-1", Elsewhere: &session.Elsewhere{URL: server.URL, KeyID: w.Administrator.ID, Secret: w.Administrator.Secret}})
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, account, kind string
		given               map[string]any
	}{
		{"of a member", "app-2", "password-policy", nil},
		{"of the account that scans begin in", "management", "password-policy", nil},
		{"as root of a member", "app-1", "root-credentials-delete", map[string]any{"unused_for": "0s"}},
		{"of the organization", "management", "policy-type-enable", map[string]any{"type": "RESOURCE_CONTROL_POLICY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := catalogue.Find(c.kind)
			const id = "CH-1M8C41CHRWC8MF"
			reads, writes := id, id
			if k.WritesAsRoot() {
				reads, writes = "SC-1M8C41CHRWC8MF", "RR-1M8C41CHRWC8MF"
			}
			reader, err := ask.Begin(base, session.Entry{Role: kinds.ReadRole, Name: reads})
			if err != nil {
				t.Fatal(err)
			}
			defer reader.End()
			writer, err := awswrite.Begin(base, session.Entry{Role: kinds.RoleOf(k.Class), Name: writes})
			if err != nil {
				t.Fatal(err)
			}
			defer writer.End()
			target := change.Target{
				Account: w.Account(c.account), Region: "us-east-1", Partition: "aws", Management: w.Account("management"),
				Role: "arn:aws:iam::" + string(w.Account(c.account)) + ":role/" + kinds.RoleOf(k.Class),
			}
			p, err := k.Plan(t.Context(), reader, id, target, c.given, w.Now())
			if err != nil {
				t.Fatal(err)
			}
			out, err := k.Apply(t.Context(), change.Run{Plan: p, Reader: reader, Writer: writer, Journal: journal{}, Clock: change.Clock{
				Now: w.Now, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			}})
			if err != nil || out.State != change.Applied {
				t.Errorf("got %s: %s, %v", out.State, out.Why, err)
			}
		})
	}
}
