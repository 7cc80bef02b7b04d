package trail

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// record is an event of root with other members put in.
func record(members string) string {
	return `{"eventVersion": "1.11", "eventID": "e", "eventTime": "2026-11-01T10:00:00Z", "awsRegion": "us-east-1", "eventType": "AwsApiCall", ` + members + `}`
}

func TestTheKindOfARootSessionIsTold(t *testing.T) {
	for _, c := range []struct {
		name, members, session string
		mfa, own               bool
	}{
		{"a sign-in with MFA", `"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}, "responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "Yes"}`, facts.SessionSignIn, true, true},
		{"a sign-in that failed", `"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}, "responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication", "additionalEventData": {"MFAUsed": "No"}`, facts.SessionRefused, false, true},
		{"a recovery that began", `"eventSource": "signin.amazonaws.com", "eventName": "PasswordRecoveryRequested", "userIdentity": {"type": "Root"}, "responseElements": {"PasswordRecoveryRequested": "Success"}`, facts.SessionSignIn, false, true},
		{"a program that asks for credentials", `"eventSource": "signin.amazonaws.com", "eventName": "AuthorizeOAuth2Access", "userIdentity": {"type": "Root"}`, facts.SessionLogin, false, true},
		{"a program that gets them", `"eventSource": "signin.amazonaws.com", "eventName": "CreateOAuth2Token", "userIdentity": {"type": "Root"}`, facts.SessionLogin, false, true},
		{"a long-term key", `"eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "userIdentity": {"type": "Root", "accessKeyId": "AKIAEXAMPLE"}`, facts.SessionKey, false, true},
		{"a session of sts:AssumeRoot", `"eventSource": "iam.amazonaws.com", "eventName": "ListAccessKeys", "userIdentity": {"type": "Root", "accessKeyId": "ASIAEXAMPLE", "sessionContext": {"assumedRoot": "true", "attributes": {"mfaAuthenticated": "false"}}}`, facts.SessionAssumeRoot, false, true},
		{"the console", `"eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "userIdentity": {"type": "Root", "accessKeyId": "ASIAEXAMPLE", "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}`, facts.SessionTemporary, true, true},
		{"the console without a key", `"eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "userIdentity": {"type": "Root"}`, facts.SessionTemporary, false, true},
		{"a service for root", `"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "userIdentity": {"type": "Root", "invokedBy": "cloudtrail.amazonaws.com"}`, "", false, false},
		{"a user who is called root", `"eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "userIdentity": {"type": "IAMUser", "userName": "root"}`, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, own, err := readRootEvent([]byte(record(c.members)))
			if err != nil || own != c.own || e.Session != c.session || e.MFA != c.mfa {
				t.Errorf("got %+v, own %v, %v; want session %q, MFA %v, own %v", e, own, err, c.session, c.mfa, c.own)
			}
		})
	}
	if e, _, err := readRootEvent([]byte(strings.Replace(record(`"userIdentity": {"type": "Root"}`), `AwsApiCall`, `AwsServiceEvent`, 1))); err != nil || e.ID != "" {
		t.Errorf("an event of a service: got %+v, %v, want none", e, err)
	}
	if _, _, err := readRootEvent([]byte(`{"eventTime": "yesterday"}`)); err == nil {
		t.Error("an event without a time: got no error")
	}
}

func FuzzReadRootEvent(f *testing.F) {
	f.Add([]byte(record(`"userIdentity": {"type": "Root", "sessionContext": {"assumedRoot": "true"}}, "responseElements": {"ConsoleLogin": "Success"}`)))
	f.Add([]byte(record(`"userIdentity": null, "responseElements": [], "additionalEventData": 1`)))
	f.Add([]byte(`{"userIdentity": {"type": "Root"}, "eventName": "x", "responseElements": {"x": {"x": 1}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, own, err := readRootEvent(text)
		if (!own || err != nil) != (e == facts.RootEvent{}) {
			t.Errorf("got %+v, own %v, %v", e, own, err)
		}
		if own && e.Session == "" {
			t.Errorf("%q: no kind of session", text)
		}
	})
}
