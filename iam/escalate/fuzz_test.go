package escalate_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
)

// FuzzSearch searches whatever reads as an account: a dump is a stranger's.
func FuzzSearch(f *testing.F) {
	f.Add(`{"UserDetailList": [{"UserName": "a", "Arn": "arn:aws:iam::111122223333:user/a", "GroupList": ["g"], "UserPolicyList": [{"PolicyName": "p", "PolicyDocument":
		{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam::*:*"}, {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*"}]}}],
		"PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/gone"}, "AttachedManagedPolicies": [{"PolicyArn": "x"}]}],
		"RoleDetailList": [{"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r", "AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal":
		{"AWS": ["*", "444455556666", "AIDAX"], "Federated": ["arn:aws:iam::111122223333:saml-provider/s", "x.y"], "Service": "lambda.amazonaws.com"}, "Action": "sts:*"}},
		"InstanceProfileList": [{"Arn": ""}]}]}`)
	f.Add(`{"RoleDetailList": [{"RoleName": "r", "Arn": "arn:aws-cn:iam::111122223333:role/r"}]}`)
	ts := shipped(f)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := account.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		if _, err := escalate.Search(a, escalate.Options{Techniques: ts, Outside: true, Now: caseTime}); err != nil {
			t.Errorf("an account that reads: %v", err)
		}
	})
}
