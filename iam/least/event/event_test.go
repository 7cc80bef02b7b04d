package event_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

func table(t testing.TB) *event.Table {
	t.Helper()
	out, err := event.ReadTable(content.Files, "eventactions")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lacks(string) bool { return false }

func having(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

func TestMean(t *testing.T) {
	tb := table(t)
	for _, c := range []struct {
		name, source, event string
		params              []string
		want                string
	}{
		{"an event is the action of its name", "iam", "CreateUser", nil, "iam:CreateUser"},
		{"monitoring is cloudwatch", "monitoring", "PutMetricAlarm", nil, "cloudwatch:PutMetricAlarm"},
		{"tagging is tag", "tagging", "GetResources", nil, "tag:GetResources"},
		{"ListObjects is ListBucket", "s3", "ListObjects", nil, "s3:ListBucket"},
		{"ListObjectsV2 is ListBucket", "s3", "ListObjectsV2", nil, "s3:ListBucket"},
		{"HeadBucket is ListBucket", "s3", "HeadBucket", nil, "s3:ListBucket"},
		{"HeadObject is GetObject", "s3", "HeadObject", nil, "s3:GetObject"},
		{"a version of an object is an action of its own", "s3", "GetObject", []string{"versionId"}, "s3:GetObjectVersion"},
		{"ListBuckets is ListAllMyBuckets", "s3", "ListBuckets", nil, "s3:ListAllMyBuckets"},
		{"UploadPart is PutObject", "s3", "UploadPart", nil, "s3:PutObject"},
		{"CompleteMultipartUpload is PutObject", "s3", "CompleteMultipartUpload", nil, "s3:PutObject"},
		{"DeleteObjects is DeleteObject", "s3", "DeleteObjects", nil, "s3:DeleteObject"},
		{"CopyObject is two actions", "s3", "CopyObject", nil, "s3:PutObject s3:GetObject"},
		{"CopyObject with tags is three", "s3", "CopyObject", []string{"x-amz-tagging"}, "s3:PutObject s3:GetObject s3:PutObjectTagging"},
		{"PutObject with an ACL is two", "s3", "PutObject", []string{"x-amz-acl"}, "s3:PutObject s3:PutObjectAcl"},
		{"GetBucketEncryption is GetEncryptionConfiguration", "s3", "GetBucketEncryption", nil, "s3:GetEncryptionConfiguration"},
		{"GetBucketLifecycle is GetLifecycleConfiguration", "s3", "GetBucketLifecycle", nil, "s3:GetLifecycleConfiguration"},
		{"a date behind a name of Lambda is no part of it", "lambda", "CreateFunction20150331", nil, "lambda:CreateFunction"},
		{"nor is its revision", "lambda", "UpdateFunctionCode20150331v2", nil, "lambda:UpdateFunctionCode"},
		{"a date behind a name of CloudFront", "cloudfront", "CreateDistribution2020_05_31", nil, "cloudfront:CreateDistribution"},
		{"a dated name with an exception", "cloudfront", "CreateDistributionWithTags2020_05_31", nil, "cloudfront:CreateDistribution cloudfront:TagResource"},
		{"Invoke is InvokeFunction", "lambda", "Invoke", nil, "lambda:InvokeFunction"},
		{"API Gateway creates by POST", "apigateway", "CreateRestApi", nil, "apigateway:POST"},
		{"API Gateway updates by PATCH", "apigateway", "UpdateStage", nil, "apigateway:PATCH"},
		{"API Gateway reads by GET", "apigateway", "GetRestApis", nil, "apigateway:GET"},
		{"an action of API Gateway's own stays", "apigateway", "CreatePortal", nil, "apigateway:CreatePortal"},
		{"a transaction is what it holds", "dynamodb", "TransactWriteItems", []string{"put", "delete"}, "dynamodb:PutItem dynamodb:DeleteItem"},
		{"a transaction of which nothing is logged is not known", "dynamodb", "TransactWriteItems", nil, "unmapped"},
		{"PartiQL does not tell", "dynamodb", "ExecuteStatement", nil, "unmapped: the statement"},
		{"ReEncrypt is two actions", "kms", "ReEncrypt", nil, "kms:ReEncryptFrom kms:ReEncryptTo"},
		{"a batch is its action", "sqs", "SendMessageBatch", nil, "sqs:SendMessage"},
		{"Application Auto Scaling logs as EC2 Auto Scaling", "autoscaling", "PutScalingPolicy", []string{"serviceNamespace"}, "application-autoscaling:PutScalingPolicy"},
		{"EC2 Auto Scaling does too", "autoscaling", "PutScalingPolicy", nil, "autoscaling:PutScalingPolicy"},
		{"budgets have two actions", "budgets", "DescribeBudgets", nil, "budgets:ViewBudget"},
		{"Keyspaces read by Select", "cassandra", "GetTable", nil, "cassandra:Select"},
		{"Converse invokes a model", "bedrock", "Converse", nil, "bedrock:InvokeModel"},
		{"a sign-in is nothing", "signin", "ConsoleLogin", nil, "nothing: a sign-in is"},
		{"the caller's identity is nothing", "sts", "GetCallerIdentity", nil, "nothing: no permission"},
		{"a report of KMS is nothing", "kms", "RotateKey", nil, "nothing: AWS KMS rotates"},
		{"a name that nobody knows is unmapped", "iam", "MakeAdmin", nil, "unmapped"},
		{"a source that nobody knows is unmapped", "nowhere", "Run", nil, "unmapped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := tb.Mean(c.source+".amazonaws.com", c.event, having(c.params...))
			got := strings.Join(m.Actions(), " ")
			switch {
			case m.Nothing:
				got = "nothing: " + m.Reason
			case got == "" && m.Reason != "":
				got = "unmapped: " + m.Reason
			case got == "":
				got = "unmapped"
			}
			if got != c.want && !(strings.Contains(c.want, ": ") && strings.HasPrefix(got, c.want)) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func demands(t *testing.T, record string) []string {
	t.Helper()
	c, err := event.ReadCall([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	f := event.NewFinder(table(t), event.Surroundings{
		Entities: []string{"arn:aws:iam::111122223333:user/staff/ann", "arn:aws:iam::111122223333:role/app"},
		Profiles: map[string]string{"arn:aws:iam::111122223333:instance-profile/web": "arn:aws:iam::111122223333:role/web"},
	})
	_, list := f.Demands(c)
	var out []string
	for _, d := range list {
		certainty, err := d.Resource.Certainty.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s %s", d.Action, d.Resource.Text, certainty)
		if d.PassedTo != "" {
			text += " to " + d.PassedTo
		}
		out = append(out, text)
	}
	return out
}

// in is a record of an event in eu-west-3 of account 111122223333.
func in(source, name, rest string) string {
	return fmt.Sprintf(`{"eventSource":"%s.amazonaws.com","eventName":%q,"awsRegion":"eu-west-3","recipientAccountId":"111122223333"%s}`, source, name, rest)
}

func TestDemands(t *testing.T) {
	for _, c := range []struct {
		name, record string
		want         []string
	}{
		{"the record's resources are taken", in("kms", "Decrypt", `,"resources":[{"ARN":"arn:aws:kms:eu-west-3:111122223333:key/abc","accountId":"111122223333"}]`),
			[]string{"kms:Decrypt arn:aws:kms:eu-west-3:111122223333:key/abc named"}},
		{"a parameter fills the template", in("dynamodb", "GetItem", `,"requestParameters":{"tableName":"users"}`),
			[]string{"dynamodb:GetItem arn:aws:dynamodb:eu-west-3:111122223333:table/users named"}},
		{"an ARN in a parameter is the resource", in("lambda", "Invoke", `,"requestParameters":{"functionName":"arn:aws:lambda:eu-west-3:999999999999:function:f"}`),
			[]string{"lambda:InvokeFunction arn:aws:lambda:eu-west-3:999999999999:function:f named"}},
		{"an object is bucket and key", in("s3", "GetObject", `,"requestParameters":{"bucketName":"b","key":"a/b.txt"}`),
			[]string{"s3:GetObject arn:aws:s3:::b/a/b.txt named"}},
		{"an object is not its bucket", in("s3", "ListObjectsV2", `,"requestParameters":{"bucketName":"b"},"resources":[{"ARN":"arn:aws:s3:::b/k"},{"ARN":"arn:aws:s3:::b"}]`),
			[]string{"s3:ListBucket arn:aws:s3:::b named"}},
		{"a copy has a source and a target", in("s3", "CopyObject", `,"requestParameters":{"bucketName":"b","key":"k","x-amz-copy-source":"/from/x/y"}`),
			[]string{"s3:PutObject arn:aws:s3:::b/k named", "s3:GetObject arn:aws:s3:::from/x/y named"}},
		{"a copy from nowhere has an untold source", in("s3", "CopyObject", `,"requestParameters":{"bucketName":"b","key":"k"}`),
			[]string{"s3:PutObject arn:aws:s3:::b/k named", "s3:GetObject * untold"}},
		{"wildcards in a key are escaped", in("s3", "GetObject", `,"requestParameters":{"bucketName":"b","key":"a*?${aws:username}"}`),
			[]string{"s3:GetObject arn:aws:s3:::b/a${*}${?}${$}{aws:username} named"}},
		{"an ARN whose head holds a wildcard is not believed", in("dynamodb", "GetItem", `,"resources":[{"ARN":"arn:aws:dynamodb:*:111122223333:table/x"}]`),
			[]string{"dynamodb:GetItem arn:aws:dynamodb:eu-west-3:111122223333:table/* derived"}},
		{"the partition is the caller's", in("dynamodb", "GetItem", `,"userIdentity":{"arn":"arn:aws-cn:iam::111122223333:user/ann"},"requestParameters":{"tableName":"t"}`),
			[]string{"dynamodb:GetItem arn:aws-cn:dynamodb:eu-west-3:111122223333:table/t named"}},
		{"an action without resource types has none", in("ec2", "DescribeInstances", ""), []string{"ec2:DescribeInstances * none"}},
		{"a path that the account knows is found", in("iam", "CreateAccessKey", `,"requestParameters":{"userName":"ann"}`),
			[]string{"iam:CreateAccessKey arn:aws:iam::111122223333:user/staff/ann named"}},
		{"a path that nobody knows stays open", in("iam", "CreateAccessKey", `,"requestParameters":{"userName":"bob"}`),
			[]string{"iam:CreateAccessKey arn:aws:iam::111122223333:user/*/bob derived", "iam:CreateAccessKey arn:aws:iam::111122223333:user/bob derived"}},
		{"a type that is always touched and not named is taken whole", in("cloudtrail", "StopLogging", ""),
			[]string{"cloudtrail:StopLogging arn:aws:cloudtrail:eu-west-3:111122223333:trail/* derived"}},
		{"a secret has six characters more than its name", in("secretsmanager", "GetSecretValue", `,"requestParameters":{"secretId":"db/main"}`),
			[]string{"secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-3:111122223333:secret:db/main-?????? derived"}},
		{"a log group ends in a star, its streams do not", in("logs", "DeleteLogGroup", `,"requestParameters":{"logGroupName":"/aws/x"}`),
			[]string{"logs:DeleteLogGroup arn:aws:logs:eu-west-3:111122223333:log-group:/aws/x:* derived"}},
		{"a log stream is group and stream", in("logs", "PutLogEvents", `,"requestParameters":{"logGroupName":"/aws/x","logStreamName":"s"}`),
			[]string{"logs:PutLogEvents arn:aws:logs:eu-west-3:111122223333:log-group:/aws/x:log-stream:s named"}},
		{"a queue is the end of its URL", in("sqs", "SendMessage", `,"requestParameters":{"queueUrl":"https://sqs.eu-west-3.amazonaws.com/111122223333/jobs"}`),
			[]string{"sqs:SendMessage arn:aws:sqs:eu-west-3:111122223333:jobs named"}},
		{"several names are several resources", in("ssm", "GetParameters", `,"requestParameters":{"names":["/a/b","c"]}`),
			[]string{"ssm:GetParameters arn:aws:ssm:eu-west-3:111122223333:parameter/a/b named", "ssm:GetParameters arn:aws:ssm:eu-west-3:111122223333:parameter/c named"}},
		{"a role is passed", in("lambda", "CreateFunction20150331", `,"requestParameters":{"functionName":"f","role":"arn:aws:iam::111122223333:role/app"}`),
			[]string{"lambda:CreateFunction arn:aws:lambda:eu-west-3:111122223333:function:f named",
				"iam:PassRole arn:aws:iam::111122223333:role/app named to lambda.amazonaws.com"}},
		{"a task definition passes its roles to tasks", in("ecs", "RegisterTaskDefinition", `,"requestParameters":{"family":"f","taskRoleArn":"arn:aws:iam::111122223333:role/app"}`),
			[]string{"ecs:RegisterTaskDefinition arn:aws:ecs:eu-west-3:111122223333:task-definition/f:* derived",
				"iam:PassRole arn:aws:iam::111122223333:role/app named to ecs-tasks.amazonaws.com"}},
		{"a role in a request that nobody passes it by is not passed", in("sts", "AssumeRole", `,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/app"}`),
			[]string{"sts:AssumeRole arn:aws:iam::111122223333:role/app named"}},
		{"a role that gets a grant is not passed", in("kms", "CreateGrant", `,"requestParameters":{"keyId":"k","granteePrincipal":"arn:aws:iam::111122223333:role/app"}`),
			[]string{"kms:CreateGrant arn:aws:kms:eu-west-3:111122223333:key/k named"}},
		{"an event of a service is nothing", in("kms", "Decrypt", `,"eventType":"AwsServiceEvent"`), nil},
		{"parameters that are no object name nothing", in("dynamodb", "GetItem", `,"requestParameters":"{\"tableName\":\"x\"}","resources":7`),
			[]string{"dynamodb:GetItem arn:aws:dynamodb:eu-west-3:111122223333:table/* derived"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, demands(t, c.record)); diff != "" {
				t.Errorf("demands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunInstancesTouchesWhatItMakes(t *testing.T) {
	got := demands(t, in("ec2", "RunInstances", `,"requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1","keyName":"k"}]},"subnetId":"subnet-1",
		"iamInstanceProfile":{"arn":"arn:aws:iam::111122223333:instance-profile/web"},"networkInterfaceSet":{"items":[{"groupSet":{"items":[{"groupId":"sg-1"}]}}]}}`))
	const ec2 = "ec2:RunInstances arn:aws:ec2:eu-west-3:111122223333:"
	want := []string{
		ec2 + "instance/* derived", ec2 + "key-pair/k named", ec2 + "network-interface/* derived", ec2 + "security-group/sg-1 named",
		ec2 + "subnet/subnet-1 named", ec2 + "volume/* derived", "ec2:RunInstances arn:aws:ec2:eu-west-3::image/ami-1 named",
		"iam:PassRole arn:aws:iam::111122223333:role/web named to ec2.amazonaws.com",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("demands (-want +got):\n%s", diff)
	}
}

func TestReadTableRefuses(t *testing.T) {
	const head = "date 2026-01-01\nsource k a page\n"
	for _, c := range []struct{ name, text, want string }{
		{"no date", "source k a page\n", "x/a.txt: no date"},
		{"an unknown kind", head + "evnt s3.amazonaws.com A s3:GetObject [k]\n", "x/a.txt:3: evnt: want service, event"},
		{"an action that the metadata lacks", head + "event s3.amazonaws.com A s3:Nothing [k]\n", "x/a.txt:3: s3:Nothing: no such action"},
		{"no source", head + "event s3.amazonaws.com A s3:GetObject\n", "x/a.txt:3: the line names no source"},
		{"a source that is not described", head + "event s3.amazonaws.com A s3:GetObject [z]\n", "x/a.txt:3: source z is not described"},
		{"nothing without a reason", head + "none s3.amazonaws.com A [k]\n", "x/a.txt:3: none: none, unclear and risk end in a reason"},
		{"a line twice", head + "event s3.amazonaws.com A s3:GetObject [k]\nevent s3.amazonaws.com A s3:PutObject [k]\n", "x/a.txt:4: s3.amazonaws.com A is there twice"},
		{"also without a parameter", head + "also s3.amazonaws.com A s3:GetObject [k]\n", "x/a.txt:3: also A: want ?PARAM"},
		{"a modifier that is none", head + "param s3 X ${a:b} [k]\n", "x/a.txt:3: ${a:b}: want a parameter"},
		{"too few words", head + "passes s3.amazonaws.com A [k]\n", "x/a.txt:3: passes: got 2 words"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := event.ReadTable(fstest.MapFS{"x/a.txt": {Data: []byte(c.text)}}, "x")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestReadCallRefuses(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"a name without end", in("s3", strings.Repeat("x", 300), "")}, {"no JSON", "{"}, {"no event", "{}"}, {"a number for a name", `{"eventSource":"s3.amazonaws.com","eventName":7}`}, {"a list", "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := event.ReadCall([]byte(c.text)); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		code string
		want event.Outcome
	}{
		{"", event.Succeeded}, {"Client.DryRunOperation", event.Succeeded}, {"AccessDenied", event.Refused}, {"AccessDeniedException", event.Refused},
		{"Client.UnauthorizedOperation", event.Refused}, {"NotAuthorizedException", event.Refused}, {"NoSuchBucket", event.Failed}, {"ThrottlingException", event.Failed},
	} {
		if got := (&event.Call{Error: c.code}).Outcome(); got != c.want {
			t.Errorf("%q: got %d, want %d", c.code, got, c.want)
		}
	}
}

// Every event of catalogues that nobody here wrote is an action, nothing for a reason,
// or counted as unmapped.
func TestCoverageOfTraildiscover(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/corpora/traildiscover/events.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/traildiscover is not there")
	}
	var list []struct{ EventName, EventSource string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	tb := table(t)
	mapped, nothing := 0, 0
	var lost []string
	for _, e := range list {
		switch m := tb.Mean(e.EventSource, e.EventName, lacks); {
		case m.Mapped():
			mapped++
		case m.Nothing:
			nothing++
		default:
			lost = append(lost, e.EventSource+" "+e.EventName)
		}
	}
	t.Logf("traildiscover: %d events, %d mapped, %d need no permission, unmapped: %v", len(list), mapped, nothing, lost)
	if share := float64(mapped) / float64(len(list)-nothing); len(list) < 381 || share < 0.95 {
		t.Errorf("got %.1f %% of %d events mapped, want 95 %% of at least 381", 100*share, len(list))
	}
}

func TestCoverageOfOperations(t *testing.T) {
	text, err := content.Files.ReadFile("api/operations.txt")
	if err != nil {
		t.Fatal(err)
	}
	tb := table(t)
	all, mapped := 0, 0
	s3 := []string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		for _, name := range words[1:] {
			all++
			// A service is logged under one of its names.
			if slices.ContainsFunc(strings.Split(words[0], ","), func(source string) bool {
				m := tb.Mean(source, name, lacks)
				return m.Mapped() || m.Nothing
			}) {
				mapped++
			} else if words[0] == "s3.amazonaws.com" {
				s3 = append(s3, name)
			}
		}
	}
	t.Logf("operations: %d of %d mapped (metadata of %s)", mapped, all, metadata.Date().Format("2006-01-02"))
	if share := float64(mapped) / float64(all); share < 0.95 {
		t.Errorf("got %.1f %% of %d operations mapped, want 95 %%", 100*share, all)
	}
	if len(s3) > 0 {
		t.Errorf("operations of S3 that are not mapped: %v", s3)
	}
}

func TestCoverageOfSigma(t *testing.T) {
	files, err := filepath.Glob("../../../../shared/corpora/sigma/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Skip("skipped: ../shared/corpora/sigma is not there")
	}
	tb := table(t)
	all, known := 0, 0
	var lost []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var rule struct{ Detection map[string]any }
		if err := yaml.Unmarshal(text, &rule); err != nil {
			t.Fatal(err)
		}
		for _, selection := range rule.Detection {
			fields, _ := selection.(map[string]any)
			source, _ := fields["eventSource"].(string)
			names, ok := fields["eventName"].([]any)
			if !ok {
				names = []any{fields["eventName"]}
			}
			for _, n := range names {
				name, _ := n.(string)
				if source == "" || name == "" || strings.ContainsAny(name, "*?") {
					continue
				}
				all++
				if m := tb.Mean(source, name, lacks); m.Mapped() || m.Nothing {
					known++
				} else {
					lost = append(lost, source+" "+name)
				}
			}
		}
	}
	slices.Sort(lost)
	t.Logf("sigma: %d of %d events known, unmapped: %v", known, all, slices.Compact(lost))
	if share := float64(known) / float64(all); all < 75 || share < 0.9 {
		t.Errorf("got %.1f %% of %d events known, want 90 %%", 100*share, all)
	}
}

func TestCoverageOfRecordedEvents(t *testing.T) {
	tb := table(t)
	for _, corpus := range []string{"stratus", "panther"} {
		t.Run(corpus, func(t *testing.T) {
			files, err := filepath.Glob("../../../../shared/corpora/" + corpus + "/*.json")
			if err != nil || len(files) == 0 {
				t.Skip("skipped: ../shared/corpora/" + corpus + " is not there")
			}
			seen := map[string]bool{}
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				var v any
				if err := json.Unmarshal(text, &v); err != nil {
					t.Fatal(err)
				}
				collect(v, seen)
			}
			var lost []string
			known := 0
			for pair := range seen {
				source, name, _ := strings.Cut(pair, " ")
				if m := tb.Mean(source, name, lacks); m.Mapped() || m.Nothing {
					known++
				} else {
					lost = append(lost, pair)
				}
			}
			slices.Sort(lost)
			t.Logf("%s: %d of %d events known, unmapped: %v", corpus, known, len(seen), lost)
			if share := float64(known) / float64(len(seen)); len(seen) < 50 || share < 0.9 {
				t.Errorf("got %.1f %% of %d events known, want 90 %%", 100*share, len(seen))
			}
		})
	}
}

// collect finds records at any depth.
func collect(v any, seen map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, seen)
		}
	case map[string]any:
		source, _ := v["eventSource"].(string)
		if name, _ := v["eventName"].(string); source != "" && name != "" {
			seen[source+" "+name] = true
		}
		for _, e := range v {
			collect(e, seen)
		}
	}
}

func FuzzDemands(f *testing.F) {
	f.Add([]byte(in("s3", "CopyObject", `,"requestParameters":{"bucketName":"b","key":"${*}","x-amz-copy-source":"/a/%20"}`)))
	f.Add([]byte(in("ec2", "RunInstances", `,"requestParameters":{"instancesSet":{"items":[{"imageId":["ami-1",{"a":null}]}]}},"resources":[{"ARN":"arn:aws:ec2:::x"}]`)))
	f.Add([]byte(in("logs", "PutLogEvents", `,"requestParameters":{"logGroupName":"/a:b","logStreamName":"*"}`)))
	f.Add([]byte(in("apigateway", "GetStage", `,"requestParameters":{"restApiId":"x","stageName":"p"}`)))
	finder := event.NewFinder(table(f), event.Surroundings{})
	f.Fuzz(func(t *testing.T, record []byte) {
		c, err := event.ReadCall(record)
		if err != nil {
			return
		}
		_, list := finder.Demands(c)
		for _, d := range list {
			if d.Resource.Text == "" || d.Resource.Certainty == event.Named && strings.ContainsAny(unescaped(d.Resource.Text), "*?") {
				t.Errorf("%s: got resource %q, want one without wildcards", d.Action, d.Resource.Text)
			}
		}
	})
}

// unescaped takes the escapes of a pattern out.
func unescaped(text string) string {
	return strings.NewReplacer("${*}", "", "${?}", "", "${$}", "").Replace(text)
}
