package invoke_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	analyzertypes "github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
	"github.com/rootkeep/rootkeep/internal/change"
)

type m = map[string]any

// echo is an operation that keeps its input and gives an output.
func echo[In, Out any](in *In, out Out, marks ...invoke.Mark) invoke.Operation {
	connect := func(aws.Config, ...func(*struct{})) *struct{} { return nil }
	return invoke.Op(connect, func(_ *struct{}, _ context.Context, got *In, _ ...func(*struct{})) (*Out, error) {
		*in = *got
		return &out, nil
	}, marks...)
}

func call(o invoke.Operation, with m) (m, error) {
	return o.Call(context.Background(), aws.Config{}, change.Call{Operation: o.Name, With: with})
}

func TestNameAndActionsComeFromTheSDK(t *testing.T) {
	o := invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).CreateAnalyzer)
	if o.Name != "access-analyzer:CreateAnalyzer" || len(o.Actions) != 1 || o.Actions[0] != o.Name {
		t.Errorf("got %+v", o)
	}
}

func TestParametersBecomeTheSDKsTypes(t *testing.T) {
	text, number, factor, yes := "b", int32(90), 0.5, true
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name string
		got  func(m) (any, error)
		with m
		want any
	}{
		{"texts, maps in lists", decoded[iam.TagUserInput](), m{"UserName": "b", "Tags": []m{{"Key": "b"}}}, iam.TagUserInput{UserName: &text, Tags: []iamtypes.Tag{{Key: &text}}}},
		{"numbers and truth", decoded[iam.UpdateAccountPasswordPolicyInput](), m{"MinimumPasswordLength": 90.0, "MaxPasswordAge": uint64(90), "HardExpiry": true},
			iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: &number, MaxPasswordAge: &number, HardExpiry: &yes}},
		{"a fraction", decoded[cloudwatch.PutMetricAlarmInput](), m{"Threshold": 0.5}, cloudwatch.PutMetricAlarmInput{Threshold: &factor}},
		{"a time, as UTC", decoded[cloudtrail.LookupEventsInput](), m{"StartTime": "2026-01-02T04:04:05+01:00"}, cloudtrail.LookupEventsInput{StartTime: &at}},
		{"bytes", decoded[kms.EncryptInput](), m{"Plaintext": "AAE="}, kms.EncryptInput{Plaintext: []byte{0, 1}}},
		{"a map of texts, an enumeration in a list", decoded[kms.CreateGrantInput](), m{"Operations": []any{"Decrypt"}, "Constraints": m{"EncryptionContextEquals": map[string]string{"a": "b"}}},
			kms.CreateGrantInput{Operations: []types.GrantOperation{"Decrypt"}, Constraints: &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "b"}}}},
		{"a choice", decoded[accessanalyzer.CreateAnalyzerInput](invoke.Choice[analyzertypes.AnalyzerConfigurationMemberUnusedAccess]), m{"configuration": m{"unusedAccess": m{"unusedAccessAge": 90}}},
			accessanalyzer.CreateAnalyzerInput{Configuration: &analyzertypes.AnalyzerConfigurationMemberUnusedAccess{Value: analyzertypes.UnusedAccessConfiguration{UnusedAccessAge: &number}}}},
		{"a value that is set before", decoded[iam.ListUsersInput](invoke.Preset("MaxItems", 90)), nil, iam.ListUsersInput{MaxItems: &number}},
		{"another one is given", decoded[iam.ListUsersInput](invoke.Preset("MaxItems", 5)), m{"MaxItems": 90}, iam.ListUsersInput{MaxItems: &number}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.got(c.with)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(unexported(c.want)...)); d != "" {
				t.Error(d)
			}
		})
	}
}

// decoded gives what parameters become.
func decoded[In any](marks ...invoke.Mark) func(m) (any, error) {
	return func(with m) (any, error) {
		var in In
		_, err := call(echo(&in, struct{ A string }{}, marks...), with)
		return in, err
	}
}

// unexported are the types of the SDK with a hidden member in what a test compares.
func unexported(in any) []any {
	return []any{in, iamtypes.Tag{}, types.GrantConstraints{}, analyzertypes.UnusedAccessConfiguration{}, analyzertypes.AnalyzerConfigurationMemberUnusedAccess{}}
}

