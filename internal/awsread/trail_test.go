package awsread_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// neighbour adds an account with an administrator.
func (w *world) neighbour(id rootkeep.AccountID) (*cloud.Account, cloud.Caller) {
	w.t.Helper()
	a, err := w.AddAccount(id, "archive", "archive@example.com", w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: w.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: w.Now(), Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	a.Users["admin"] = u
	who := cloud.UserCaller(a, u)
	u.Keys = []*cloud.AccessKey{w.NewKey(who, w.Now())}
	return a, who
}

func (w *world) callAs(who cloud.Caller, service, operation string, parameters map[string]any) map[string]any {
	w.t.Helper()
	out, err := w.Invoke(cloud.Invocation{Caller: who, Region: "us-east-1", Service: service, Operation: operation, Parameters: parameters})
	if err != nil {
		w.t.Fatalf("%s %s: %v", service, operation, err)
	}
	return out
}

func TestWhatAnotherAccountOwnsIsToBeReadThere(t *testing.T) {
	w := newWorld(t)
	_, archive := w.neighbour("222222222222")
	w.callAs(archive, "s3", "CreateBucket", map[string]any{"Bucket": "logs-of-all"})
	w.callAs(archive, "s3", "PutBucketPolicy", map[string]any{"Bucket": "logs-of-all", "Policy": strings.ReplaceAll(logsPolicy, "logs-of-example", "logs-of-all")})
	key := w.callAs(archive, "kms", "CreateKey", map[string]any{"Policy": strings.ReplaceAll(trailKeyPolicy, "111111111111", "222222222222")})["KeyMetadata"].(map[string]any)["Arn"].(string)
	w.call("cloudtrail", "UpdateTrail", map[string]any{"Name": "all", "S3BucketName": "logs-of-all", "KmsKeyId": key})
	w.ResetRequests()
	s := w.collect()
	reasons := map[string]string{}
	for _, g := range s.Gaps {
		reasons[g.Resource+" "+g.Path] = g.Reason
		if g.Permission != "" {
			t.Errorf("%s: no permission is missing, got %s", g.Path, g.Permission)
		}
	}
	const bucket = "arn:aws:s3:::logs-of-all"
	for path, want := range map[string]string{
		bucket + " buckets.account":    "bucket logs-of-all is not this account's, and S3 does not name its owner: scan that account as well",
		bucket + " buckets.versioning": "bucket logs-of-all is not this account's, and S3 does not name its owner: scan that account as well",
		key + " keys.state":            key + " belongs to account 222222222222: scan that account as well",
		key + " keys.rotation":         key + " belongs to account 222222222222: scan that account as well",
	} {
		if reasons[path] != want {
			t.Errorf("%s: got %q, want %q", path, reasons[path], want)
		}
	}
	for _, r := range w.Requests() {
		if strings.HasPrefix(r.Operation, "GetBucket") || r.Operation == "GetKeyRotationStatus" {
			t.Errorf("%s %s was called", r.Service, r.Operation)
		}
	}
	for _, f := range posture.Evaluate(s, controls(t), posture.Setting{Now: time.Now()}) {
		if (f.Resource == bucket || f.Resource == key) && f.Status != rootkeep.Unknown {
			t.Errorf("%s: got %s of what was not read", f.Control, f.Status)
		}
	}
}

func TestOfTheOrganizationsTrailAMemberReadsTheShadowAlone(t *testing.T) {
	w := newWorld(t)
	member, who := w.neighbour("222222222222")
	o, err := w.NewOrganization(w.account, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.Join(member, o.RootID)
	o.ServiceAccess["cloudtrail.amazonaws.com"] = w.Now()
	w.call("cloudtrail", "UpdateTrail", map[string]any{"Name": "all", "IsOrganizationTrail": true})
	k := member.Users["admin"].Keys[0]
	w.environment(k.ID, k.Secret, "")
	s := w.collect()
	for _, g := range s.Gaps {
		if !strings.HasPrefix(g.Path, "organization.") { // which are the management account's to read
			t.Errorf("gap: got %+v", g)
		}
	}
	f := s.Facts
	if len(f.Trails) != 1 || !f.Trails[0].Organization || f.Trails[0].Owner != "111111111111" || !f.Trails[0].Logging || len(f.Trails[0].Selectors) != 1 {
		t.Errorf("the shadow: got %+v", f.Trails)
	}
	if len(f.Buckets)+len(f.Keys)+len(f.LogGroups) > 0 {
		t.Errorf("what is not the member's to look after: got %v, %v, %v", f.Buckets, f.Keys, f.LogGroups)
	}
	for _, found := range posture.Evaluate(s, controls(t), posture.Setting{Now: time.Now()}) {
		if found.Control == "CT-08" && (found.Status != rootkeep.Pass || !strings.Contains(found.Detail, "owned by account 111111111111")) {
			t.Errorf("CT-08: got %s, %q", found.Status, found.Detail)
		}
	}
	// The member that keeps the log looks after it.
	w.callAs(who, "s3", "CreateBucket", map[string]any{"Bucket": "logs-of-all"})
	w.callAs(who, "s3", "PutBucketPolicy", map[string]any{"Bucket": "logs-of-all", "Policy": strings.ReplaceAll(logsPolicy, "logs-of-example", "logs-of-all")})
	w.call("cloudtrail", "UpdateTrail", map[string]any{"Name": "all", "S3BucketName": "logs-of-all"})
	if f := w.collect().Facts; len(f.Buckets) != 1 || f.Buckets[0].Account != "222222222222" || f.Buckets[0].Region != "us-east-1" || !f.Buckets[0].Block.RestrictUses {
		t.Errorf("the bucket in the member: got %+v", f.Buckets)
	}
}

func TestABucketsSettingsAreRead(t *testing.T) {
	w := newWorld(t)
	const name = "logs-of-example"
	set := func(operation, key string, value map[string]any) {
		w.call("s3", operation, map[string]any{"Bucket": name, key: value})
	}
	w.call("s3", "CreateBucket", map[string]any{"Bucket": "access-of-example"})
	set("PutBucketVersioning", "VersioningConfiguration", map[string]any{"Status": "Enabled"})
	set("PutBucketLogging", "BucketLoggingStatus", map[string]any{"LoggingEnabled": map[string]any{"TargetBucket": "access-of-example", "TargetPrefix": "x/"}})
	set("PutObjectLockConfiguration", "ObjectLockConfiguration", map[string]any{"ObjectLockEnabled": "Enabled", "Rule": map[string]any{"DefaultRetention": map[string]any{"Mode": "COMPLIANCE", "Years": 1}}})
	w.call("s3", "PutBucketLifecycleConfiguration", map[string]any{"Bucket": name, "Lifecycle": `<LifecycleConfiguration>` +
		`<Rule><ID>logs</ID><Status>Enabled</Status><Filter><Prefix>AWSLogs/</Prefix></Filter><Expiration><Days>400</Days></Expiration></Rule>` +
		`<Rule><ID>tagged</ID><Status>Enabled</Status><Filter><And><Prefix>x/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration></Rule>` +
		`<Rule><ID>off</ID><Status>Disabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule>` +
		`<Rule><ID>move</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>` +
		`</LifecycleConfiguration>`})
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Fatalf("gaps: got %v, want none", s.Gaps)
	}
	b := s.Facts.Buckets[0]
	want := facts.Bucket{Versioning: true, LogsTo: "access-of-example", LockMode: "COMPLIANCE", LockDays: 365, Expiries: []facts.Expiry{{Rule: "logs", Prefix: "AWSLogs/", Days: 400}, {Rule: "tagged", Prefix: "x/"}}}
	got := facts.Bucket{Versioning: b.Versioning, MFADelete: b.MFADelete, LogsTo: b.LogsTo, LockMode: b.LockMode, LockDays: b.LockDays, Expiries: b.Expiries}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABucketElsewhereIsAskedForInItsRegion(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Invoke(cloud.Invocation{Caller: cloud.UserCaller(w.account, w.admin), Region: "eu-west-3", Service: "s3", Operation: "CreateBucket",
		Parameters: map[string]any{"Bucket": "logs-in-paris", "CreateBucketConfiguration": map[string]any{"LocationConstraint": "eu-west-3"}}}); err != nil {
		t.Fatal(err)
	}
	w.call("s3", "PutBucketPolicy", map[string]any{"Bucket": "logs-in-paris", "Policy": strings.ReplaceAll(logsPolicy, "logs-of-example", "logs-in-paris")})
	w.call("cloudtrail", "UpdateTrail", map[string]any{"Name": "all", "S3BucketName": "logs-in-paris"})
	w.ResetRequests()
	if s := w.collect(); len(s.Gaps) > 0 || s.Facts.Buckets[0].Region != "eu-west-3" {
		t.Errorf("got %+v, %v", s.Facts.Buckets, s.Gaps)
	}
	var regions []string
	for _, r := range w.Requests() {
		if r.Operation == "GetBucketPolicy" {
			regions = append(regions, r.Region)
		}
	}
	if !slices.Equal(regions, []string{"eu-west-3"}) {
		t.Errorf("asked in %v, want eu-west-3 alone", regions)
	}
}

func TestEC2IsAskedAgainAndItsRefusalsAreNamed(t *testing.T) {
	w := newWorld(t)
	w.call("ec2", "EnableEbsEncryptionByDefault", nil)
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Service: "ec2", Region: "us-east-1", Times: 1})
	w.AddFault(cloud.Fault{Kind: cloud.Cut, Service: "ec2", Region: "us-east-2", Times: 1})
	w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "ec2", Region: "eu-west-1"})
	s := w.collect()
	for _, r := range s.Facts.Regions {
		if r.EBSEncryption != (r.Name == "us-east-1") {
			t.Errorf("%s: got %t", r.Name, r.EBSEncryption)
		}
	}
	want := []facts.Gap{{Path: "regions.ebs_encryption", Resource: "eu-west-1", Regions: "eu-west-1", Permission: "ec2:GetEbsEncryptionByDefault", Reason: "ec2:GetEbsEncryptionByDefault in eu-west-1 denied"}}
	if diff := cmp.Diff(want, s.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
