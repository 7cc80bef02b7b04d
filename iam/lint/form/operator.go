package form

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// WithoutVariables replaces each ${...} by nothing that a wildcard could be.
func WithoutVariables(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return out.String() + rest
		}
		text = after
	}
}

// VariableBody cuts a variable at its brace, which a quoted default may hold too.
func VariableBody(text string) (body, after string, closed bool) {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '\'':
			quoted = !quoted
		case text[i] == '}' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return strings.Cut(text, "}") // the quote is what is missing
}

// VariableProblem is the code of what is wrong inside ${...}, with a message, or
// nothing.
func VariableProblem(body string) (code, message string) {
	name, fallback, has := strings.Cut(body, ",")
	switch {
	case body == "*" || body == "?" || body == "$":
	case strings.TrimSpace(name) == "":
		return "EMPTY_VARIABLE", fmt.Sprintf("${%s} names no key", body)
	case strings.ContainsAny(name, " \t"):
		return "UNSUPPORTED_SPACE_IN_VARIABLE", fmt.Sprintf("${%s} has a space in its name", body)
	case has:
		d := strings.TrimSpace(fallback)
		if len(d) < 2 || d[0] != '\'' || d[len(d)-1] != '\'' {
			return "MISSING_QUOTE_IN_VARIABLE", fmt.Sprintf("the default in ${%s} has no quotes", body)
		}
	}
	return "", ""
}

// ARNOperator is the operator that compares ARNs with wildcards, negated or not.
func ARNOperator(o condition.Operator) string {
	if o.Negated {
		return "ArnNotLike"
	}
	return "ArnLike"
}

// OperatorFits says whether an operator compares values of a type. String equality
// of an ARN is exact and passes; aws:EpochTime may be a number.
func OperatorFits(f condition.Family, t metadata.KeyType, lower string) bool {
	isString := f == condition.StringEquals || f == condition.StringEqualsIgnoreCase || f == condition.StringLike
	switch t {
	case metadata.String:
		return isString || f == condition.Binary
	case metadata.ARN:
		return f == condition.ARN || isString && f != condition.StringLike
	case metadata.Bool:
		return f == condition.Bool
	case metadata.Numeric:
		return f >= condition.NumericEquals && f <= condition.NumericGreaterEquals
	case metadata.DateTime:
		numeric := f >= condition.NumericEquals && f <= condition.NumericGreaterEquals
		return f >= condition.DateEquals && f <= condition.DateGreaterEquals || numeric && lower == "aws:epochtime"
	case metadata.IPAddress:
		return f == condition.IPAddress
	}
	return true
}

// Guessable says whether an external id is short or a word of documentation. AWS
// takes 2 to 1,224 characters.
func Guessable(id string) bool {
	lower := strings.ToLower(id)
	for _, word := range []string{"example", "changeme", "externalid", "external-id", "external_id", "secret", "password", "placeholder", "test", "unique", "your", "xxxx", "12345"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return len(id) < 8 || len(id) > 1224
}
