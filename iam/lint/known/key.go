package known

import (
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Untagged is an action that an Action entry covers and that never sends
// aws:ResourceTag; empty if there is none. An action without resources that takes
// tags in the request counts as one that sends tags, as it does for AWS.
func Untagged(entry string) string {
	service, _, ok := strings.Cut(strings.ToLower(entry), ":")
	if !ok || strings.ContainsAny(service, "*?") {
		return ""
	}
	for _, a := range metadata.MatchActions(entry) {
		if !sendsTags(a) {
			return a.String()
		}
	}
	return ""
}

func sendsTags(a *metadata.Action) bool {
	for _, k := range a.Keys {
		if isTagKey(k) {
			return true
		}
	}
	for _, r := range a.Resources {
		if taggable()[a.Service+"/"+strings.ToLower(r.Type)] {
			return true
		}
		for _, k := range r.Keys {
			if isTagKey(k) {
				return true
			}
		}
	}
	return false
}

func isTagKey(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "aws:resourcetag/") || strings.HasPrefix(lower, "aws:requesttag/") || lower == "aws:tagkeys"
}

// taggable are the resource types that carry tags, as service/type in lower case.
var taggable = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, service := range metadata.Services() {
		for _, t := range metadata.ResourceTypes(service) {
			for _, k := range t.Keys {
				if isTagKey(k) {
					out[service+"/"+strings.ToLower(t.Name)] = true
				}
			}
		}
	}
	return out
})

// CompleteKeys says whether the table knows every pair of action and condition key
// of the service.
func CompleteKeys(service string) bool {
	switch service {
	case "iam", "s3", "kms", "dynamodb", "lambda", "sns", "sqs", "secretsmanager":
		return true
	}
	return false
}

// SendsKey says whether an action, on some resource, sends the condition key that
// the table names so.
func SendsKey(a *metadata.Action, name string) bool {
	has := func(keys []string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, name) })
	}
	if has(a.Keys) {
		return true
	}
	for _, r := range a.Resources {
		if has(r.Keys) {
			return true
		}
		for _, t := range metadata.ResourceTypes(a.Service) {
			if strings.EqualFold(t.Name, r.Type) && has(t.Keys) {
				return true
			}
		}
	}
	return false
}
