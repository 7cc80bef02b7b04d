package awswrite_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
)

var group = change.Call{Operation: "iam:CreateGroup", Account: member, Region: home, With: m{"GroupName": "g"}}

// asked is how often an operation was asked for.
func (w *world) asked(operation string) int {
	n := 0
	for _, r := range w.Requests() {
		if r.Operation == operation {
			n += r.Calls
		}
	}
	return n
}

// TestWhatGoesWrongHasItsKind breaks one write in each way and looks what the caller is
// told, and that it was tried once.
func TestWhatGoesWrongHasItsKind(t *testing.T) {
	type refusal struct{ throttled, denied, expired bool }
	for _, c := range []struct {
		name    string
		call    change.Call
		fault   cloud.Fault
		refused *refusal // nil is an error that leaves it open
	}{
		{"too fast", group, cloud.Fault{Kind: cloud.Throttle}, &refusal{throttled: true}},
		{"denied", group, cloud.Fault{Kind: cloud.Deny}, &refusal{denied: true}},
		{"AWS breaks down", group, cloud.Fault{Kind: cloud.Broken}, nil},
		{"the connection ends", group, cloud.Fault{Kind: cloud.Cut}, nil},
		{"a bucket, too fast, which S3 says with 503", change.Call{Operation: "s3:CreateBucket", Account: member, Region: home, With: m{"Bucket": "one-of-example"}}, cloud.Fault{Kind: cloud.Throttle}, &refusal{throttled: true}},
		{"a setting of EC2, too fast", change.Call{Operation: "ec2:EnableEbsEncryptionByDefault", Account: member, Region: home}, cloud.Fault{Kind: cloud.Throttle}, &refusal{throttled: true}},
		{"a setting of EC2, denied", change.Call{Operation: "ec2:EnableEbsEncryptionByDefault", Account: member, Region: home}, cloud.Fault{Kind: cloud.Deny}, &refusal{denied: true}},
		{"a setting of EC2, cut", change.Call{Operation: "ec2:EnableEbsEncryptionByDefault", Account: member, Region: home}, cloud.Fault{Kind: cloud.Cut}, nil},
		{"an alarm, denied", change.Call{Operation: "cloudwatch:DeleteAlarms", Account: member, Region: home, With: m{"AlarmNames": []any{"a"}}}, cloud.Fault{Kind: cloud.Deny}, &refusal{denied: true}},
		{"a detector, too fast", change.Call{Operation: "guardduty:CreateDetector", Account: member, Region: home, With: m{"Enable": true}}, cloud.Fault{Kind: cloud.Throttle}, &refusal{throttled: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			_, operation, _ := strings.Cut(c.call.Operation, ":")
			c.fault.Operation = operation
			w.AddFault(c.fault)
			_, err := w.writer.Write(t.Context(), c.call)
			r, ok := errors.AsType[*change.Refusal](err)
			switch {
			case err == nil || ok != (c.refused != nil):
				t.Errorf("got %v, want a refusal: %v", err, c.refused != nil)
			case ok && (refusal{r.Throttled, r.Denied, r.Expired}) != *c.refused:
				t.Errorf("got %+v, want %+v", r, *c.refused)
			case ok && (r.Code == "" || r.Call.Operation != c.call.Operation):
				t.Errorf("got %+v, want a code and the call", r)
			}
			if n := w.asked(operation); n != 1 {
				t.Errorf("%s was asked %d times, want once", operation, n)
			}
		})
	}
}

// TestReadingIsTriedAgain: what only reads may be asked twice.
func TestReadingIsTriedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Operation: "ListGroups", Times: 1})
	w.do("iam:ListGroups", nil)
	if n := w.asked("ListGroups"); n != 2 {
		t.Errorf("got %d calls, want 2", n)
	}
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Operation: "ListUsers"})
	if r := w.refusedDo("iam:ListUsers", nil); !r.Throttled || w.asked("ListUsers") != 3 {
		t.Errorf("got %+v after %d calls, want that it is too fast after 3", r, w.asked("ListUsers"))
	}
	w.AddFault(cloud.Fault{Kind: cloud.WrongToken, Operation: "ListRoles"})
	if r := w.refusedDo("iam:ListRoles", m{"MaxItems": 1}); r.Throttled || r.Denied || r.Expired {
		t.Errorf("a token that AWS does not know: got %+v", r)
	}
}

