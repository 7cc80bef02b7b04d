package invoke_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// FuzzParameters has JSON that anybody may have written become parameters: what is taken
// is taken again, what is not is an error that does not say a value.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{
		`{"RoleName":"a","AssumeRolePolicyDocument":"{}","MaxSessionDuration":3600,"Tags":[{"Key":"k","Value":"v"}]}`,
		`{"MaxSessionDuration":1e300}`, `{"Tags":[null]}`, `{"Tags":{"Key":1}}`, `{"RoleName":{"a":[]}}`, `{"rolename":"a"}`, `[]`, `null`,
		`{"Bucket":"b","ServerSideEncryptionConfiguration":{"Rules":[{"BucketKeyEnabled":true,"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}}`,
	} {
		f.Add([]byte(seed))
	}
	operations := []invoke.Operation{
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateRole), invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketEncryption), invoke.Op(s3.NewFromConfig, (*s3.Client).PutObject),
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := expr.ParseJSON(text)
		with, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		for _, o := range operations {
			first, second := o.Accepts(with), o.Accepts(with)
			if (first == nil) != (second == nil) || first != nil && first.Error() != second.Error() {
				t.Fatalf("%s: got %v, then %v", o.Name, first, second)
			}
			if s, told := with["RoleName"].(string); told && len(s) > 8 && first != nil && strings.Contains(first.Error(), s) && !strings.Contains(first.Error(), "there is no") {
				t.Errorf("%s: the error says a value: %v", o.Name, first)
			}
		}
	})
}
