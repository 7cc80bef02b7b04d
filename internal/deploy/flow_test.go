package deploy_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
	"github.com/rootkeep/rootkeep/internal/stream/live/queue"
)

// made is a stack that is made in the simulator.
type made struct {
	*simtest.Logged
	queues map[string]string // URLs by ID
}

// text is a text with what is known where the stack is made.
func text(s deploy.Text) string {
	return strings.NewReplacer("${account}", string(simtest.Management), "${region}", "us-east-1", "${partition}", "aws", "${suffix}", "amazonaws.com").Replace(string(s))
}

// plain is a value of an object as encoding/json writes it.
func plain(v any) any {
	switch v := v.(type) {
	case deploy.Text:
		return text(v)
	case deploy.Object:
		out := map[string]any{}
		for _, m := range v {
			out[m.Name] = plain(m.Value)
		}
		return out
	case deploy.List:
		out := []any{}
		for _, e := range v {
			out = append(out, plain(e))
		}
		return out
	}
	return v
}

func (m *made) json(t *testing.T, o deploy.Object) string {
	t.Helper()
	out, err := json.Marshal(plain(o))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func (m *made) arn(id string) string {
	url := m.queues[id]
	return "arn:aws:sqs:us-east-1:" + string(simtest.Management) + ":" + url[strings.LastIndexByte(url, '/')+1:]
}

// make makes what of the stack carries events: queues, the bucket, the trail and rules to
// queues.
func (m *made) make(t *testing.T, list []deploy.Resource) {
	t.Helper()
	for _, r := range list {
		switch r := r.(type) {
		case deploy.SQSQueue:
			name := text(r.Name)
			unread := m.Must("sqs", "CreateQueue", map[string]any{"QueueName": name + "-unread"})["QueueUrl"]
			dead := m.Must("sqs", "GetQueueAttributes", map[string]any{"QueueUrl": unread, "AttributeNames": []string{"QueueArn"}})["Attributes"].(map[string]any)["QueueArn"]
			m.queues[r.ID] = m.Must("sqs", "CreateQueue", map[string]any{"QueueName": name, "Attributes": map[string]any{
				"Policy": m.json(t, r.Policy.JSON()), "RedrivePolicy": `{"deadLetterTargetArn":"` + dead.(string) + `","maxReceiveCount":5}`,
			}})["QueueUrl"].(string)
		case deploy.Bucket:
			m.Must("s3", "CreateBucket", map[string]any{"Bucket": text(r.Name)})
			m.Must("s3", "PutBucketPolicy", map[string]any{"Bucket": text(r.Name), "Policy": m.json(t, r.Policy.JSON())})
			if r.Queue != "" {
				m.Must("s3", "PutBucketNotificationConfiguration", map[string]any{"Bucket": text(r.Name), "NotificationConfiguration": map[string]any{
					"QueueConfiguration": []any{map[string]any{"Queue": m.arn(r.Queue), "Event": []string{"s3:ObjectCreated:*"}}},
				}})
			}
		case deploy.CloudTrail:
			m.Must("cloudtrail", "CreateTrail", map[string]any{"Name": text(r.Name), "S3BucketName": text(r.Bucket), "IsMultiRegionTrail": true})
			m.Must("cloudtrail", "StartLogging", map[string]any{"Name": text(r.Name)})
		case deploy.EventRule:
			if r.Queue == "" {
				continue
			}
			state := map[bool]string{true: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", false: "ENABLED"}[r.Reads]
			m.Must("events", "PutRule", map[string]any{"Name": text(r.Name), "EventPattern": m.json(t, r.Pattern), "State": state})
			m.Must("events", "PutTargets", map[string]any{"Rule": text(r.Name), "Targets": []any{map[string]any{"Id": "queue", "Arn": m.arn(r.Queue)}}})
		}
	}
}

func (m *made) open(context.Context) (object.Credentials, error) {
	return func(_ context.Context, region string) (aws.Config, error) {
		return aws.Config{
			Region: region, BaseEndpoint: aws.String("http://simulated.example"), HTTPClient: &http.Client{Transport: simtest.Direct{Cloud: m.Cloud}},
			Credentials: credentials.NewStaticCredentialsProvider(m.Key.ID, m.Key.Secret, ""),
		}, nil
	}, nil
}

// A sign-in of root in an account that has the stack comes by both queues: at once as an
// event, and with the trail's next file.
func TestRootsSignInComesByBothQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &made{Logged: simtest.NewLogged(t), queues: map[string]string{}}
		m.Must("cloudtrail", "DeleteTrail", map[string]any{"Name": "audit"}) // the stack's alone
		stack, err := deploy.Build(deploy.Options{Account: string(simtest.Management), Without: []deploy.Part{deploy.Key, deploy.Logs, deploy.Alarms, deploy.Findings, deploy.Config, deploy.SecurityHub, deploy.GuardDuty, deploy.Analyzer, deploy.Role}})
		if err != nil {
			t.Fatal(err)
		}
		home, err := stack.Place("home")
		if err != nil {
			t.Fatal(err)
		}
		m.make(t, home.Resources)
		bucket := slices.IndexFunc(home.Resources, func(r deploy.Resource) bool { b, ok := r.(deploy.Bucket); return ok && b.Queue != "" })
		var mu sync.Mutex // guards got
		got := map[string]time.Duration{}
		signed := time.Now().Add(time.Minute)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		ended := make(chan error)
		for id, url := range m.queues {
			c := queue.Config{Name: "q", URL: "https://sqs.us-east-1.amazonaws.com/" + strings.SplitN(url, "/", 4)[3], Receivers: 1, Open: m.open, Now: time.Now}
			if id == "Queue" {
				c.Buckets = []string{text(home.Resources[bucket].(deploy.Bucket).Name)}
			}
			s, err := queue.New(c)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				ended <- s.Run(ctx, nil, func(ctx context.Context, d live.Delivery) error {
					if d.Lost != "" {
						t.Errorf("%s: lost %s", id, d.Lost)
					}
					if d.Input.Open != nil && signIns(ctx, t, d.Input) > 0 {
						mu.Lock()
						defer mu.Unlock()
						got[id] = time.Since(signed).Truncate(10 * time.Minute)
					}
					return nil
				})
			}()
		}
		time.Sleep(time.Minute)
		m.RootSignsIn(simtest.Management, 1)
		for range m.queues {
			<-ended
		}
		if diff := cmp.Diff(map[string]time.Duration{"Queue": 0, "RootEvents": 0}, got); diff != "" {
			t.Errorf("within ten minutes (-want +got):\n%s", diff)
		}
	})
}

