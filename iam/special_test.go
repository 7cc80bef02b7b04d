package iam_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam"
)

// Section 2.3: trust policies.
func TestTrustPolicies(t *testing.T) {
	trust := func(principal string) string {
		return `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` + principal + `}`
	}
	byARN := func(arn string) string { return trust(`{"AWS":"` + arn + `"}`) }
	role := func(q question) question {
		q.resource = "arn:aws:iam::" + or(q.owner, own) + ":role/target"
		q.action = or(q.action, "sts:AssumeRole")
		return q
	}
	tagged := map[string][]string{"aws:RequestTag/team": {"red"}}
	saml := "arn:aws:iam::111122223333:saml-provider/idp"
	qs := []question{
		{name: "identity alone is not enough", identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "naming the caller suffices in one account", bucket: byARN(ann), want: iam.Allowed, by: "resource"},
		{name: "naming the account needs an identity Allow", bucket: byARN(own), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "naming the account with an identity Allow", bucket: byARN(own), identity: every, want: iam.Allowed, by: "resource, identity"},
		{name: "a role does not trust itself", caller: "arn:aws:sts::111122223333:assumed-role/target/s", bucket: byARN(ann), identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "across accounts the trust policy is not enough", owner: foreign, bucket: byARN(ann), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "across accounts both sides allow", owner: foreign, bucket: byARN(own), identity: every, want: iam.Allowed},
		{name: "a root user assumes no role", caller: rootARN, bucket: byARN(own), want: iam.ImplicitlyDenied, by: "service"},
		{name: "a service assumes the role it is named in", caller: "ec2.amazonaws.com", bucket: trust(`{"Service":"ec2.amazonaws.com"}`), want: iam.Allowed},
		{name: "another service does not", caller: "lambda.amazonaws.com", bucket: trust(`{"Service":"ec2.amazonaws.com"}`), want: iam.ImplicitlyDenied},
		{name: "SAML is judged by the trust policy alone", caller: saml, action: "sts:AssumeRoleWithSAML", scps: []string{other},
			bucket: `{"Effect":"Allow","Action":"sts:AssumeRoleWithSAML","Principal":{"Federated":"` + saml + `"}}`, want: iam.Allowed, by: "resource"},
		{name: "web identity is judged with its conditions", caller: "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com", action: "sts:AssumeRoleWithWebIdentity",
			context: map[string][]string{"token.actions.githubusercontent.com:sub": {"repo:evil/x:ref:refs/heads/main"}},
			bucket: `{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
 "Condition":{"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:us/x:ref:refs/heads/main"}}}`, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "a tagged session needs sts:TagSession as well", bucket: byARN(ann), context: tagged, want: iam.ImplicitlyDenied},
		{name: "a tagged session with sts:TagSession", bucket: `{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":"` + ann + `"}}`, context: tagged, want: iam.Allowed},
		{name: "a Deny of sts:TagSession stops the call", bucket: `{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":"` + ann + `"}}`, identity: deny("sts:TagSession", "*"), context: tagged, want: iam.ExplicitlyDenied, by: "identity"},
		{name: "a source identity needs sts:SetSourceIdentity as well", bucket: byARN(ann), context: map[string][]string{"sts:SourceIdentity": {"ann"}}, want: iam.ImplicitlyDenied},
		{name: "an external ID is required", owner: foreign, identity: every, bucket: `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"` + own + `"},"Condition":{"StringEquals":{"sts:ExternalId":"x1"}}}`, want: iam.ImplicitlyDenied, by: "resource"},
	}
	for i := range qs {
		qs[i] = role(qs[i])
	}
	ask(t, qs)
}

