package reconcile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

func intake(t testing.TB) (*reconcile.Intake, *cloudtrail.Reader) {
	t.Helper()
	in, err := reconcile.NewIntake()
	if err != nil {
		t.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(in.Fields())
	if err != nil {
		t.Fatal(err)
	}
	return in, cloudtrail.NewReader(fields, cloudtrail.Options{})
}

func take(t testing.TB, record string) (reconcile.Event, bool) {
	t.Helper()
	in, reader := intake(t)
	rec, err := reader.One([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	e, ok := in.Event(rec)
	e.Raw = nil
	return e, ok
}

func TestARecordOfAssumeRoot(t *testing.T) {
	text, err := os.ReadFile("../../../content/events/assume-root.json")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := take(t, string(text))
	want := reconcile.Event{
		RootUse: rootkeep.RootUse{
			Time: time.Date(2026, 11, 20, 9, 10, 0, 0, time.UTC), ID: "bab5b5fa-9398-4431-ab87-886c70282eb9", Kind: rootkeep.RootAssumed, Account: "111122223333",
			Region: "eu-west-1", Source: "sts.amazonaws.com", Name: "AssumeRoot", Address: "203.0.113.24", Agent: got.Agent, MFA: "no",
			Principal: "arn:aws:iam::111122223333:role/RootTasks", AccessKey: "ASIAIOSFODNN7EXAMPLE", Target: "444455556666",
		},
		Created: time.Date(2026, 11, 20, 8, 55, 40, 0, time.UTC), TaskPolicy: "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
		IssuedKey: "ASIAI44QH8DHBEXAMPLE", Type: "AwsApiCall", Of: "444455556666", ReadOnly: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("event (-want +got), %v:\n%s", ok, diff)
	}
}

func TestARecordOfASignIn(t *testing.T) {
	text, err := os.ReadFile("../../../content/events/root-signin.json")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := take(t, string(text))
	if !ok || got.Kind != rootkeep.RootSignIn || got.Device != "arn:aws:iam::111122223333:u2f/root-account/custodian-1-EXAMPLEKEYHANDLE0001" || got.Principal != "root of 111122223333" || got.Of != "111122223333" || got.ReadOnly {
		t.Errorf("got %+v, %v", got, ok)
	}
}

func TestPartsOfARecord(t *testing.T) {
	const assume = `{"eventTime":"2026-07-03T09:06:00Z","eventID":"1","eventSource":"sts.amazonaws.com","eventName":"AssumeRoot","recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","accountId":"111122223333"`
	const root = `{"eventTime":"2026-07-03T09:06:00Z","eventID":"1","eventSource":"iam.amazonaws.com","eventName":"GetUser","userIdentity":{"type":"Root","accountId":"111122223333"`
	for _, tt := range []struct {
		name, record string
		got          func(reconcile.Event) any
		want         any
	}{
		{"a target by its ARN", assume + `},"requestParameters":{"targetPrincipal":"arn:aws:iam::444455556666:root"}}`, func(e reconcile.Event) any { return e.Of }, rootkeep.AccountID("444455556666")},
		{"a target by its ID", assume + `},"requestParameters":{"targetPrincipal":"444455556666"}}`, func(e reconcile.Event) any { return e.Of }, rootkeep.AccountID("444455556666")},
		{"a target that is no root", assume + `},"requestParameters":{"targetPrincipal":"arn:aws:iam::444455556666:user/x"}}`, func(e reconcile.Event) any { return e.Of }, rootkeep.AccountID("arn:aws:iam::444455556666:user/x")},
		{"a task policy as an object", assume + `},"requestParameters":{"taskPolicyArn":{"arn":"x"}}}`, func(e reconcile.Event) any { return e.TaskPolicy }, "x"},
		{"a task policy as a text", assume + `},"requestParameters":{"taskPolicyArn":"x"}}`, func(e reconcile.Event) any { return e.TaskPolicy }, "x"},
		{"the name of the session", assume + `,"sessionContext":{"sourceIdentity":"RR-1"}}}`, func(e reconcile.Event) any { return e.SourceIdentity }, "RR-1"},
		{"the name as STS repeats it", assume + `},"responseElements":{"sourceIdentity":"RR-1"}}`, func(e reconcile.Event) any { return e.SourceIdentity }, "RR-1"},
		{"the issued key", assume + `},"responseElements":{"credentials":{"accessKeyId":"ASIAX"}}}`, func(e reconcile.Event) any { return e.IssuedKey }, "ASIAX"},
		{"the name of a session of root", root + `,"sessionContext":{"assumedRoot":"true","sourceIdentity":"RR-1"}}}`, func(e reconcile.Event) any { return e.SourceIdentity }, "RR-1"},
		{"when a session was created", root + `,"sessionContext":{"attributes":{"creationDate":"2026-07-03T09:00:00Z"}}}}`, func(e reconcile.Event) any { return e.Created }, nine},
		{"a service event in root's name", root + `},"eventType":"AwsServiceEvent"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootByService},
		{"a service in root's name", root + `,"invokedBy":"athena.amazonaws.com"},"sourceIPAddress":"athena.amazonaws.com"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootByService},
		{"a service that somebody's address stands behind", root + `,"invokedBy":"signin.amazonaws.com"},"sourceIPAddress":"203.0.113.24"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootCall},
		{"a service with root's own key", root + `,"invokedBy":"AWS Internal","accessKeyId":"AKIAX"},"sourceIPAddress":"AWS Internal"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootKeyCall},
		{"a service event with root's own key", root + `,"accessKeyId":"AKIAX"},"eventType":"AwsServiceEvent"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootKeyCall},
		{"a sign-in that calls itself a service event", strings.NewReplacer("iam.", "signin.", "GetUser", "ConsoleLogin").Replace(root) + `},"eventType":"AwsServiceEvent"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.RootSignIn},
		{"a session of AssumeRoot that calls itself a service event", root + `,"sessionContext":{"assumedRoot":"true"}},"eventType":"AwsServiceEvent"}`, func(e reconcile.Event) any { return e.Kind }, rootkeep.AssumedRootCall},
		{"a call to another account", root + `},"recipientAccountId":"444455556666"}`, func(e reconcile.Event) any { return string(e.Of) + " in " + string(e.Account) }, "111122223333 in 444455556666"},
		{"no time", strings.Replace(root, "2026-07-03T", "", 1) + `}}`, func(e reconcile.Event) any { return e.Time.IsZero() }, true},
		{"what AWS says reads", root + `},"readOnly":true}`, func(e reconcile.Event) any { return e.ReadOnly }, true},
		{"what a text says reads", root + `},"readOnly":"true"}`, func(e reconcile.Event) any { return e.ReadOnly }, false},
		{"whose session it was that root gave", `{"eventTime":"2026-07-03T09:06:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","recipientAccountId":"444455556666","userIdentity":{"type":"FederatedUser","accountId":"111122223333","arn":"arn:aws:sts::111122223333:federated-user/x","sessionContext":{"sessionIssuer":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"attributes":{"creationDate":"2026-07-03T09:00:00Z"}}}}`,
			func(e reconcile.Event) any { return fmt.Sprint(e.Kind, " of ", e.Of, " by ", e.Principal) }, "console-call of 111122223333 by root of 111122223333"},
		{"a member twice", root + `},"eventID":"2"}`, func(e reconcile.Event) any { return e.Ambiguous }, true},
		{"a caller twice, root the second", `{"eventTime":"2026-07-03T09:06:00Z","eventName":"GetUser","userIdentity":{"type":"IAMUser","type":"Root"}}`, func(e reconcile.Event) any { return e.Ambiguous }, true},
		{"the account that a call names", `{"eventTime":"2026-07-03T09:06:00Z","eventSource":"account.amazonaws.com","eventName":"StartPrimaryEmailUpdate","recipientAccountId":"111122223333","requestParameters":{"accountId":"444455556666"}}`, func(e reconcile.Event) any { return e.Of }, rootkeep.AccountID("444455556666")},
		{"a recovery without an identity", `{"eventTime":"2026-07-03T09:06:00Z","eventSource":"signin.amazonaws.com","eventName":"PasswordRecoveryRequested","recipientAccountId":"111122223333"}`, func(e reconcile.Event) any { return string(e.Kind) + " of " + string(e.Of) + " by " + e.Principal }, "credential of 111122223333 by unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, ok := take(t, tt.record)
			if got := tt.got(e); !ok || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, ok, tt.want)
			}
		})
	}
}

