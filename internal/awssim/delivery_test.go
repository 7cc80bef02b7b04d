package awssim_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
)

// must makes a call that has to succeed.
func (c *company) must(t *testing.T, account *cloud.Account, service, operation string, with map[string]any) map[string]any {
	t.Helper()
	out, err := c.Invoke(cloud.Invocation{Caller: cloud.UserCaller(account, account.Users["admin"]), Region: "us-east-1", Service: service, Operation: operation, Parameters: with})
	if err != nil {
		t.Fatalf("%s %s: %v", service, operation, err)
	}
	return out
}

// A trail delivers what it logs, with digests that our own verifier accepts.
func TestTrailsDeliverLogsWithDigests(t *testing.T) {
	clock := newClock()
	sim := newCompany(t, cloud.Config{Clock: clock.Now})
	sim.must(t, sim.member, "s3", "CreateBucket", map[string]any{"Bucket": "trail-logs"})
	sim.must(t, sim.member, "s3", "PutBucketPolicy", map[string]any{"Bucket": "trail-logs", "Policy": `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::trail-logs"},` +
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trail-logs/*"}]}`})
	sim.must(t, sim.member, "cloudtrail", "CreateTrail", map[string]any{"Name": "audit", "S3BucketName": "trail-logs", "EnableLogFileValidation": true})
	sim.must(t, sim.member, "cloudtrail", "StartLogging", map[string]any{"Name": "audit"})
	for range 25 {
		sim.must(t, sim.member, "iam", "ListUsers", nil)
		clock.add(5 * time.Minute)
		sim.Tick()
	}
	files := fstest.MapFS{}
	events := map[string]int{}
	for key, o := range s3.Objects(sim.Cloud, "trail-logs") {
		files[key] = &fstest.MapFile{Data: o.Body}
		k, ok := layout.Parse(key)
		switch {
		case !ok:
			t.Errorf("key %s is not of CloudTrail's layout", key)
		case k.Kind == layout.Digest:
			side, err := json.Marshal(map[string]any{"ContentType": "application/json", "Metadata": o.Metadata})
			if err != nil {
				t.Fatal(err)
			}
			files[key+digest.SidecarSuffix] = &fstest.MapFile{Data: side}
		default:
			count(t, o.Body, events)
		}
	}
	if events["ListUsers"] != 25 || events["StartLogging"] != 1 || events["CreateTrail"] != 0 {
		t.Errorf("delivered %v, want 25 times ListUsers, StartLogging, and nothing from before", events)
	}
	keys, err := digest.ParseKeys(publicKeys(t, sim))
	if err != nil {
		t.Fatal(err)
	}
	report, err := digest.Verify(t.Context(), files, digest.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	// The log files since the last digest are in none yet: that is not known to be wrong.
	if !report.Passed() || report.Digests.Valid != 2 || report.Logs.Valid < 20 || report.Gaps != 0 {
		var text bytes.Buffer
		if err := report.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		t.Errorf("got %d valid digests, %d valid logs, %d gaps, want 2 and at least 20 without gaps:\n%s", report.Digests.Valid, report.Logs.Valid, report.Gaps, text.Bytes())
	}
	status := sim.must(t, sim.member, "cloudtrail", "GetTrailStatus", map[string]any{"Name": "audit"})
	if status["LatestDeliveryTime"] == nil || status["LatestDeliveryError"] != nil || status["LatestDigestDeliveryTime"] == nil {
		t.Errorf("status: %v", status)
	}
	sim.must(t, sim.member, "s3", "DeleteBucketPolicy", map[string]any{"Bucket": "trail-logs"})
	clock.add(5 * time.Minute)
	if status = sim.must(t, sim.member, "cloudtrail", "GetTrailStatus", map[string]any{"Name": "audit"}); status["LatestDeliveryError"] != "AccessDenied" {
		t.Errorf("status without a bucket policy: %v", status)
	}
}

func count(t *testing.T, body []byte, events map[string]int) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Records []struct{ EventName string } }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Records {
		events[r.EventName]++
	}
}

func publicKeys(t *testing.T, sim *company) []byte {
	t.Helper()
	text, err := json.Marshal(sim.must(t, sim.member, "cloudtrail", "ListPublicKeys", nil))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A trail takes a key that is enabled and whose policy lets CloudTrail encrypt for it.
func TestATrailTakesAKeyThatItMayUse(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	must := func(service, operation string, with map[string]any) map[string]any {
		t.Helper()
		return sim.must(t, sim.member, service, operation, with)
	}
	must("s3", "CreateBucket", map[string]any{"Bucket": "trail-logs"})
	must("s3", "PutBucketPolicy", map[string]any{"Bucket": "trail-logs", "Policy": `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::trail-logs","arn:aws:s3:::trail-logs/*"]}]}`})
	must("cloudtrail", "CreateTrail", map[string]any{"Name": "audit", "S3BucketName": "trail-logs"})
	key := must("kms", "CreateKey", nil)["KeyMetadata"].(map[string]any)["Arn"].(string)
	update := func() string {
		_, err := sim.Invoke(cloud.Invocation{Caller: cloud.UserCaller(sim.member, sim.member.Users["admin"]), Region: "us-east-1", Service: "cloudtrail", Operation: "UpdateTrail",
			Parameters: map[string]any{"Name": "audit", "KmsKeyId": "alias/logs"}})
		if failure, ok := err.(*cloud.Error); ok {
			return failure.Code
		}
		return ""
	}
	let := func(arn string) {
		must("kms", "PutKeyPolicy", map[string]any{"KeyId": key, "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + sim.member.IAM("root") + `"},"Action":"kms:*","Resource":"*"},` +
			`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{"StringEquals":{"aws:SourceArn":"` + arn + `"}}}]}`})
	}
	arn := sim.member.ARN("cloudtrail", "us-east-1", "trail/audit")
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"there is none", func() {}, "KmsKeyNotFoundException"},
		{"its policy does not name CloudTrail", func() { must("kms", "CreateAlias", map[string]any{"AliasName": "alias/logs", "TargetKeyId": key}) }, "InsufficientEncryptionPolicyException"},
		{"its policy names another trail", func() { let(arn + "-other") }, "InsufficientEncryptionPolicyException"},
		{"it is disabled", func() { let(arn); must("kms", "DisableKey", map[string]any{"KeyId": key}) }, "KmsException"},
		{"it may be used", func() { must("kms", "EnableKey", map[string]any{"KeyId": key}) }, ""},
	} {
		step.do()
		if got := update(); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
	}
	if got := must("cloudtrail", "GetTrail", map[string]any{"Name": "audit"})["Trail"].(map[string]any)["KmsKeyId"]; got != key {
		t.Errorf("the trail shows the key %v, want its ARN", got)
	}
}