// Section 2.3: KMS, STS, what AWS owns, root, S3.
func TestServiceRules(t *testing.T) {
	const key = "arn:aws:kms:eu-west-3:111122223333:key/k"
	names := func(p string) string { return allow("*", "*", to(p)) }
	ask(t, []question{
		{name: "identity alone does not open a key", action: "kms:Decrypt", resource: key, identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "the key policy names the caller", action: "kms:Decrypt", resource: key, bucket: names(ann), want: iam.Allowed},
		{name: "the key policy hands over to the account", action: "kms:Decrypt", resource: key, bucket: names(rootARN), identity: every, want: iam.Allowed},
		{name: "the key policy hands over and identity is silent", action: "kms:Decrypt", resource: key, bucket: names(rootARN), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "root is bound by a key policy that leaves it out", caller: rootARN, action: "kms:Decrypt", resource: key, bucket: names(ann), want: iam.ImplicitlyDenied, by: "resource"},
		{name: "kms:ViaService is a condition like others", action: "kms:Decrypt", resource: key, bucket: allow("kms:*", "*", to(ann), `"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-3.amazonaws.com"}}`), want: iam.ImplicitlyDenied},
		{name: "creating a key needs no key policy", action: "kms:CreateKey", resource: "*", identity: every, want: iam.Allowed},
		{name: "an alias of AWS cannot be changed", action: "kms:UpdateAlias", resource: "arn:aws:kms:eu-west-3:111122223333:alias/aws/s3", identity: every, want: iam.ImplicitlyDenied, by: "service"},
		{name: "the caller's identity cannot be denied", action: "sts:GetCallerIdentity", resource: "*", identity: deny("*", "*"), scps: []string{deny("*", "*")}, want: iam.Allowed, by: "service"},
		{name: "an endpoint can deny the caller's identity", action: "sts:GetCallerIdentity", resource: "*", endpoint: deny("*", "*", everyone), want: iam.ExplicitlyDenied, by: "endpoint"},
		{name: "a policy of AWS cannot be changed", action: "iam:CreatePolicyVersion", resource: "arn:aws:iam::aws:policy/AdministratorAccess", owner: "-", identity: every, want: iam.ImplicitlyDenied, by: "service"},
		{name: "a policy of AWS can be read", action: "iam:GetPolicy", resource: "arn:aws:iam::aws:policy/AdministratorAccess", owner: "-", identity: every, want: iam.Allowed},
		{name: "a service-linked role cannot be given another policy", action: "iam:AttachRolePolicy", resource: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", identity: every, want: iam.ImplicitlyDenied, by: "service"},
		{name: "a service-linked role can be tagged", action: "iam:TagRole", resource: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", identity: every, want: iam.Allowed},
		{name: "a reserved role cannot be changed", action: "iam:AttachRolePolicy", resource: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/R", identity: every, want: iam.ImplicitlyDenied, by: "service"},
		{name: "root needs no identity policy", caller: rootARN, want: iam.Allowed},
		{name: "root ignores a boundary", caller: rootARN, boundary: other, want: iam.Allowed},
		{name: "a session of sts:AssumeRoot is capped by its task policy", caller: rootARN, session: allow("s3:DeleteBucketPolicy", "*"), want: iam.ImplicitlyDenied, by: "session"},
		{name: "a session of sts:AssumeRoot does its task", caller: rootARN, action: "s3:DeleteBucketPolicy", resource: "arn:aws:s3:::logs", session: allow("s3:DeleteBucketPolicy", "*"), bucket: deny("s3:*", "*", everyone), want: iam.Allowed},
		{name: "root is bound by a Deny of the bucket", caller: rootARN, bucket: deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "root repairs the bucket policy despite its Deny", caller: rootARN, action: "s3:PutBucketPolicy", resource: "arn:aws:s3:::logs", bucket: deny("s3:*", "*", everyone), want: iam.Allowed},
		{name: "a user does not", action: "s3:PutBucketPolicy", resource: "arn:aws:s3:::logs", identity: every, bucket: deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied},
		{name: "an SCP still stops root at the bucket policy", caller: rootARN, action: "s3:PutBucketPolicy", resource: "arn:aws:s3:::logs", scps: []string{every + "," + deny("s3:*", "*")}, want: iam.ExplicitlyDenied, by: "scp"},
		{name: "an SCP denies root by aws:PrincipalArn", caller: rootARN, scps: []string{every + "," + deny("*", "*", `"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"}}`)}, context: map[string][]string{"aws:PrincipalArn": {rootARN}}, want: iam.ExplicitlyDenied},
		{name: "an SCP spares central root sessions", caller: rootARN, scps: []string{every + "," + deny("*", "*", `"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"},"Null":{"aws:AssumedRoot":"true"}}`)}, context: map[string][]string{"aws:PrincipalArn": {rootARN}, "aws:AssumedRoot": {"true"}}, want: iam.Allowed},
		{name: "an unsigned caller reads a public bucket", caller: "*", bucket: open, scps: []string{other}, boundary: other, want: iam.Allowed, by: "resource"},
		{name: "an unsigned caller is nobody's account", caller: "*", bucket: names(own), want: iam.ImplicitlyDenied, by: "resource"},
		{name: "RestrictPublicBuckets stops unsigned callers", caller: "*", bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.ExplicitlyDenied, by: "public-access-block"},
		{name: "RestrictPublicBuckets stops other accounts", owner: foreign, identity: every, bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.ExplicitlyDenied, by: "public-access-block"},
		{name: "RestrictPublicBuckets adds nothing where nothing is allowed", owner: foreign, bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.ImplicitlyDenied, by: "identity"},
		{name: "RestrictPublicBuckets with an unknown owner", owner: "-", identity: every, bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.Conditional},
		{name: "RestrictPublicBuckets leaves the own account alone", bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.Allowed},
		{name: "RestrictPublicBuckets leaves services alone", caller: "cloudtrail.amazonaws.com", bucket: open, facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.Allowed},
		{name: "RestrictPublicBuckets leaves a policy that is not public alone", owner: foreign, identity: every, bucket: names(ann), facts: iam.Facts{RestrictPublicBuckets: true}, want: iam.Allowed},
		{name: "a fixed organization makes a policy not public", owner: foreign, identity: every, facts: iam.Facts{RestrictPublicBuckets: true}, context: map[string][]string{"aws:PrincipalOrgID": {"o-abc"}},
			bucket: allow("s3:*", "*", everyone, `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}`), want: iam.Allowed},
		{name: "a wildcard organization leaves a policy public", owner: foreign, identity: every, facts: iam.Facts{RestrictPublicBuckets: true}, context: map[string][]string{"aws:PrincipalOrgID": {"o-abc"}},
			bucket: allow("s3:*", "*", everyone, `"Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), want: iam.ExplicitlyDenied, by: "public-access-block"},
		{name: "tags of a bucket count", action: "s3:ListBucket", resource: "arn:aws:s3:::logs", identity: allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}`), context: map[string][]string{"aws:ResourceTag/team": {"red"}}, want: iam.Allowed},
		{name: "tags of a bucket do not count with ABAC off", action: "s3:ListBucket", resource: "arn:aws:s3:::logs", identity: allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}`), context: map[string][]string{"aws:ResourceTag/team": {"red"}}, facts: iam.Facts{BucketABACOff: true}, want: iam.ImplicitlyDenied},
		{name: "a bucket is not its objects", action: "s3:ListBucket", resource: "arn:aws:s3:::logs", identity: allow("s3:*", "arn:aws:s3:::logs/*"), want: iam.ImplicitlyDenied},
		{name: "iam:PassRole asks for the service", action: "iam:PassRole", resource: roleApp, identity: allow("iam:PassRole", "*", `"Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`), context: map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}}, want: iam.ImplicitlyDenied},
	})
}

func TestAllOfSeveralResources(t *testing.T) {
	yes, no := iam.Decision{Outcome: iam.Allowed}, iam.Decision{Outcome: iam.ImplicitlyDenied}
	maybe, never := iam.Decision{Outcome: iam.Conditional}, iam.Decision{Outcome: iam.ExplicitlyDenied}
	for _, c := range []struct {
		name string
		in   []iam.Decision
		want iam.Outcome
	}{
		{"all allowed is allowed", []iam.Decision{yes, yes}, iam.Allowed},
		{"one denied is denied", []iam.Decision{yes, no}, iam.ImplicitlyDenied},
		{"one conditional is conditional", []iam.Decision{yes, maybe}, iam.Conditional},
		{"a deny wins over a condition", []iam.Decision{maybe, no}, iam.ImplicitlyDenied},
		{"an explicit deny wins", []iam.Decision{no, never, maybe}, iam.ExplicitlyDenied},
		{"nothing asked is denied", nil, iam.ImplicitlyDenied},
	} {
		if got := iam.All(c.in...).Outcome; got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
