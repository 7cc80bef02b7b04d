package prooftest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// AssumedDay is the day on which Assumed happens.
var AssumedDay = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)

const (
	management = rootkeep.AccountID("999988887777")
	deletes    = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
	givenKey   = "ASIAGIVENGIVENGIVENG"
)

// Assumed goes on with the story: a session of sts:AssumeRoot is approved, given and used,
// and another one refused. Somebody else has the name of a second request, under which none
// was ever asked for, and tries both. It gives the ID of the first.
func Assumed(t testing.TB, told *Told) string {
	t.Helper()
	x := *told.teller
	x.t = t
	x.At(AssumedDay.Add(9 * time.Hour))
	id, idle := x.opened("CH-1KB2Z7Q0MX7F3A"), x.opened("CH-1KB2Z7Q0MX7F3B")
	x.At(x.Now().Add(time.Minute))
	given := facts.Session{Account: Account, Root: true, Role: deletes, AccessKey: givenKey, Start: x.Now(), End: x.Now().Add(15 * time.Minute)}
	refused := facts.Session{Account: Account, Root: true, Role: deletes, Start: x.Now(), End: x.Now()}
	for _, s := range []facts.Session{given, refused} {
		x.do(func(ctx context.Context, tx *store.Tx) error { return rootuse.Recorded(ctx, tx, id, s) })
	}
	at := x.Now()
	x.At(at.Add(5 * time.Minute))
	x.arrive(
		assumes(id, "1", at, givenKey), inSession("2", at.Add(time.Second)), assumes(id, "3", at, ""),
		assumes(idle, "4", at.Add(time.Minute), "ASIASTOLENSTOLENSTOL"), assumes(idle, "5", at.Add(time.Minute), ""),
	)
	return id
}

// opened is a request for a change in a session of sts:AssumeRoot, approved and opened.
func (x *teller) opened(named string) (id string) {
	x.t.Helper()
	asked := x.request()
	asked.Path, asked.Custodian, asked.Networks, asked.Checklist = model.Assumed, "", []netip.Prefix{}, []model.Item{}
	asked.Events = []string{"iam.amazonaws.com DeleteLoginProfile"}
	asked.Changes = []model.Change{{Account: Account, ID: named, Plan: approval.Sum([]byte("plan"))}}
	x.do(func(ctx context.Context, tx *store.Tx) error {
		r, err := x.desk.Submit(ctx, tx, x.Ann.Actor, access.Wanted{Account: Account, Asked: asked})
		if err == nil {
			id = r.ID
		}
		return err
	})
	for _, p := range []*exceptionstest.Person{x.Bob, x.Cid} {
		if _, err := x.Decide(x.t, p, id, approval.Approve); err != nil {
			x.t.Fatal(err)
		}
	}
	x.act(id, func(ctx context.Context, tx *store.Tx, r *access.Request) error {
		_, err := x.desk.Open(ctx, tx, x.Ann.Actor, id, r.Revision, "")
		return err
	})
	return id
}

// assumes is the record of an AssumeRoot with the name of a request; without a key it was
// refused.
func assumes(id, event string, at time.Time, key string) []byte {
	all := map[string]any{
		"eventVersion": "1.11", "eventTime": at.Format(time.RFC3339), "eventSource": "sts.amazonaws.com", "eventName": "AssumeRoot", "awsRegion": "us-east-1",
		"sourceIPAddress": "203.0.113.5", "eventID": "00000000-0000-4000-8000-00000000a55" + event, "eventType": "AwsApiCall", "recipientAccountId": string(management), "readOnly": true,
		"requestParameters": map[string]any{"targetPrincipal": string(Account), "taskPolicyArn": map[string]any{"arn": deletes}},
		"userIdentity": map[string]any{
			"type": "AssumedRole", "arn": fmt.Sprintf("arn:aws:sts::%s:assumed-role/RootkeepWriteRoot/%s", management, id), "accountId": string(management), "accessKeyId": "ASIABROKERBROKERBROK",
			"sessionContext": map[string]any{"sourceIdentity": id, "attributes": map[string]any{"creationDate": at.Format(time.RFC3339)}},
		},
	}
	if key == "" {
		all["errorCode"] = "AccessDenied"
	} else {
		all["responseElements"] = map[string]any{"sourceIdentity": id, "credentials": map[string]any{"accessKeyId": key}}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}

// inSession is the record of what was done in the session that was given.
func inSession(event string, at time.Time) []byte {
	text, err := json.Marshal(map[string]any{
		"eventVersion": "1.11", "eventTime": at.Format(time.RFC3339), "eventSource": "iam.amazonaws.com", "eventName": "DeleteLoginProfile", "awsRegion": "us-east-1",
		"sourceIPAddress": "203.0.113.5", "eventID": "00000000-0000-4000-8000-00000000a55" + event, "eventType": "AwsApiCall", "recipientAccountId": string(Account), "readOnly": false,
		"userIdentity": map[string]any{
			"type": "Root", "arn": "arn:aws:iam::" + string(Account) + ":root", "accountId": string(Account), "accessKeyId": givenKey,
			"sessionContext": map[string]any{"assumedRoot": "true", "attributes": map[string]any{"creationDate": at.Format(time.RFC3339), "mfaAuthenticated": "false"}},
		},
	})
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
