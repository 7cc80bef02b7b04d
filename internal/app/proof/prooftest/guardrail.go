package prooftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// GuardrailDay is the day on which Guardrail happens.
var GuardrailDay = time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC)

const (
	guardrailKey  = "ASIAGUARDRAILGUARDRA"
	guardrailRole = "arn:aws:iam::" + string(Account) + ":role/RootkeepOrganization"
)

// Guardrail goes on with the story: two persons approve a change that detaches a guardrail,
// and it is applied. It gives the ID of the change.
func Guardrail(t testing.TB, told *Told) string {
	t.Helper()
	x := *told.teller
	x.t = t
	x.Desk.Kinds = append(x.Desk.Kinds, changes.Kind(0))
	desk, err := changes.New(changes.Desk{Desk: x.Desk.Desk})
	if err != nil {
		t.Fatal(err)
	}
	x.At(GuardrailDay.Add(9 * time.Hour))
	p := x.detach()
	x.do(func(ctx context.Context, tx *store.Tx) error {
		c, err := desk.Plan(ctx, tx, x.Ann.Actor, p)
		if err == nil {
			_, err = desk.Request(ctx, tx, x.Ann.Actor, c.ID, c.Hash)
		}
		return err
	})
	for _, by := range []*exceptionstest.Person{x.Bob, x.Cid} {
		if _, err := x.Decide(t, by, p.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
	x.At(x.Now().Add(5 * time.Minute))
	x.do(func(ctx context.Context, tx *store.Tx) error {
		c, err := changes.Read(ctx, &tx.Reader, p.ID, tx.Now())
		if err == nil {
			_, err = desk.Begin(ctx, tx, x.Ann.Actor, c.ID, c.Hash, changes.Hold{Owner: "JO-1", Lease: tx.Now().Add(time.Minute)})
		}
		return err
	})
	given := facts.Session{Account: Account, Role: guardrailRole, AccessKey: guardrailKey, SourceIdentity: p.ID, Start: x.Now(), End: x.Now().Add(15 * time.Minute)}
	x.do(func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(changes.Entered(ctx, tx, p.ID, 1, given), rootuse.Recorded(ctx, tx, p.ID, given))
	})
	if err := (changes.Journal{Store: x.Store, ID: p.ID, Run: 1}).Made(t.Context(), change.Made{At: x.Now(), Parts: map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	at := x.Now().Add(time.Second)
	x.At(x.Now().Add(time.Minute))
	x.arrive(detached(p.ID, at))
	return p.ID
}

func (x *teller) detach() *change.Plan {
	return &change.Plan{
		Account: Account, Breaks: "Nothing.", Class: "organization", Created: x.Now(), Diff: []change.Difference{}, Final: []string{},
		Calls: []change.Planned{{Call: change.Call{Operation: "organizations:DetachPolicy", Account: Account, Region: "us-east-1", With: map[string]any{"PolicyId": "p-examplepolicy"}}, Step: "detach", About: "detaches it"}},
		ID:    rootkeep.NewID("CH", x.Now(), []byte("guardrail")), Kind: "detach-guardrail", KindHash: "0", Parameters: map[string]any{}, Partition: "aws", Prior: map[string]any{}, Region: "us-east-1",
		Resources: []string{string(Account) + "/guardrail"}, Risk: "low", Role: guardrailRole, Schema: change.PlanSchema, Title: "Detach a guardrail", Wants: map[string]any{},
	}
}

// detached is the record of the call of a change.
func detached(id string, at time.Time) []byte {
	text, err := json.Marshal(map[string]any{
		"eventVersion": "1.11", "eventTime": at.Format(time.RFC3339), "eventSource": "organizations.amazonaws.com", "eventName": "DetachPolicy", "awsRegion": "us-east-1",
		"sourceIPAddress": "203.0.113.5", "userAgent": Hostile, "eventID": "00000000-0000-4000-8000-00000000d37a", "eventType": "AwsApiCall", "recipientAccountId": string(Account), "readOnly": false,
		"userIdentity": map[string]any{
			"type": "AssumedRole", "arn": fmt.Sprintf("arn:aws:sts::%s:assumed-role/RootkeepOrganization/%s", Account, id), "accountId": string(Account), "accessKeyId": guardrailKey,
			"sessionContext": map[string]any{"sourceIdentity": id, "sessionIssuer": map[string]any{"type": "Role", "arn": guardrailRole}, "attributes": map[string]any{"creationDate": at.Format(time.RFC3339)}},
		},
	})
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
