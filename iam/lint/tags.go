package lint

import (
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// untagged is an action that an Action entry covers and that never sends
// aws:ResourceTag; empty if there is none. An action without resources that takes
// tags in the request counts as one that sends tags, as it does for AWS.
func untagged(entry string) string {
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
