package oracle

import (
	"strconv"
	"strings"
)

// oddKey is a key whose values are characters that patterns give a meaning.
const oddKey = "aws:PrincipalTag/odd"

// epoch is a date in seconds.
const epoch = "1767225600"

// exponent is a number to some and none to others.
const exponent = "1e2"

// key is a condition key with the values that a request and a policy may have.
type key struct {
	name     string
	operator []string
	request  []string
	policy   []string
	several  bool // the key has several values
}

var (
	textOperators   = []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}
	numberOperators = []string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}
	dateOperators   = []string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}
	arnOperators    = []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}
	boolOperators   = []string{"Bool"}
	ipOperators     = []string{"IpAddress", "NotIpAddress"}
)

func keys(c call) []key {
	dates := []string{"2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "2025-06-30", "2027-03-01T12:00:00Z", epoch}
	arns := []string{"arn:aws:s3:::logs", "arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:user/bob", "arn:aws:sns:eu-west-3:222222222222:topic"}
	truth := []string{"true", "false"}
	addresses := []string{"192.0.2.10", "10.1.2.3", "2001:db8::1"}
	ranges := []string{"192.0.2.0/24", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "10.1.2.99/24", "0.0.0.0/0", "::/0", "2001:db8:0:0::1"}
	out := []key{
		{"aws:username", textOperators, []string{"bob", "Bob", "ann", "*"}, []string{"bob", "b*", "?nn", "*", "${aws:PrincipalTag/team}", "ann", "${aws:userid, 'bob'}", "${aws:userid,'b*'}"}, false},
		{oddKey, textOperators[:4], []string{"*", "?", "word"}, []string{"${*}", "${?}", "${*}${?}", "w${?}*", "${$}"}, false},
		{"aws:userid", textOperators, []string{"AIDAEXAMPLE", "bob"}, []string{"AIDA*", "bob", "${aws:username}"}, false},
		{"aws:PrincipalTag/team", textOperators, []string{"red", "blue", "bob", "r*d"}, []string{"red", "BLUE", "${aws:username}", "b*", "${aws:PrincipalTag/odd}"}, false},
		{"aws:PrincipalOrgID", textOperators, []string{"o-abc", "o-def"}, []string{"o-abc", "o-*"}, false},
		{"aws:PrincipalAccount", textOperators, []string{ours, theirs}, []string{ours, theirs, "1*", "${aws:ResourceAccount}"}, false},
		{"aws:PrincipalType", textOperators, []string{"User", "AssumedRole", "Account"}, []string{"User", "Assumed*", "account"}, false},
		{"aws:ResourceAccount", textOperators, []string{ours, theirs}, []string{ours, theirs, "${aws:PrincipalAccount}"}, false},
		{"aws:RequestedRegion", textOperators, []string{"eu-west-3", "us-east-1"}, []string{"eu-*", "us-east-1", "EU-WEST-3"}, false},
		{"aws:SourceVpce", textOperators, []string{"vpce-1", "vpce-2"}, []string{"vpce-1", "vpce-?"}, false},
		{"aws:SourceAccount", textOperators, []string{ours, theirs}, []string{ours, theirs}, false},
		{"aws:SourceIp", ipOperators, addresses, ranges, false},
		{"aws:VpcSourceIp", ipOperators, addresses, ranges, false},
		{"aws:SecureTransport", boolOperators, truth, truth, false},
		{"aws:MultiFactorAuthPresent", boolOperators, []string{"true", "false", "True"}, []string{"true", "false", "TRUE", "${aws:SecureTransport}"}, false},
		{"aws:PrincipalIsAWSService", boolOperators, truth, truth, false},
		{"aws:ViaAWSService", boolOperators, truth, truth, false},
		{"aws:MultiFactorAuthAge", numberOperators, []string{"10", "3600", "99999"}, []string{"10", "3600", "3600.0", "5", "-1"}, false},
		{"aws:CurrentTime", dateOperators, dates[:4], dates, false},
		{"aws:TokenIssueTime", dateOperators, dates[:4], dates, false},
		{"aws:PrincipalArn", arnOperators, arns, append([]string{"arn:aws:iam::*:role/*", "arn:aws:iam::111111111111:*", "arn:aws:*:*:*:topic", "arn:aws:iam::1*1:role/a?p"}, arns...), false},
		{"aws:SourceArn", arnOperators, arns, append([]string{"arn:aws:s3:::*", "arn:aws:sns:*:222222222222:*", "arn:aws:iam::111111111111:user/${aws:username}", "arn:aws:iam::111111111111:user/${aws:username, 'bob'}"}, arns...), false},
		{"aws:TagKeys", textOperators, []string{"team", "cost", "env"}, []string{"team", "c*", "ENV", "cost", "${aws:PrincipalTag/team}"}, true},
		{"aws:PrincipalOrgPaths", textOperators, []string{"o-abc/r-1/ou-1/", "o-abc/r-1/ou-2/"}, []string{"o-abc/*", "o-abc/r-1/ou-1/", "o-x/*"}, true},
		{"aws:CalledVia", textOperators, []string{"athena.amazonaws.com", "cloudformation.amazonaws.com"}, []string{"athena.amazonaws.com", "cloud*"}, true},
	}
	for _, k := range c.keys() {
		out = append(out, k, k, k) // as likely as the others together would be too much
	}
	return out
}

// keys are condition keys that AWS sends with the action alone.
func (c call) keys() []key {
	switch c.action {
	case "s3:ListBucket":
		return []key{
			{"s3:prefix", textOperators, []string{"bob/", "home/bob/x"}, []string{"${aws:username}/*", "bob/", "home/${aws:username, 'bob'}/*", "*"}, false},
			{"s3:max-keys", numberOperators, []string{"10", "1000"}, []string{"10", "100", exponent}, false},
		}
	case "s3:GetObject":
		return []key{{"s3:ExistingObjectTag/team", textOperators, []string{"red", "blue"}, []string{"${aws:PrincipalTag/team}", "red"}, false}}
	case "kms:Decrypt":
		return []key{
			{"kms:ViaService", textOperators, []string{"s3.eu-west-3.amazonaws.com", "ec2.eu-west-3.amazonaws.com"}, []string{"s3.*.amazonaws.com", "ec2.eu-west-3.amazonaws.com"}, false},
			{"kms:EncryptionContext:app", textOperators, []string{"billing", "web"}, []string{"billing", "${aws:PrincipalTag/team}"}, false},
			{"kms:EncryptionContextKeys", textOperators, []string{"app", "stage"}, []string{"app", "s*"}, true},
		}
	case "sts:AssumeRole":
		return []key{
			{"sts:ExternalId", textOperators, []string{"x1", "X1"}, []string{"x1", "x*"}, false},
			{"sts:RoleSessionName", textOperators, []string{"bob", "s9"}, []string{"${aws:username}", "s?"}, false},
		}
	case "iam:PassRole":
		return []key{{"iam:PassedToService", textOperators, []string{"ec2.amazonaws.com", "lambda.amazonaws.com"}, []string{"ec2.amazonaws.com", "*.amazonaws.com"}, false}}
	case "iam:CreateUser":
		return []key{{"iam:PermissionsBoundary", arnOperators, []string{"arn:aws:iam::111111111111:policy/b"}, []string{"arn:aws:iam::*:policy/b", "arn:aws:iam::111111111111:policy/c"}, false}}
	case "secretsmanager:GetSecretValue", "ec2:StartInstances", "sns:Publish", "dynamodb:GetItem":
		return []key{{"aws:ResourceTag/team", textOperators, []string{"red", "blue"}, []string{"${aws:PrincipalTag/team}", "red"}, false}}
	}
	return nil
}

// context gives each key with even odds. A session's aws:PrincipalArn is its role
// more often than not.
func (g generator) context(c call, principal string) object {
	out := object{}
	for _, k := range append(keys(call{}), c.keys()...) {
		switch {
		case !g.chance(40):
		case k.several:
			list := []string{}
			for range 1 + g.IntN(3) {
				list = append(list, pick(g, k.request...))
			}
			out[g.spelled(k.name)] = list
		default:
			out[g.spelled(k.name)] = pick(g, k.request...)
		}
	}
	role, session := strings.CutPrefix(principal, "arn:aws:sts::"+ours+":assumed-role/")
	if role, _, _ = strings.Cut(role, "/"); session && g.chance(60) {
		for k := range out {
			if strings.EqualFold(k, "aws:PrincipalArn") {
				delete(out, k)
			}
		}
		out["aws:PrincipalArn"] = "arn:aws:iam::" + ours + ":role/" + map[string]string{"app": "app", "admin": "ops/admin"}[role]
	}
	return out
}

// spelled is the name of a key, now and then in other capitals.
func (g generator) spelled(name string) string {
	switch g.IntN(25) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	}
	return name
}

func (g generator) condition(c call) object {
	out := object{}
	all := keys(c)
	for range 1 + g.IntN(3) {
		k := pick(g, all...)
		op := pick(g, k.operator...)
		var values any = g.some(k.policy)
		switch {
		case g.chance(8):
			op, values = "Null", g.some([]string{"true", "false"})
		case g.chance(25):
			op += "IfExists"
		}
		if k.several && op != "Null" && !g.chance(4) || g.chance(6) {
			op = pick(g, "ForAllValues:", "ForAnyValue:") + op
		}
		if text, ok := values.(string); ok && g.chance(20) {
			if b, err := strconv.ParseBool(text); err == nil && len(text) > 1 {
				values = b
			} else if n, err := strconv.Atoi(text); err == nil && strings.Contains(op, "Numeric") {
				values = n
			}
		}
		block, ok := out[op].(object)
		if !ok {
			block = object{}
			out[op] = block
		}
		name := g.spelled(k.name)
		for other := range block {
			if strings.EqualFold(other, name) {
				name = other // AWS refuses a key that differs by capitals alone
			}
		}
		block[name] = values
	}
	return out
}
