// Package known says what AWS has: Regions, partitions, services, the forms of ARNs,
// and which actions send which condition keys. It derives from iam/metadata what
// checks ask for, once per process.
package known

import (
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Template is an ARN form of a resource type, with wildcards for its placeholders.
type Template struct {
	Region, Account, Resource string
	kind                      string // the fixed word that the resource starts with
}

// templates are the ARN forms by the service field of the ARN.
var templates = sync.OnceValue(func() map[string][]Template {
	out := map[string][]Template{}
	for _, prefix := range metadata.Services() {
		for _, r := range metadata.ResourceTypes(prefix) {
			p, ok := condition.SplitARN(r.ARN)
			if !ok {
				continue
			}
			resource := WildVariables(p[5])
			kind, _, _ := strings.Cut(resource, "*")
			out[p[2]] = append(out[p[2]], Template{p[3], p[4], resource, kind})
		}
	}
	return out
})

// WildVariables puts a star in the place of every ${...}.
func WildVariables(text string) string {
	for {
		before, rest, ok := strings.Cut(text, "${")
		if !ok {
			return text
		}
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return text
		}
		text = before + "*" + after
	}
}

// Partition says whether AWS has the partition.
func Partition(name string) bool {
	switch name {
	case "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc":
		return true
	}
	return false
}

// ARNService says whether ARNs carry the name: that of a service, or catalog,
// which Service Catalog writes.
func ARNService(name string) bool { return Service(name) || name == "catalog" }

// Fitting are the forms that some resource of the text can have, by the service
// field of the ARN.
func Fitting(service, resource string) []Template {
	var out []Template
	for _, t := range templates()[service] {
		if glob.Meets(resource, t.Resource) {
			out = append(out, t)
		}
	}
	return out
}

// Strict are services whose resource types are complete in the table and whose ARNs
// always carry an account. Others publish resources that only their own pages name
// (public documents of Systems Manager, views of Resource Explorer).
func Strict(service string) bool {
	switch service {
	case "iam", "lambda", "dynamodb", "sns", "sqs", "rds", "secretsmanager", "ecs", "kinesis", "sts":
		return true
	}
	return false
}

// UnknownKind says whether the resource starts with a word that no type of the
// service starts with.
func UnknownKind(service, resource string) bool {
	end := strings.IndexAny(resource, "/:*?")
	if end <= 0 || resource[end] == '*' || resource[end] == '?' {
		return false
	}
	word := strings.ToLower(resource[:end+1])
	for _, t := range templates()[service] {
		if t.kind == "" || strings.HasPrefix(strings.ToLower(t.kind), word) {
			return false
		}
	}
	return true
}

// Account says whether text is a 12-digit account number.
func Account(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// OwnedByAWS says whether the account field names AWS itself or one of its owners
// of public resources.
func OwnedByAWS(account string) bool {
	switch account {
	case "aws", "amazon", "aws-marketplace", "cloudfront", "third-party", "aws-managed", "self", "aws-service":
		return true
	}
	return false
}

// Templates is how many forms the ARNs of a service have.
func Templates(service string) int { return len(templates()[service]) }

// Wild says whether a field of an ARN holds a wildcard.
func Wild(field string) bool { return strings.ContainsAny(field, "*?") }
