package rootevent_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
)

func reader(t testing.TB) (*cloudtrail.Reader, *rootevent.Sorter) {
	t.Helper()
	fields, err := cloudtrail.CompileFields(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	sorter, err := rootevent.New(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	return cloudtrail.NewReader(fields, cloudtrail.Options{}), sorter
}

func TestKind(t *testing.T) {
	r, sorter := reader(t)
	for _, tt := range []struct {
		name, record string
		want         rootkeep.RootKind
	}{
		{"root signs in", `{"userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}`, rootkeep.RootSignIn},
		{"root fails to sign in", `{"userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"}}`, rootkeep.RootFailedSignIn},
		{"the second factor is asked for", `{"userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com","eventName":"CheckMfa"}`, rootkeep.RootSignInStep},
		{"a step that nobody has heard of", `{"userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com","eventName":"CredentialChallenge"}`, rootkeep.RootSignInStep},
		{"root calls in the console", `{"userIdentity":{"type":"Root","accessKeyId":"ASIAX"},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, rootkeep.RootCall},
		{"root calls with its own key", `{"userIdentity":{"type":"Root","accessKeyId":"AKIAX"},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, rootkeep.RootKeyCall},
		{"an assumed root calls", `{"userIdentity":{"type":"Root","accessKeyId":"ASIAX","sessionContext":{"assumedRoot":"true"}},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, rootkeep.AssumedRootCall},
		{"a service calls for root", `{"userIdentity":{"type":"Root","invokedBy":"cloudformation.amazonaws.com"},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, rootkeep.RootByService},
		{"an identity without a type, with root's ARN", `{"userIdentity":{"arn":"arn:aws:iam::111122223333:root"},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, rootkeep.RootCall},
		{"a password is recovered, without an identity", `{"eventSource":"signin.amazonaws.com","eventName":"PasswordRecoveryRequested"}`, rootkeep.RootCredential},
		{"root's password is changed", `{"userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com","eventName":"PasswordUpdated"}`, rootkeep.RootCredential},
		{"a role changes the address of a member's root", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"account.amazonaws.com","eventName":"StartPrimaryEmailUpdate"}`, rootkeep.RootCredential},
		{"a role changes the name of an account", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"account.amazonaws.com","eventName":"PutAccountName"}`, rootkeep.RootCredential},
		{"a user takes root's MFA device away", `{"userIdentity":{"type":"IAMUser"},"eventSource":"iam.amazonaws.com","eventName":"DeactivateMFADevice","requestParameters":{"serialNumber":"arn:aws:iam::111122223333:mfa/root-account-mfa-device"}}`, rootkeep.RootCredential},
		{"a user takes his own away", `{"userIdentity":{"type":"IAMUser"},"eventSource":"iam.amazonaws.com","eventName":"DeactivateMFADevice","requestParameters":{"serialNumber":"arn:aws:iam::111122223333:mfa/ben"}}`, ""},
		{"a session is asked for", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"sts.amazonaws.com","eventName":"AssumeRoot"}`, rootkeep.RootAssumed},
		{"root sessions are allowed", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"iam.amazonaws.com","eventName":"EnableOrganizationsRootSessions"}`, rootkeep.RootGovernance},
		{"root sessions are forbidden", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"iam.amazonaws.com","eventName":"DisableOrganizationsRootSessions"}`, rootkeep.RootGovernance},
		{"an account leaves", `{"userIdentity":{"type":"IAMUser"},"eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization"}`, rootkeep.RootGovernance},
		{"a guardrail is detached", `{"userIdentity":{"type":"IAMUser"},"eventSource":"organizations.amazonaws.com","eventName":"DetachPolicy"}`, rootkeep.RootGovernance},
		{"a guardrail is rewritten", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"organizations.amazonaws.com","eventName":"UpdatePolicy"}`, rootkeep.RootGovernance},
		{"an account is moved from under a guardrail", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"organizations.amazonaws.com","eventName":"MoveAccount"}`, rootkeep.RootGovernance},
		{"a policy that holds nothing any more is deleted", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"organizations.amazonaws.com","eventName":"DeletePolicy"}`, ""},
		{"a guardrail is attached", `{"userIdentity":{"type":"AssumedRole"},"eventSource":"organizations.amazonaws.com","eventName":"AttachPolicy"}`, ""},
		{"an unknown name is typed in as a user", `{"userIdentity":{"type":"IAMUser","userName":"HIDDEN_DUE_TO_SECURITY_REASONS","accountId":"111122223333"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}`, ""},
		{"the name of another service", `{"userIdentity":{"type":"IAMUser"},"eventSource":"example.amazonaws.com","eventName":"AssumeRoot"}`, ""},
		{"a type in other letters", `{"userIdentity":{"type":"root"},"eventSource":"iam.amazonaws.com","eventName":"GetUser"}`, ""},
		{"a session that root gave to somebody calls", `{"userIdentity":{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/guest","accessKeyId":"ASIAX","sessionContext":{"sessionIssuer":{"type":"Root","arn":"arn:aws:iam::111122223333:root"}}},"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket"}`, rootkeep.RootCall},
		{"a session that root of another partition gave", `{"userIdentity":{"type":"FederatedUser","accessKeyId":"ASIAX","sessionContext":{"sessionIssuer":{"arn":"arn:aws-cn:iam::111122223333:root"}}},"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket"}`, rootkeep.RootCall},
		{"a session that root gave signs in", `{"userIdentity":{"type":"FederatedUser","sessionContext":{"sessionIssuer":{"type":"Root","arn":"arn:aws:iam::111122223333:root"}}},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}`, rootkeep.RootSignIn},
		{"a session that a user gave calls", `{"userIdentity":{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/guest","sessionContext":{"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/root"}}},"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket"}`, ""},
		{"a role's session, whatever its issuer", `{"userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/x:root"}}},"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket"}`, ""},
		{"a session that nobody is named to have given", `{"userIdentity":{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/guest"},"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket"}`, ""},
		{"root gives somebody a session", `{"userIdentity":{"type":"Root","accessKeyId":"AKIAX"},"eventSource":"sts.amazonaws.com","eventName":"GetFederationToken"}`, rootkeep.RootKeyCall},
		{"a user's call", `{"userIdentity":{"type":"IAMUser"},"eventSource":"iam.amazonaws.com","eventName":"ListUsers"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := r.One([]byte(tt.record))
			if err != nil {
				t.Fatal(err)
			}
			if got := sorter.Kind(rec.View); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.want != "" && !rootevent.Mentions([]byte(tt.record)) {
				t.Error("got no mark, want one")
			}
		})
	}
}

func TestTextsAreBounded(t *testing.T) {
	r, sorter := reader(t)
	rec, err := r.One([]byte(`{"eventTime":"2026-11-01T00:00:00Z","eventName":"` + strings.Repeat("é", rootevent.LongestText) + `","recipientAccountId":"111122223333"}`))
	if err != nil {
		t.Fatal(err)
	}
	u := sorter.Use(rec.View)
	if len(u.Name) != rootevent.LongestText || u.Account != "111122223333" {
		t.Errorf("got a name of %d bytes of account %s, want %d of 111122223333", len(u.Name), u.Account, rootevent.LongestText)
	}
	if at, ok := sorter.Time(rec.View); !ok || at.Year() != 2026 {
		t.Errorf("got the time %s, %v, want 2026-11-01", at, ok)
	}
}

func TestTimesThatNoEventCanHave(t *testing.T) {
	r, sorter := reader(t)
	for _, text := range []string{"yesterday", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", ""} {
		rec, err := r.One([]byte(`{"eventTime":"` + text + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := sorter.Time(rec.View); ok {
			t.Errorf("%q: got %s, want no time", text, at)
		}
	}
}

func TestRecordsThatAreNotScannedForAFieldAreRefused(t *testing.T) {
	if _, err := rootevent.New(rootevent.Paths()[1:]); err == nil || !strings.Contains(err.Error(), rootevent.Paths()[0]) {
		t.Errorf("got %v, want an error that names %s", err, rootevent.Paths()[0])
	}
}