func TestMostRecordsAreNoEvent(t *testing.T) {
	if e, ok := take(t, `{"eventTime":"2026-07-03T09:06:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","userIdentity":{"type":"IAMUser","type":"IAMUser"}}`); ok {
		t.Errorf("got %+v, want no event", e)
	}
}

func TestALargeRecordIsKeptWithoutItsText(t *testing.T) {
	in, reader := intake(t)
	for _, size := range []int{10, reconcile.MaxRaw} {
		rec, err := reader.One([]byte(`{"userIdentity":{"type":"Root"},"x":"` + strings.Repeat("x", size) + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		e, ok := in.Event(rec)
		if !ok || (len(e.Raw) == 0) != (size == reconcile.MaxRaw) {
			t.Errorf("%d bytes: got a text of %d, %v", size, len(e.Raw), ok)
		}
	}
}

// FuzzIntake wants no record to harm: texts are bounded, and what comes out has a verdict.
func FuzzIntake(f *testing.F) {
	for _, name := range []string{"assume-root", "assumed-root-call", "root-signin", "root-call", "root-password-recovery", "detach-guardrail", "list-users"} {
		text, err := os.ReadFile("../../../content/events/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"userIdentity":{"type":"Root","type":"Root"},"eventTime":null,"requestParameters":{"taskPolicyArn":[{"arn":1},{}],"targetPrincipal":{"a":[]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		in, reader := intake(t)
		rec, err := reader.One([]byte(text))
		if err != nil {
			return
		}
		e, ok := in.Event(rec)
		if !ok {
			return
		}
		if len(e.Raw) > reconcile.MaxRaw || len(e.ID) > 512 || len(e.SourceIdentity) > 512 || len(e.TaskPolicy) > 512 || e.Kind == "" {
			t.Fatalf("got %+v, want a kind and bounded texts", e)
		}
		got := reconcile.Judge(reconcile.Input{Now: at(600), Requests: []reconcile.Request{signInRequest(), assumedRequest()}, Events: []reconcile.Event{e, e}}).Events
		if len(got) != 1 || got[0].Verdict == "" || got[0].Rule == "" || got[0].Why == "" || len(got[0].Why) > 4000 {
			t.Fatalf("got %+v, want one verdict with its reason", got)
		}
	})
}
