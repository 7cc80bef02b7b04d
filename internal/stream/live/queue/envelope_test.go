package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

func TestMessagesAreRead(t *testing.T) {
	const records = `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"eu-west-1","s3":{"bucket":{"name":"logs"},"object":{"key":"AWSLogs/a+b%2Bc%C3%A9.json.gz"}}}]}`
	created := []placed{{object.Name{Bucket: "logs", Key: "AWSLogs/a b+cé.json.gz"}, "eu-west-1"}}
	for _, test := range []struct {
		name, body string
		objects    []placed
		test       string
		event      string // its ID
		found      string // key of a finding
	}{
		{"a notification", records, created, "", "", ""},
		{"with members that nobody knows", strings.Replace(records, `{"Records"`, `{"more":{},"Records"`, 1), created, "", "", ""},
		{"of what was removed", strings.Replace(records, "Created:Put", "Removed:Delete", 1), nil, "", "", ""},
		{"a key as EventBridge writes it", `{"detail-type":"Object Created","source":"aws.s3","region":"eu-west-1","detail":{"bucket":{"name":"logs"},"object":{"key":"AWSLogs/a b+cé.json.gz"}}}`, created, "", "", ""},
		{"a test", `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-27T10:00:00.000Z","Bucket":"logs","RequestId":"1","HostId":"2"}`, nil, "logs", "", ""},
		{"a record", `{"detail-type":"AWS Console Sign In via CloudTrail","source":"aws.signin","account":"111122223333","region":"us-east-1","time":"2026-11-27T10:00:00Z","detail":{"eventID":"e1","eventSource":"signin.amazonaws.com"}}`, nil, "", "e1", ""},
		{"a finding", `{"detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","region":"us-east-1","detail":{"accountId":"111122223333","region":"us-east-1","arn":"arn:f","type":"Recon:IAMUser/X","title":"t","createdAt":"2026-11-27T10:00:00Z","updatedAt":"2026-11-27T10:00:00Z","severity":2}}`, nil, "", "", "finding/arn:f"},
		{"an Insight", `{"detail-type":"AWS Insight via CloudTrail","detail":{}}`, nil, "", "", ""},
	} {
		wrapped := `{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:111122223333:t","Message":` + quote(test.body) + `}`
		for _, body := range []string{test.body, wrapped} {
			got, err := read([]byte(body))
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			id := ""
			if got.event != nil {
				id = got.event.id
			}
			found := ""
			if len(got.found) > 0 {
				found = got.found[0].Key
			}
			if diff := cmp.Diff(test.objects, got.objects, cmp.AllowUnexported(placed{})); diff != "" || got.test != test.test || id != test.event || found != test.found {
				t.Errorf("%s: got test %q, event %q, finding %q, objects (-want +got):\n%s", test.name, got.test, id, found, diff)
			}
		}
	}
}

// Security Hub changes the workflow of a finding without its time: what was sent later is
// known by the time of the event.
func TestAFindingIsHeardWhenItWasSent(t *testing.T) {
	const body = `{"detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"111122223333","region":"us-east-1",%s"detail":{"findings":[{"Id":"f","AwsAccountId":"111122223333",
		"ProductName":"Scanner","GeneratorId":"g","Title":"t","CreatedAt":"2026-11-27T10:00:00Z","UpdatedAt":"2026-11-27T10:00:00Z","Severity":{"Label":"LOW"},"Workflow":{"Status":"RESOLVED"}}]}}`
	for sent, want := range map[string]string{
		`"time":"2026-11-27T11:00:00Z",`: "2026-11-27T11:00:00Z",
		`"time":"2026-11-27T09:00:00Z",`: "2026-11-27T10:00:00Z", // by a clock that is wrong
		`"time":"soon",`:                 "2026-11-27T10:00:00Z",
		``:                               "2026-11-27T10:00:00Z",
	} {
		got, err := read(fmt.Appendf(nil, body, sent))
		if err != nil || len(got.found) != 1 || got.found[0].Heard.Format(time.RFC3339) != want {
			t.Errorf("sent with %q: got %+v, %v, want it heard at %s", sent, got, err, want)
		}
	}
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func TestATopicInATopicIsNotOpened(t *testing.T) {
	inner := `{"Type":"Notification","TopicArn":"t","Message":"{}"}`
	if _, err := read([]byte(`{"Type":"Notification","TopicArn":"t","Message":` + quote(inner) + `}`)); !errors.Is(err, errShape) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestObjectsOfOneMessageAreBounded(t *testing.T) {
	one := `{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}`
	body := `{"Records":[` + strings.Repeat(one+",", mostObjects) + one + `]}`
	if _, err := read([]byte(body)); err == nil || !strings.Contains(err.Error(), "more than 1000") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestRegionsOfAnotherPartOfAWSAreNotAsked(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"us-east-1", "eu-west-3", true}, {"us-east-1", "cn-north-1", false}, {"us-gov-west-1", "us-gov-east-1", true}, {"us-gov-west-1", "us-west-1", false},
		{"us-iso-east-1", "us-east-1", false}, {"eusc-de-east-1", "eu-central-1", false},
	} {
		if got := side(test.a) == side(test.b); got != test.same {
			t.Errorf("%s and %s: got %v, want %v", test.a, test.b, got, test.same)
		}
	}
}

// What a message names is bounded and complete, whatever it holds.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a+b%20c"}}}]}`,
		`{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:111122223333:t","Message":"{\"Event\":\"s3:TestEvent\",\"Bucket\":\"b\"}"}`,
		`{"detail-type":"AWS API Call via CloudTrail","account":"111122223333","time":"2026-11-27T10:00:00Z","detail":{"eventID":"1","eventSource":"x"}}`,
		`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`,
		`[]`, `null`, `{"Records":null}`, `{"detail-type":"AWS API Call via CloudTrail","detail":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := read(body)
		if (n == nil) == (err == nil) {
			t.Fatalf("got news %v and error %v, want one of them", n, err)
		}
		if err != nil {
			return
		}
		for _, o := range n.objects {
			if o.Bucket == "" || o.Key == "" {
				t.Errorf("got an object without a name: %+v", o)
			}
		}
		if len(n.objects) > mostObjects {
			t.Errorf("got %d objects", len(n.objects))
		}
		if n.event != nil && (len(n.event.account) != 12 || n.event.id == "" || len(n.event.record) == 0) {
			t.Errorf("got an event of account %q, ID %q, %d bytes", n.event.account, n.event.id, len(n.event.record))
		}
	})
}