func TestWhatHasNoPlaceIsNamed(t *testing.T) {
	alarm := decoded[cloudwatch.PutMetricAlarmInput]()
	analyzer := decoded[accessanalyzer.CreateAnalyzerInput](invoke.Choice[analyzertypes.AnalyzerConfigurationMemberUnusedAccess], invoke.Choice[analyzertypes.AnalyzerConfigurationMemberInternalAccess])
	for _, c := range []struct {
		name string
		got  func(m) (any, error)
		with m
		want string
	}{
		{"a name that is not there", decoded[iam.CreateGroupInput](), m{"Group": "x"}, `there is no "Group": want GroupName, Path`},
		{"its first letter is wrong", decoded[iam.CreateGroupInput](), m{"groupName": "x"}, `there is no "groupName": want GroupName, Path`},
		{"one that the SDK adds", decoded[iam.CreateGroupInput](), m{"ResultMetadata": m{}}, `there is no "ResultMetadata"`},
		{"a name deep down", alarm, m{"Dimensions": []any{m{"Name": "a"}, m{"Nam": "b"}}}, `there is no "Nam" in Dimensions[1]: want Name, Value`},
		{"a text for a number", alarm, m{"Period": "300"}, "Period: got a text, want a whole number of 32 bits"},
		{"a fraction for a whole number", alarm, m{"Period": 0.5}, "Period: got a number, want a whole number of 32 bits"},
		{"a number that is too large", alarm, m{"Period": int64(1) << 40}, "Period: got a number, want a whole number of 32 bits"},
		{"a number larger than all", alarm, m{"Period": uint64(math.MaxUint64)}, "Period: got a number, want a whole number of 32 bits"},
		{"no number", alarm, m{"Threshold": math.NaN()}, "Threshold: got a number, want a number"},
		{"a text for a list", alarm, m{"AlarmActions": "arn"}, "AlarmActions: got a text, want a list"},
		{"a list for a text", alarm, m{"AlarmName": []any{"a"}}, "AlarmName: got a list, want a text"},
		{"a number for truth", alarm, m{"ActionsEnabled": 1}, "ActionsEnabled: got a number, want true or false"},
		{"a list for a map", alarm, m{"Dimensions": []any{[]any{}}}, "Dimensions[0]: got a list, want a map"},
		{"nothing", alarm, m{"AlarmName": nil}, "AlarmName: got nothing, want a value, or the name left out"},
		{"a time that is none", decoded[cloudtrail.LookupEventsInput](), m{"StartTime": "yesterday"}, "StartTime: got a text, want a time such as"},
		{"bytes that are none", decoded[kms.EncryptInput](), m{"Plaintext": "%"}, "Plaintext: got a text, want bytes in base64"},
		{"a choice that is not there", analyzer, m{"configuration": m{"both": m{}}}, "configuration: want a map with one of internalAccess, unusedAccess"},
		{"two of a choice", analyzer, m{"configuration": m{"unusedAccess": m{}, "internalAccess": m{}}}, "configuration: want a map with one of internalAccess, unusedAccess"},
		{"a mistake in a choice", analyzer, m{"configuration": m{"unusedAccess": m{"age": 1}}}, `there is no "age" in configuration.unusedAccess: want analysisRule, unusedAccessAge`},
		{"what takes nothing", func(with m) (any, error) {
			return nil, invoke.Own[struct{}]("ec2:X", nil).Accepts(with)
		}, m{"A": 1}, `there is no "A": it takes nothing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.got(c.with); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want %q", got, err, c.want)
			}
		})
	}
}

// A mistake is told without the value, which may be a password.
func TestAMistakeDoesNotTellTheValue(t *testing.T) {
	_, err := decoded[iam.CreateLoginProfileInput]()(m{"Password": []any{"TOPSECRET"}, "UserName": m{"TOPSECRET": 1}})
	if err == nil || strings.Contains(err.Error(), "TOPSECRET") {
		t.Errorf("got %v, want an error without the value", err)
	}
}

func TestAnswersBecomeWhatJSONHas(t *testing.T) {
	id, secret, version, seconds := "AKIAEXAMPLE", "TOPSECRET", "%7B%22Version%22%3A%222012%22%7D", int32(7)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("x", 3600))
	for _, c := range []struct {
		name string
		op   invoke.Operation
		want m
	}{
		{"what is not told is left out", echo(new(iam.CreateGroupInput), iam.CreateGroupOutput{Group: &iamtypes.Group{GroupName: &id}}), m{"Group": m{"GroupName": id}}},
		{"a time, as UTC", echo(new(iam.CreateGroupInput), iam.CreateGroupOutput{Group: &iamtypes.Group{CreateDate: &at}}), m{"Group": m{"CreateDate": "2026-01-02T02:04:05.006Z"}}},
		{"a policy is decoded", echo(new(iam.GetPolicyVersionInput), iam.GetPolicyVersionOutput{PolicyVersion: &iamtypes.PolicyVersion{Document: &version}}),
			m{"PolicyVersion": m{"Document": `{"Version":"2012"}`, "IsDefaultVersion": false}}},
		{"a secret is one", echo(new(iam.CreateAccessKeyInput), iam.CreateAccessKeyOutput{AccessKey: &iamtypes.AccessKey{AccessKeyId: &id, SecretAccessKey: &secret}}),
			m{"AccessKey": m{"AccessKeyId": id, "SecretAccessKey": invoke.Secret("TOPSECRET")}}},
		{"numbers", echo(new(iam.GetAccountSummaryInput), iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{"Users": seconds}}), m{"SummaryMap": m{"Users": int64(7)}}},
		{"bytes", echo(new(kms.EncryptInput), kms.EncryptOutput{CiphertextBlob: []byte{0, 1}}), m{"CiphertextBlob": "AAE="}},
		{"bytes that are text", echo(new(iam.GetCredentialReportInput), iam.GetCredentialReportOutput{Content: []byte("user,arn")}, invoke.Text("Content")), m{"Content": "user,arn"}},
		{"a choice", echo(new(accessanalyzer.GetAnalyzerInput), accessanalyzer.GetAnalyzerOutput{Analyzer: &analyzertypes.AnalyzerSummary{
			Configuration: &analyzertypes.AnalyzerConfigurationMemberUnusedAccess{Value: analyzertypes.UnusedAccessConfiguration{UnusedAccessAge: &seconds}}}}),
			m{"analyzer": m{"configuration": m{"unusedAccess": m{"unusedAccessAge": int64(7)}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := call(c.op, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNumbersAreWholeWhereTheyAre(t *testing.T) {
	type numbers struct{ A, B, C float64 }
	got, err := call(echo(new(iam.CreateGroupInput), numbers{300, 0.5, 1 << 60}), nil)
	if want := (m{"A": int64(300), "B": 0.5, "C": float64(1 << 60)}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := call(echo(new(iam.CreateGroupInput), numbers{A: math.NaN()}), nil); err == nil {
		t.Errorf("got %v, want an error: JSON has no such number", got)
	}
}

// An answer that cannot be told whole is an error, and no refusal: the call was made.
func TestAnAnswerThatIsNotKnownIsAnError(t *testing.T) {
	for name, o := range map[string]invoke.Operation{
		"a choice": echo(new(accessanalyzer.GetAnalyzerInput), accessanalyzer.GetAnalyzerOutput{Analyzer: &analyzertypes.AnalyzerSummary{Configuration: &analyzertypes.UnknownUnionMember{Tag: "new"}}}),
		"bytes":    echo(new(iam.GetCredentialReportInput), iam.GetCredentialReportOutput{Content: []byte{0xff}}, invoke.Text("Content")),
		"a policy": echo(new(iam.GetPolicyVersionInput), iam.GetPolicyVersionOutput{PolicyVersion: &iamtypes.PolicyVersion{Document: aws.String("%zz")}}),
	} {
		got, err := call(o, nil)
		if err == nil || strings.HasPrefix(fmt.Sprintf("%T", err), "*change.") {
			t.Errorf("%s: got %v, %v, want an error", name, got, err)
		}
	}
}

func TestASecretIsNotShown(t *testing.T) {
	const s = invoke.Secret("TOPSECRET")
	text, err := json.Marshal(m{"a": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{string(text), fmt.Sprint(s), fmt.Sprintf("%v %+v %s %q %#v", s, s, s, s, s)} {
		if strings.Contains(got, "TOPSECRET") || !strings.Contains(got, "redacted") {
			t.Errorf("got %s", got)
		}
	}
	if string(s) != "TOPSECRET" {
		t.Errorf("got %q, want the secret for who asks for it", string(s))
	}
}

func TestPagesAreGathered(t *testing.T) {
	user := func(name string) iamtypes.User { return iamtypes.User{UserName: &name} }
	for _, c := range []struct {
		name  string
		pages []iam.ListUsersOutput
		want  string
		users int
	}{
		{"none", []iam.ListUsersOutput{{}}, "", 0},
		{"two pages", []iam.ListUsersOutput{{Users: []iamtypes.User{user("a"), user("b")}, IsTruncated: true, Marker: aws.String("1")}, {Users: []iamtypes.User{user("c")}}}, "", 3},
		{"a token of the last page is not followed", []iam.ListUsersOutput{{Users: []iamtypes.User{user("a")}, Marker: aws.String("1")}}, "", 1},
		{"cut without a token", []iam.ListUsersOutput{{IsTruncated: true}}, "AWS says that there is more, and not where", 0},
		{"the same token again", []iam.ListUsersOutput{{IsTruncated: true, Marker: aws.String("1")}, {IsTruncated: true, Marker: aws.String("1")}}, "same page token twice", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			connect := func(aws.Config, ...func(*struct{})) *struct{} { return nil }
			o := invoke.Op(connect, func(_ *struct{}, _ context.Context, in *iam.ListUsersInput, _ ...func(*struct{})) (*iam.ListUsersOutput, error) {
				if (in.Marker != nil) != (n > 0) {
					t.Errorf("page %d: got token %v", n, in.Marker)
				}
				n++
				return &c.pages[n-1], nil
			})
			got, err := o.Gather(t.Context(), aws.Config{}, change.Call{})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, %v, want %q", got, err, c.want)
				}
				return
			}
			users, ok := got["Users"].([]any)
			if err != nil || !ok || len(users) != c.users || len(got) != 1 || n != len(c.pages) {
				t.Errorf("got %v, %v after %d pages, want %d users of %d", got, err, n, c.users, len(c.pages))
			}
		})
	}
}
