package cloud

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud/event"
)

// Steps at the sign-in pages that leave events beside ConsoleLogin.
// Source: CloudTrail User Guide, "AWS Management Console sign-in events".
const (
	CheckMFA          = "CheckMfa"
	RecoveryRequested = "PasswordRecoveryRequested"
	RecoveryCompleted = "PasswordRecoveryCompleted"
	PasswordUpdated   = "PasswordUpdated"
	EmailUpdated      = "EmailUpdated"
)

// Console is somebody at the sign-in pages as the root user of an account.
type Console struct {
	Account   *Account
	Region    string // us-east-1 if empty
	SourceIP  string // 192.0.2.1 if empty
	UserAgent string
	Device    string // serial number or ARN of the MFA device that is used, "" for none
}

// SignIn signs in and gives the caller of the session, for Invoke. It must not be called
// from within Do, as the other steps.
func (k Console) SignIn() Caller {
	c := k.Account.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	who := RootCaller(k.Account)
	k.login(c, who, true)
	who.Session = &Session{Issued: c.Now(), MFA: k.Device != ""}
	return c.NewSession(who, 12*time.Hour).Caller
}

// Fail is a sign-in with a wrong password.
func (k Console) Fail() {
	c := k.Account.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	k.login(c, RootCaller(k.Account), false)
}

// Step is one of the other steps.
func (k Console) Step(step string, success bool) {
	c := k.Account.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	r := k.record(c, RootCaller(k.Account), step, success)
	k.keep(c, RootCaller(k.Account), r)
}

func (k Console) login(c *Cloud, who Caller, success bool) {
	r := k.record(c, who, "ConsoleLogin", success)
	if r.AdditionalEventData = landing(k.Device != ""); k.Device != "" {
		r.AdditionalEventData["MFAIdentifier"] = k.Device
	}
	k.keep(c, who, r)
}

func landing(mfa bool) map[string]any {
	word := map[bool]string{true: "Yes", false: "No"}
	return map[string]any{"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": word[mfa]}
}

func (k Console) record(c *Cloud, who Caller, step string, success bool) event.Record {
	outcome, message := "Success", ""
	if !success {
		outcome, message = "Failure", "Failed authentication"
	}
	answer, _ := json.Marshal(map[string]string{step: outcome}) // texts always marshal
	return event.Record{
		EventVersion: "1.08", UserIdentity: identityOf(&who), EventTime: c.Now().Format("2006-01-02T15:04:05Z"), EventSource: "signin.amazonaws.com", EventName: step,
		AWSRegion: cmp.Or(k.Region, "us-east-1"), SourceIPAddress: cmp.Or(k.SourceIP, "192.0.2.1"), UserAgent: k.UserAgent, ErrorMessage: message,
		RequestParameters: json.RawMessage("null"), ResponseElements: answer, RequestID: c.UUID(), EventType: "AwsConsoleSignIn", ManagementEvent: true, EventCategory: "Management",
	}
}

func (k Console) keep(c *Cloud, who Caller, r event.Record) {
	call := Call{Cloud: c, Caller: who, Now: c.Now(), Operation: &Operation{Name: r.EventName}, Region: r.AWSRegion}
	call.keep(who.Owner, r)
}
