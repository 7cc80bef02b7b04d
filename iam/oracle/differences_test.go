package oracle

import "strings"

// difference is a point on which the two evaluators disagree by design; its id is a
// row of docs/iam-differences.md. It covers a case only in the direction named.
type difference struct {
	id        string
	got, want string // decisions, "" for any
	when      func(object) bool
}

func (d difference) covers(c object, got, want string) bool {
	return (d.got == "" || d.got == got) && (d.want == "" || d.want == want) && d.when(c)
}

const (
	allowed    = "allowed"
	explicitly = "explicitly_denied"
	implicitly = "implicitly_denied"
)

func differences() []difference {
	return []difference{
		{"root-user", allowed, implicitly, isRoot},
		{"root-assume-role", implicitly, allowed, both(isRoot, isAction("sts:AssumeRole"))},
		{"root-deny-named", explicitly, implicitly, isRoot},
		{"root-boundary", "", explicitly, both(isRoot, hasLayer("boundary"))},
		{"root-bucket-policy", "", explicitly, both(isRoot, isAction("s3:DeleteBucketPolicy"))},
		{"caller-identity-endpoint", "", allowed, both(isAction("sts:GetCallerIdentity"), hasLayer("endpoint"))},
		{"trust-policy-needed", implicitly, allowed, both(isAction("sts:AssumeRole"), notLayer("resource"))},
		{"notprincipal-chain", explicitly, "", anyStatement(func(_ string, _, s object) bool { return s["NotPrincipal"] != nil && s["Effect"] == "Deny" })},
		{"variable-version", "", "", anyStatement(func(_ string, p, s object) bool { return p["Version"] != "2012-10-17" && mentions(s, "${") })},
		{"variable-unresolved-deny", explicitly, "", anyStatement(func(_ string, _, s object) bool { return s["Effect"] == "Deny" && mentions(s, "${aws:") })},
		{"variable-unresolved-negated", "", implicitly, anyTest("Allow", func(op, _ string, values any) bool {
			return strings.Contains(op, "Not") && mentions(values, "${aws:")
		})},
		{"variable-special-characters", "", "", anyTest("", func(_, _ string, values any) bool { return mentions(values, "${*}") })},
		{"foranyvalue-ifexists", explicitly, "", anyTest("Deny", func(op, _ string, _ any) bool {
			return strings.HasPrefix(op, "ForAnyValue:") && strings.HasSuffix(op, "IfExists")
		})},
		{"set-operator-null", "", "", anyTest("", func(op, _ string, _ any) bool { return strings.HasSuffix(op, ":Null") })},
		{"date-epoch", "", "", anyTest("", func(op, _ string, values any) bool {
			return strings.Contains(op, "Date") && mentions(values, "1767225600")
		})},
		{"address-families", "", "", anyTest("", func(op, _ string, values any) bool {
			return strings.Contains(op, "NotIpAddress") && mentions(values, `"10.1.2.3"`)
		})},
		{"session-named", allowed, implicitly, both(hasLayer("session"), anyStatement(func(layer string, _, s object) bool {
			return layer == "resource" && s["Effect"] == "Allow" && (mentions(s, ":assumed-role/") || mentions(s, ":federated-user/"))
		}))},
	}
}
