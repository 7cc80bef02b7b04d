package awssim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// drilled is an account whose trail leads to an alarm on root use and on to a queue.
type drilled struct {
	*company
	*clock
	t     *testing.T
	queue string
}

func (d *drilled) Now() time.Time { return d.clock.Now() }

func (d *drilled) call(service, operation string, with map[string]any) map[string]any {
	d.t.Helper()
	return d.must(d.t, d.member, service, operation, with)
}

func newDrill(t *testing.T, change func(part string, with map[string]any)) *drilled {
	clock := newClock()
	d := &drilled{company: newCompany(t, cloud.Config{Clock: clock.Now}), clock: clock, t: t}
	policy := func(statements ...map[string]any) string {
		for _, s := range statements {
			s["Effect"] = "Allow"
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	group, topic, queue := d.member.ARN("logs", "us-east-1", "log-group:trail:*"), d.member.ARN("sns", "us-east-1", "alerts"), d.member.ARN("sqs", "us-east-1", "inbox")
	trail := map[string]any{"Service": "cloudtrail.amazonaws.com"}
	for _, step := range []struct {
		part, service, operation string
		with                     map[string]any
	}{
		{"bucket", "s3", "CreateBucket", map[string]any{"Bucket": "trail-logs"}},
		{"bucket policy", "s3", "PutBucketPolicy", map[string]any{"Bucket": "trail-logs", "Policy": policy(
			map[string]any{"Principal": trail, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::trail-logs"},
			map[string]any{"Principal": trail, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::trail-logs/*"})}},
		{"group", "logs", "CreateLogGroup", map[string]any{"logGroupName": "trail"}},
		{"role", "iam", "CreateRole", map[string]any{"RoleName": "deliver", "AssumeRolePolicyDocument": policy(map[string]any{"Principal": trail, "Action": "sts:AssumeRole"})}},
		{"permission", "iam", "PutRolePolicy", map[string]any{"RoleName": "deliver", "PolicyName": "deliver", "PolicyDocument": policy(
			map[string]any{"Action": []string{"logs:CreateLogStream", "logs:PutLogEvents"}, "Resource": strings.TrimSuffix(group, ":*") + ":log-stream:*"})}},
		{"trail", "cloudtrail", "CreateTrail", map[string]any{
			"Name": "all", "S3BucketName": "trail-logs", "IsMultiRegionTrail": true, "CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": d.member.IAM("role/deliver")}},
		{"logging", "cloudtrail", "StartLogging", map[string]any{"Name": "all"}},
		{"filter", "logs", "PutMetricFilter", map[string]any{"logGroupName": "trail", "filterName": "root", "filterPattern": `{ $.userIdentity.type = "Root" }`,
			"metricTransformations": []any{map[string]any{"metricName": "Root", "metricNamespace": "CIS", "metricValue": "1"}}}},
		{"topic", "sns", "CreateTopic", map[string]any{"Name": "alerts"}},
		{"queue", "sqs", "CreateQueue", map[string]any{"QueueName": "inbox", "Attributes": map[string]any{"Policy": policy(
			map[string]any{"Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue})}}},
		{"subscription", "sns", "Subscribe", map[string]any{"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}},
		{"alarm", "monitoring", "PutMetricAlarm", map[string]any{
			"AlarmName": "root", "Namespace": "CIS", "MetricName": "Root", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
			"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching", "AlarmActions": []any{topic}}},
	} {
		change(step.part, step.with)
		out := d.call(step.service, step.operation, step.with)
		if step.part == "queue" {
			d.queue = out["QueueUrl"].(string)
		}
	}
	return d
}

// pass lets time go by in minutes, as the clock of a drill does.
func (d *drilled) pass(minutes int) {
	for range minutes {
		d.add(time.Minute)
		d.Tick()
	}
}

func (d *drilled) state() string {
	return d.call("monitoring", "DescribeAlarms", map[string]any{"AlarmNames": []any{"root"}})["MetricAlarms"].([]any)[0].(map[string]any)["StateValue"].(string)
}

// notices are the alarm's messages in the queue: the old state and the new.
func (d *drilled) notices() (out []string) {
	messages, _ := d.call("sqs", "ReceiveMessage", map[string]any{"QueueUrl": d.queue, "MaxNumberOfMessages": 10})["Messages"].([]any)
	for _, m := range messages {
		var envelope struct{ Subject, Message string }
		var notice struct {
			OldStateValue, NewStateValue string
			Trigger                      struct{ MetricName string }
		}
		if err := json.Unmarshal([]byte(m.(map[string]any)["Body"].(string)), &envelope); err != nil {
			d.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(envelope.Message), &notice); err != nil {
			d.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s: %s to %s of %s", envelope.Subject, notice.OldStateValue, notice.NewStateValue, notice.Trigger.MetricName))
	}
	return out
}

// history are the summaries of a type, the newest first.
func (d *drilled) history(kind string) (out []string) {
	items, _ := d.call("monitoring", "DescribeAlarmHistory", map[string]any{"AlarmName": "root", "HistoryItemType": kind})["AlarmHistoryItems"].([]any)
	for _, item := range items {
		out = append(out, item.(map[string]any)["HistorySummary"].(string))
	}
	return out
}

func (d *drilled) rootSigns() {
	if _, err := d.Invoke(cloud.Invocation{Caller: cloud.RootCaller(d.member), Region: "us-east-1", Service: "iam", Operation: "ListUsers"}); err != nil {
		d.t.Fatal(err)
	}
}

func TestAnAlarmFiresOnRootUse(t *testing.T) {
	d := newDrill(t, func(string, map[string]any) {})
	d.pass(2)
	if got := d.state(); got != "OK" {
		t.Errorf("before root was used: got %s, want OK", got)
	}
	d.rootSigns()
	d.pass(10)
	if got := d.notices(); len(got) != 1 || got[0] != `ALARM: "root" in us-east-1: OK to ALARM of Root` {
		t.Errorf("the queue has %q", got)
	}
	d.pass(10)
	if got := d.state(); got != "OK" {
		t.Errorf("later: got %s, want OK", got)
	}
	if got, want := fmt.Sprint(d.history("StateUpdate")), "[Alarm updated from ALARM to OK Alarm updated from OK to ALARM Alarm updated from INSUFFICIENT_DATA to OK]"; got != want {
		t.Errorf("history: got %s, want %s", got, want)
	}
	if got := d.history("Action"); len(got) != 1 || !strings.HasPrefix(got[0], "Successfully executed action arn:aws:sns:") {
		t.Errorf("actions: got %q", got)
	}
}

// The status of a trail says why its log group gets nothing.
func TestATrailTellsWhatItsRoleMayNot(t *testing.T) {
	for _, c := range []struct{ name, part, key, value, want string }{
		{"it delivers", "", "", "", ""},
		{"its role may not create streams", "permission", "PolicyDocument", statementOf("Allow", "logs:PutLogEvents", ""), "AccessDenied"},
		{"its role trusts another", "role", "AssumeRolePolicyDocument", trustsMember, "AccessDenied"},
		{"its group is not there", "group", "logGroupName", "other", "ResourceNotFoundException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrill(t, func(part string, with map[string]any) {
				switch {
				case part == c.part:
					with[c.key] = c.value
				case part == "filter" && c.part == "group":
					with["logGroupName"] = c.value
				}
			})
			d.rootSigns()
			d.pass(6)
			status := d.call("cloudtrail", "GetTrailStatus", map[string]any{"Name": "all"})
			got, _ := status["LatestCloudWatchLogsDeliveryError"].(string)
			if _, delivered := status["LatestCloudWatchLogsDeliveryTime"]; got != c.want || delivered != (c.want == "") {
				t.Errorf("got %q, delivered: %v, want %q", got, delivered, c.want)
			}
			if status["LatestDeliveryTime"] == nil {
				t.Error("the bucket gets nothing either")
			}
		})
	}
}

// Each link of the chain, broken, keeps the alarm from the queue.
func TestABrokenLinkKeepsAnAlarmQuiet(t *testing.T) {
	for _, c := range []struct {
		name   string
		part   string
		change func(with map[string]any)
		fires  bool   // the alarm, with nobody told
		action string // what its history says of the action
	}{
		{"the filter matches something else", "filter", func(w map[string]any) { w["filterPattern"] = `{ $.userIdentity.type = "Roots" }` }, false, ""},
		{"the filter counts another metric", "filter", func(w map[string]any) {
			w["metricTransformations"] = []any{map[string]any{"metricName": "root", "metricNamespace": "CIS", "metricValue": "1"}}
		}, false, ""},
		{"the filter's value is no number", "filter", func(w map[string]any) {
			w["metricTransformations"] = []any{map[string]any{"metricName": "Root", "metricNamespace": "CIS", "metricValue": "$.eventName"}}
		}, false, ""},
		{"the alarm asks for two", "alarm", func(w map[string]any) { w["Threshold"] = 2 }, false, ""},
		{"the alarm is in another namespace", "alarm", func(w map[string]any) { w["Namespace"] = "cis" }, false, ""},
		{"the alarm wants a dimension", "alarm", func(w map[string]any) { w["Dimensions"] = []any{map[string]any{"Name": "a", "Value": "b"}} }, false, ""},
		{"the role may not deliver", "permission", func(w map[string]any) { w["PolicyDocument"] = statementOf("Allow", "logs:PutLogEvents", "") }, false, ""},
		{"the role trusts nobody", "role", func(w map[string]any) { w["AssumeRolePolicyDocument"] = trustsNobody }, false, ""},
		{"actions are off", "alarm", func(w map[string]any) { w["ActionsEnabled"] = false }, true, ""},
		{"the action is another topic", "alarm", func(w map[string]any) { w["AlarmActions"] = []any{"arn:aws:sns:us-east-1:333333333333:none"} }, true, "Failed to execute action"},
		{"the topic has AWS's key", "topic", func(w map[string]any) { w["Attributes"] = map[string]any{"KmsMasterKeyId": "alias/aws/sns"} }, true, "Failed to execute action"},
		{"the topic's policy lets others", "topic", func(w map[string]any) {
			w["Attributes"] = map[string]any{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sns:Publish","Resource":"*"}]}`}
		}, true, "Failed to execute action"},
		{"the queue's policy lets nobody", "queue", func(w map[string]any) { delete(w, "Attributes") }, true, "Successfully executed action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrill(t, func(part string, with map[string]any) {
				if part == c.part {
					c.change(with)
				}
			})
			d.pass(2)
			d.rootSigns()
			d.pass(10)
			if got := d.notices(); len(got) != 0 {
				t.Errorf("the queue has %q", got)
			}
			fired := strings.Contains(fmt.Sprint(d.history("StateUpdate")), "to ALARM")
			if fired != c.fires {
				t.Errorf("fired: got %v, want %v", fired, c.fires)
			}
			actions := d.history("Action")
			if (len(actions) > 0) != (c.action != "") || len(actions) > 0 && !strings.HasPrefix(actions[0], c.action) {
				t.Errorf("actions: got %q, want %q", actions, c.action)
			}
		})
	}
}