// TestNothingIsSentWithoutASession: what is in the way of a session is told as what it is,
// and the call is not made.
func TestNothingIsSentWithoutASession(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault cloud.Fault
		check func(*change.Refusal) bool
		says  string
	}{
		{"the role is not there or does not trust", cloud.Fault{Kind: cloud.Deny}, func(r *change.Refusal) bool { return r.Denied && !r.Throttled && !r.Expired },
			"role arn:aws:iam::333333333333:role/RootkeepWriteTest cannot be entered: AccessDenied; hint: "},
		{"AWS STS breaks down", cloud.Fault{Kind: cloud.Broken}, func(r *change.Refusal) bool { return r.Throttled && r.Code == "NotSent" }, "cannot be entered"},
		{"the connection to STS ends", cloud.Fault{Kind: cloud.Cut}, func(r *change.Refusal) bool { return r.Throttled && r.Code == "NotSent" }, "cannot be entered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.fault.Operation = "AssumeRole"
			w.AddFault(c.fault)
			r := w.refused(group)
			if !c.check(r) || !strings.Contains(r.Message, c.says) {
				t.Errorf("got %+v, want that it says %q", r, c.says)
			}
			if w.asked("CreateGroup") != 0 {
				t.Error("the call was sent")
			}
		})
	}
}

// TestCredentialsThatEndAreSaid: those of the session, and those it is renewed with.
func TestCredentialsThatEndAreSaid(t *testing.T) {
	ends := false
	w := newWorld(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
			body, _ := io.ReadAll(in.Body)
			if ends && strings.Contains(string(body), "CreateGroup") {
				out.WriteHeader(http.StatusForbidden)
				io.WriteString(out, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>`)
				return
			}
			in.Body = io.NopCloser(strings.NewReader(string(body)))
			h.ServeHTTP(out, in)
		})
	})
	ends = true
	if r := w.refused(group); !r.Expired || r.Throttled || r.Denied {
		t.Errorf("got %+v, want that the credentials have ended", r)
	}
}

func TestNobodyListens(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.writer.Write(t.Context(), group); err != nil { // which keeps the session
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := listener.Addr().String()
	listener.Close()
	t.Setenv("AWS_ENDPOINT_URL_IAM", "http://"+nowhere)
	w.open(session.Config{})
	if r := w.refused(group); r.Code != "NotSent" || !r.Throttled {
		t.Errorf("got %+v, want that it was not sent", r)
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	w := newWorld(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
			if in.URL.Path != "/detector" {
				h.ServeHTTP(out, in)
				return
			}
			io.WriteString(out, `{"detectorIds": ["`)
			for range 65 {
				if _, err := out.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		})
	})
	_, err := w.reader.Read(t.Context(), change.Call{Operation: "guardduty:ListDetectors", Account: member, Region: home})
	if err == nil || !strings.Contains(err.Error(), "AWS answered more than 64 MiB") {
		t.Errorf("got %v, want that it is too much", err)
	}
}

// TestMistakesAreNotSent: operations and parameters that are not there.
func TestMistakesAreNotSent(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		name string
		call change.Call
		code string
		says string
	}{
		{"an operation that nobody has", change.Call{Operation: "iam:DeleteEverything"}, "NotSent", "it is no operation that reads here"},
		{"a parameter that is not there", change.Call{Operation: "iam:CreateGroup", With: m{"Name": "g"}}, "InvalidParameters", `there is no "Name": want GroupName, Path`},
		{"a type that is wrong", change.Call{Operation: "iam:CreateGroup", With: m{"GroupName": 7}}, "InvalidParameters", "GroupName: got a number, want a text"},
		{"a parameter that is missing", change.Call{Operation: "iam:CreateGroup", With: m{"Path": "/"}}, "InvalidParameters", "GroupName"},
		{"a page", change.Call{Operation: "iam:ListGroups", With: m{"Marker": "x"}}, "InvalidParameters", "Marker is not to be given: all pages are read"},
		{"a task that is not there", change.Call{Operation: "iam:CreateGroup", Root: "Everything"}, "NotSent", `"Everything" is no task of a root session`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			c.call.Account, c.call.Region = management, home
			if r := w.refused(c.call); r.Code != c.code || !strings.Contains(r.Message, c.says) {
				t.Errorf("got %+v, want %s that says %q", r, c.code, c.says)
			}
		})
	}
	if n := w.asked("CreateGroup") + w.asked("ListGroups"); n > 0 {
		t.Errorf("%d calls were sent", n)
	}
	if _, err := w.writer.Write(t.Context(), change.Call{Operation: "iam:ListUsers", Account: management, Region: home}); err == nil || !strings.Contains(err.Error(), "no operation that changes an account here") {
		t.Errorf("the writer reads: got %v", err)
	}
	if _, err := w.reader.Read(t.Context(), group); err == nil || !strings.Contains(err.Error(), "no operation that reads here") {
		t.Errorf("the reader writes: got %v", err)
	}
}