// Findings come by their queue, from the rules that the stack has: those that matter, and
// those that are over.
func TestFindingsComeByTheirQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &made{Logged: simtest.NewLogged(t), queues: map[string]string{}}
		var without []deploy.Part
		for _, p := range deploy.Parts() {
			if p.Part != deploy.Findings {
				without = append(without, p.Part)
			}
		}
		stack, err := deploy.Build(deploy.Options{Account: string(simtest.Management), Without: without})
		if err != nil {
			t.Fatal(err)
		}
		m.make(t, stack.Places[0].Resources)
		s, err := queue.New(queue.Config{Name: "q", URL: "https://sqs.us-east-1.amazonaws.com/" + strings.SplitN(m.queues["Findings"], "/", 4)[3], Receivers: 1, Open: m.open, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		m.Must("securityhub", "EnableSecurityHub", map[string]any{"EnableDefaultStandards": false})
		detector := m.Must("guardduty", "CreateDetector", map[string]any{"enable": true})["detectorId"]
		m.Must("guardduty", "CreateSampleFindings", map[string]any{"DetectorId": detector, "findingTypes": []string{"Policy:IAMUser/RootCredentialUsage"}})
		const account = string(simtest.Management)
		for id, as := range map[string]string{"medium": "MEDIUM ACTIVE Scanner", "low": "LOW ACTIVE Scanner", "over": "LOW ARCHIVED Scanner", "rootkeep/own": "HIGH ACTIVE rootkeep"} {
			of := strings.Fields(as)
			m.Must("securityhub", "BatchImportFindings", map[string]any{"Findings": []any{map[string]any{
				"SchemaVersion": "2018-10-08", "Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:" + account + ":product/" + account + "/default", "ProductName": of[2], "GeneratorId": "g", "AwsAccountId": account,
				"CreatedAt": "2026-11-27T10:00:00Z", "UpdatedAt": "2026-11-27T10:00:00Z", "Severity": map[string]any{"Label": of[0]}, "Title": "t", "Description": "d", "RecordState": of[1],
				"Resources": []any{map[string]any{"Type": "AwsAccount", "Id": "AWS::::Account:" + account}},
			}}})
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		var got []string
		_ = s.Run(ctx, nil, func(_ context.Context, d live.Delivery) error { // until the time is over
			if d.Lost != "" {
				t.Errorf("lost %s", d.Lost)
			}
			for _, f := range d.Sightings { // one receiver: nothing else appends
				got = append(got, f.Level.String()+" "+f.Rules[0].Name+" "+f.Over)
			}
			return nil
		})
		slices.Sort(got)
		if diff := cmp.Diff([]string{"high guardduty/Policy:IAMUser/RootCredentialUsage ", "low scanner/g archived in Security Hub", "medium scanner/g "}, got); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
	})
}

func signIns(ctx context.Context, t *testing.T, in cloudtrail.Input) int {
	t.Helper()
	fields, err := cloudtrail.CompileFields([]string{"eventName", "userIdentity.type"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	cloudtrail.NewReader(fields, cloudtrail.Options{}).Read(ctx, in, func(r *cloudtrail.Record) error {
		if string(r.View.Text(0)) == "ConsoleLogin" && string(r.View.Text(1)) == "Root" {
			n++
		}
		return nil
	})
	return n
}
