package awsread_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const rootPattern = `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`

const logsPolicy = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": ["arn:aws:s3:::logs-of-example", "arn:aws:s3:::logs-of-example/*"]}}`

// world is a simulated account whose root alarm reaches a person, with the
// environment of a process that has the credentials of its administrator.
type world struct {
	*cloud.Cloud
	t       *testing.T
	account *cloud.Account
	admin   *cloud.User

	mu     sync.Mutex // guards what follows
	pauses []time.Duration

	regions []string // that AWS names, nil for all that are enabled
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := c.Now()
	a, err := c.AddAccount("111111111111", "alone", "alone@example.com", now.AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Cloud: c, t: t, account: a, admin: &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: now, Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}}
	a.Users["admin"], a.Alias, a.OptedIn["eu-south-1"] = w.admin, "example", true
	w.admin.Keys = []*cloud.AccessKey{c.NewKey(cloud.UserCaller(a, w.admin), now)}
	device := &cloud.Device{Serial: a.IAM("mfa/any"), Owner: a.IAM("root"), Enabled: now}
	a.Root.Password = cloud.Password{Set: true, Created: now, Changed: now}
	a.Root.MFA, a.Devices[device.Serial] = []*cloud.Device{device}, device
	w.admin.Password = cloud.Password{Set: true, Created: now, Changed: now}
	w.admin.MFA = []*cloud.Device{w.key("admin", map[string]string{"FIDO": "L1", "FIPS-140-3": "L2"})}
	w.watched()
	w.guarded(home)
	w.guarded("eu-west-1")
	w.environment(w.admin.Keys[0].ID, w.admin.Keys[0].Secret, "")
	c.ResetRequests()
	return w
}

// call makes a call as the administrator, in us-east-1.
func (w *world) call(service, operation string, parameters map[string]any) map[string]any {
	w.t.Helper()
	return w.callIn(home, service, operation, parameters)
}

// key is a security key of a user.
func (w *world) key(user string, certifications map[string]string) *cloud.Device {
	return &cloud.Device{Serial: w.account.IAM("u2f/user/" + user + "/key-EXAMPLE"), Owner: w.account.IAM("user/" + user), Enabled: w.Now(), Certifications: certifications}
}

// trailKeyPolicy lets CloudTrail encrypt.
const trailKeyPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"},
	{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*", "Resource": "*"}]}`

// watched makes a trail of all Regions and everything from it to a subscriber.
func (w *world) watched() {
	w.call("s3", "CreateBucket", map[string]any{"Bucket": "logs-of-example"})
	w.call("s3", "PutBucketPolicy", map[string]any{"Bucket": "logs-of-example", "Policy": logsPolicy})
	w.call("s3", "PutPublicAccessBlock", map[string]any{"Bucket": "logs-of-example", "PublicAccessBlockConfiguration": map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true}})
	w.call("logs", "CreateLogGroup", map[string]any{"logGroupName": "trail"})
	key := w.call("kms", "CreateKey", map[string]any{"Policy": trailKeyPolicy})["KeyMetadata"].(map[string]any)["Arn"]
	w.call("sqs", "CreateQueue", map[string]any{"QueueName": "events"})
	w.call("secretsmanager", "CreateSecret", map[string]any{"Name": "token", "SecretString": "hidden"})
	w.call("cloudtrail", "CreateTrail", map[string]any{
		"Name": "all", "KmsKeyId": key, "S3BucketName": "logs-of-example", "IsMultiRegionTrail": true, "CloudWatchLogsLogGroupArn": w.account.ARN("logs", "us-east-1", "log-group:trail:*"),
		"CloudWatchLogsRoleArn": w.account.IAM("role/deliver"),
	})
	w.call("cloudtrail", "StartLogging", map[string]any{"Name": "all"})
	w.filter("root", rootPattern)
	topic := w.account.ARN("sns", "us-east-1", "alerts")
	w.call("sns", "CreateTopic", map[string]any{"Name": "alerts", "Attributes": map[string]any{"KmsMasterKeyId": w.topicKey(), "Policy": `{"Version": "2012-10-17", "Statement": [
		{"Sid": "a", "Effect": "Allow", "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}, "Action": "sns:Publish", "Resource": "` + topic + `"}]}`}})
	w.call("sns", "Subscribe", map[string]any{"TopicArn": topic, "Protocol": "sms", "Endpoint": "+15550100"})
	w.call("monitoring", "PutMetricAlarm", map[string]any{
		"AlarmName": "root", "Namespace": "CIS", "MetricName": "root", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": []string{topic},
	})
	w.call("events", "PutRule", map[string]any{"Name": "root", "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "EventPattern": `{"detail": {"userIdentity": {"type": ["Root"]}}}`})
	w.call("events", "PutRule", map[string]any{"Name": "other", "EventPattern": `{"detail-type": ["EC2 Instance State-change Notification"]}`})
	w.call("events", "PutTargets", map[string]any{"Rule": "root", "Targets": []map[string]any{{"Id": "1", "Arn": topic}}})
}

// topicKey makes a key that services may encrypt messages with, and gives its ID.
func (w *world) topicKey() string {
	made := w.call("kms", "CreateKey", map[string]any{"Policy": `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"},
		{"Effect": "Allow", "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}]}`})
	return made["KeyMetadata"].(map[string]any)["KeyId"].(string)
}

func (w *world) filter(name, pattern string) {
	w.call("logs", "PutMetricFilter", map[string]any{"logGroupName": "trail", "filterName": name, "filterPattern": pattern,
		"metricTransformations": []map[string]any{{"metricName": name, "metricNamespace": "CIS", "metricValue": "1"}}})
}

// managing makes the account the management account of an organization with SCPs.
func (w *world) managing() { w.organize(w.account) }

// delegated makes the account a member that is delegated administrator.
func (w *world) delegated() {
	w.t.Helper()
	management, err := w.AddAccount("222222222222", "management", "management@example.com", w.Now().AddDate(-2, 0, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	w.organize(management)
}

// organize makes an organization with centralized root access, in which the account is
// in a unit unless it manages, and with an SCP at the root.
func (w *world) organize(management *cloud.Account) {
	w.t.Helper()
	o, err := w.NewOrganization(management, w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	delegate := w.account
	if management == w.account {
		if delegate, err = w.AddAccount("333333333333", "security", "security@example.com", w.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
	o.Join(delegate, o.AddUnit("security", o.RootID).ID)
	o.RootCredentials = true
	o.Delegated[delegate.ID] = map[string]time.Time{}
	for _, service := range []string{"iam.amazonaws.com", "account.amazonaws.com"} {
		o.ServiceAccess[service], o.Delegated[delegate.ID][service] = w.Now(), w.Now()
	}
	o.Policies["p-leaving0"] = &cloud.Guardrail{ID: "p-leaving0", Name: "leaving", Type: cloud.ServiceControl,
		Content: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}}`}
	o.Attached[o.RootID] = append(o.Attached[o.RootID], "p-leaving0")
	w.ResetRequests()
}

// environment is all that a process finds: the simulator, these keys, nothing else.
func (w *world) environment(key, secret, token string) {
	var h http.Handler = w.Cloud
	if few := simtest.In(w.regions...); few != nil {
		h = few(h)
	}
	simtest.Environment(w.t, h, key, secret, token)
}

// in has AWS name only some Regions, where the others would say the same.
func (w *world) in(regions ...string) *world {
	w.regions = regions
	w.environment(w.admin.Keys[0].ID, w.admin.Keys[0].Secret, "")
	return w
}

// config waits for nothing, and notes how long it would have.
func (w *world) config() awsread.Config {
	return awsread.Config{Sleep: func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pauses = append(w.pauses, d)
		return ctx.Err()
	}}
}

func (w *world) collect() *facts.Snapshot {
	w.t.Helper()
	s, err := awsread.Collect(w.t.Context(), w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