func TestAContextEndsACall(t *testing.T) {
	w := newWorld(t, nil)
	w.AddFault(cloud.Fault{Kind: cloud.Slow, Operation: "CreateGroup", Delay: time.Minute})
	w.do("sts:GetCallerIdentity", nil)
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, err := w.writer.Write(ctx, group); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the time was up", err)
	}
}

// TestSessionsAreTheChanges: the role of the class in the call's account, entered once, by
// the ID of the change; and root sessions of members from the role, which carry it on.
func TestSessionsAreTheChanges(t *testing.T) {
	w := newWorld(t, nil)
	w.admin(management, "organizations", "EnableAWSServiceAccess", m{"ServicePrincipal": "iam.amazonaws.com"})
	w.admin(management, "iam", "EnableOrganizationsRootCredentialsManagement", nil)
	w.call(group)
	w.call(change.Call{Operation: "iam:DeleteGroup", Account: member, Region: home, With: m{"GroupName": "g"}})
	if n := w.asked("AssumeRole"); n != 1 {
		t.Errorf("two calls: got %d sessions, want one", n)
	}
	w.recorded("CreateGroup", `"arn":"arn:aws:sts::333333333333:assumed-role/RootkeepWriteTest/`+changeID+`"`, `"sourceIdentity":"`+changeID+`"`)

	root := change.Call{Operation: "iam:ListAccessKeys", Account: member, Region: "eu-west-1", Root: "IAMDeleteRootUserCredentials"}
	key, _ := in(w.call(root), "AccessKeyMetadata", 0, "AccessKeyId").(string)
	root.Operation, root.With = "iam:DeleteAccessKey", m{"AccessKeyId": key}
	w.call(root)
	if n := w.asked("AssumeRoot"); n != 2 {
		t.Errorf("one to read and one to write: got %d root sessions, want 2", n)
	}
	w.recorded("DeleteAccessKey", `"arn":"arn:aws:iam::333333333333:root"`, `"sourceIdentity":"`+changeID+`"`)
	if len(w.Account(member).Root.Keys) > 0 {
		t.Error("the root user still has its key")
	}
	root.Account = management
	if r := w.refused(root); !r.Denied || !strings.Contains(r.Message, "the root user of 111111111111 for IAMDeleteRootUserCredentials cannot be entered") {
		t.Errorf("root of the management account: got %+v", r)
	}

	w.writer.End()
	if r := w.refused(group); r.Code != "NotSent" || !strings.Contains(r.Message, "its sessions have ended") {
		t.Errorf("after the end: got %+v", r)
	}
}

// recorded looks for texts in the newest CloudTrail record of a call in the member.
func (w *world) recorded(event string, texts ...string) {
	w.t.Helper()
	out := w.admin(member, "cloudtrail", "LookupEvents", m{"LookupAttributes": []m{{"AttributeKey": "EventName", "AttributeValue": event}}})
	record, _ := in(out, "Events", 0, "CloudTrailEvent").(string)
	for _, text := range texts {
		if !strings.Contains(record, text) {
			w.t.Errorf("record of %s: no %s in %s", event, text, record)
		}
	}
}

