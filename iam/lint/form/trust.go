package form

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// leading is how many characters AWS wants before a wildcard.
const leading = 6

// TooOpen says whether a wildcard or variable at a place of the text lets strangers
// meet a condition key, in lower case.
func TooOpen(lower, text string, at int) bool {
	if known.Sensitive(lower) {
		return true
	}
	if lower == "aws:userid" {
		colon := strings.IndexByte(WithoutVariables(text), ':')
		return colon < 0 || at < colon && at > 0
	}
	return at < leading
}

// OwnVariable says whether the text is a variable that AWS fills in and the caller
// cannot choose: an account or organization, the same kind of thing.
func OwnVariable(text string) bool {
	name, ok := strings.CutPrefix(text, "${")
	name, closed := strings.CutSuffix(name, "}")
	lower := strings.ToLower(name)
	return ok && closed && (known.Sensitive(lower) || lower == "aws:userid" || known.Prefixed(lower))
}

// Fingerprint is a statement without its Sid, so that two that say the same are
// equal.
func Fingerprint(s *policy.Statement) string {
	plain := *s
	plain.Sid = policy.Text{}
	d := policy.Document{Statements: []policy.Statement{plain}}
	return strings.Clone(string(d.Compact()))
}

// OIDC tells a web identity provider from a SAML provider.
func OIDC(v string) bool {
	return strings.Contains(v, ":oidc-provider/") || !strings.HasPrefix(v, "arn:")
}

// WholeAccount says whether an AWS principal is an account rather than someone in
// it.
func WholeAccount(v string) bool {
	return known.Account(v) || strings.HasPrefix(v, "arn:") && strings.HasSuffix(v, ":root")
}

// OpenSubject says whether a pattern for the sub claim of a GitHub workflow covers
// more than one repository, or more than one branch. A branch that another condition
// names need not stand in the subject.
func OpenSubject(pattern string, branchNamed bool) bool {
	repository, rest, _ := strings.Cut(strings.TrimPrefix(pattern, "repo:"), ":")
	if strings.ContainsAny(repository, "*?") {
		return true
	}
	open := rest == "" || rest[0] == '*' || strings.HasSuffix(rest, "*") && strings.HasPrefix(rest, "ref:refs/heads/")
	return open && !branchNamed
}

// MixedTypes says whether the values are of more than one JSON type.
func MixedTypes(t *policy.Texts) bool {
	for _, item := range t.Items {
		if item.Kind != t.Items[0].Kind {
			return true
		}
	}
	return false
}
