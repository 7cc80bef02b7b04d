package oracle

import "strconv"

// oddKey is a key whose values are characters that patterns give a meaning.
const oddKey = "aws:PrincipalTag/odd"

// epoch is a date in seconds.
const epoch = "1767225600"

// key is a condition key with the values that a request and a policy may have.
type key struct {
	name     string
	operator []string
	request  []string
	policy   []string
	several  bool // the key has several values
}

func keys() []key {
	text := []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}
	number := []string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}
	date := []string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}
	arn := []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}
	dates := []string{"2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "2025-06-30", "2027-03-01T12:00:00Z", epoch}
	arns := []string{"arn:aws:s3:::logs", "arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:user/bob", "arn:aws:sns:eu-west-3:222222222222:topic"}
	return []key{
		{"aws:username", text, []string{"bob", "Bob", "ann", "*"}, []string{"bob", "b*", "?nn", "*", "${aws:PrincipalTag/team}", "ann", "${aws:userid, 'bob'}"}, false},
		{oddKey, text[:4], []string{"*", "?", "word"}, []string{"${*}", "${?}", "${*}${?}", "w${?}*", "${$}"}, false},
		{"aws:userid", text, []string{"AIDAEXAMPLE", "bob"}, []string{"AIDA*", "bob", "${aws:username}"}, false},
		{"aws:PrincipalTag/team", text, []string{"red", "blue", "bob"}, []string{"red", "BLUE", "${aws:username}", "b*"}, false},
		{"aws:PrincipalOrgID", text, []string{"o-abc", "o-def"}, []string{"o-abc", "o-*"}, false},
		{"aws:SourceIp", []string{"IpAddress", "NotIpAddress"}, []string{"192.0.2.10", "10.1.2.3", "2001:db8::1"}, []string{"192.0.2.0/24", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "10.1.2.99/24"}, false},
		{"aws:SecureTransport", []string{"Bool"}, []string{"true", "false"}, []string{"true", "false"}, false},
		{"aws:MultiFactorAuthPresent", []string{"Bool"}, []string{"true", "false"}, []string{"true", "false"}, false},
		{"aws:MultiFactorAuthAge", number, []string{"10", "3600", "99999"}, []string{"10", "3600", "3600.0", "5"}, false},
		{"aws:CurrentTime", date, dates[:4], dates, false},
		{"aws:PrincipalArn", arn, arns, append([]string{"arn:aws:iam::*:role/*", "arn:aws:iam::111111111111:*", "arn:aws:*:*:*:topic"}, arns...), false},
		{"aws:SourceArn", arn, arns, append([]string{"arn:aws:s3:::*", "arn:aws:sns:*:222222222222:*", "arn:aws:iam::111111111111:user/${aws:username}"}, arns...), false},
		{"aws:TagKeys", text, []string{"team", "cost", "env"}, []string{"team", "c*", "ENV", "cost"}, true},
		{"aws:PrincipalOrgPaths", text, []string{"o-abc/r-1/ou-1/", "o-abc/r-1/ou-2/"}, []string{"o-abc/*", "o-abc/r-1/ou-1/", "o-x/*"}, true},
	}
}

// context gives each key with even odds.
func (g generator) context() object {
	out := object{}
	for _, k := range keys() {
		switch {
		case !g.chance(45):
		case k.several:
			list := []string{}
			for range 1 + g.IntN(2) {
				list = append(list, pick(g, k.request...))
			}
			out[k.name] = list
		default:
			out[k.name] = pick(g, k.request...)
		}
	}
	return out
}

func (g generator) condition() object {
	out := object{}
	for range 1 + g.IntN(2) {
		k := pick(g, keys()...)
		op := pick(g, k.operator...)
		var values any = g.some(k.policy)
		if g.chance(10) {
			op, values = "Null", pick(g, "true", "false")
		} else if g.chance(25) {
			op += "IfExists"
		}
		if k.several && op != "Null" || g.chance(3) {
			op = pick(g, "ForAllValues:", "ForAnyValue:") + op
		}
		if text, ok := values.(string); ok && g.chance(20) {
			if b, err := strconv.ParseBool(text); err == nil && len(text) > 1 {
				values = b
			}
		}
		block, ok := out[op].(object)
		if !ok {
			block = object{}
			out[op] = block
		}
		block[k.name] = values
	}
	return out
}