// TestSessionsAreNotedBeforeTheyAreUsed: who reads CloudTrail later has to know whose they
// were, those of root above all.
func TestSessionsAreNotedBeforeTheyAreUsed(t *testing.T) {
	w := newWorld(t, nil)
	w.admin(management, "organizations", "EnableAWSServiceAccess", m{"ServicePrincipal": "iam.amazonaws.com"})
	w.admin(management, "iam", "EnableOrganizationsRootCredentialsManagement", nil)
	var noted []facts.Session
	var full error
	begin := func() {
		var err error
		w.writer, err = awswrite.Begin(w.base, session.Entry{Role: writeRole, Name: changeID, Entered: func(s facts.Session) error {
			noted = append(noted, s)
			return full
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	begin()
	root := change.Call{Operation: "iam:DeleteLoginProfile", Account: member, Region: home, Root: "IAMDeleteRootUserCredentials"}
	if r := w.refused(root); r.Code != "NoSuchEntity" {
		t.Errorf("got %+v, want that root has no password", r)
	}
	if len(noted) != 2 || noted[0].Account != management || noted[0].Root || !noted[1].Root || noted[1].Account != member {
		t.Fatalf("got %+v, want the role in the management account, then root of the member", noted)
	}
	for _, s := range noted {
		if s.SourceIdentity != changeID || s.AccessKey == "" || s.Role == "" || s.Start.IsZero() || !s.End.After(s.Start) {
			t.Errorf("got %+v, want all that is known of it", s)
		}
	}
	full = errors.New("disk full")
	begin()
	if r := w.refused(group); r.Code != "NotSent" || !strings.Contains(r.Message, "a session in 333333333333 could not be noted: disk full") || w.asked("CreateGroup") > 0 {
		t.Errorf("got %+v, want that it is not used", r)
	}
}

func TestABrokerIsEnteredFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.admin(security, "iam", "CreateRole", m{"RoleName": "Broker", "AssumeRolePolicyDocument": trusted})
	w.admin(security, "iam", "AttachRolePolicy", m{"RoleName": "Broker", "PolicyArn": everything})
	only := strings.ReplaceAll(trusted, "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:role/Broker")
	w.admin(member, "iam", "UpdateAssumeRolePolicy", m{"RoleName": writeRole, "PolicyDocument": only})
	if r := w.refused(group); !r.Denied {
		t.Errorf("without the broker: got %+v, want that it is denied", r)
	}
	w.open(session.Config{Broker: "arn:aws:iam::222222222222:role/Broker"})
	w.call(group)
	if w.base.Account() != security {
		t.Errorf("got %s, want the broker's account", w.base.Account())
	}
	if _, err := session.Open(t.Context(), session.Config{Broker: "arn:aws:iam::222222222222:user/x"}); err == nil || !strings.Contains(err.Error(), "no ARN of a role") {
		t.Errorf("a broker that is no role: got %v", err)
	}
}

func TestNamesOfSessionsAndRolesAreChecked(t *testing.T) {
	w := newWorld(t, nil)
	for _, e := range []session.Entry{{Role: "x"}, {Role: "x", Name: "C"}, {Role: "x", Name: "a b"}, {Role: "", Name: changeID}, {Role: "a/b c", Name: changeID}, {Role: "x:y", Name: changeID}, {Role: strings.Repeat("x", 65), Name: changeID}} {
		if _, err := w.base.Begin(e); err == nil {
			t.Errorf("%+v: want an error", e)
		}
	}
	if _, err := w.base.Begin(session.Entry{Role: "path/x", Name: changeID}); err != nil {
		t.Error(err)
	}
	simtest.Environment(t, w, "AKIAWRONG", "wrong", "")
	if _, err := session.Open(t.Context(), session.Config{}); err == nil || !strings.Contains(err.Error(), "ask AWS whose credentials these are") {
		t.Errorf("keys that AWS does not know: got %v", err)
	}
}
