package known

import (
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// WithPolicies says whether the resource policies of a service speak of its own
// actions and resources only.
func WithPolicies(service string) bool {
	switch service {
	case "s3", "sqs", "sns", "kms", "secretsmanager", "lambda", "ecr", "es", "glacier", "events", "logs", "dynamodb", "kinesis", "s3express", "backup":
		return true
	}
	return false
}

// AttachedTo tells the service of a resource policy: the one that all of its
// actions or ARNs name.
func AttachedTo(doc *policy.Document) string {
	found := map[string]int{}
	for i := range doc.Statements {
		s := &doc.Statements[i]
		for _, v := range append(s.Resource.Values(), s.NotResource.Values()...) {
			if p, ok := condition.SplitARN(v); ok && WithPolicies(p[2]) {
				found[p[2]]++
			}
		}
		for _, v := range s.Action.Values() {
			if service, _, ok := strings.Cut(strings.ToLower(v), ":"); ok && WithPolicies(service) {
				found[service]++
			}
		}
	}
	best, second := "", 0
	for _, service := range slices.Sorted(maps.Keys(found)) {
		switch n := found[service]; {
		case best == "" || n > found[best]:
			best, second = service, found[best]
		case n > second:
			second = n
		}
	}
	if best == "" || second*2 > found[best] {
		return "" // two services at once: nothing can be told
	}
	return best
}
