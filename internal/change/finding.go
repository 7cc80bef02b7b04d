package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// What of a finding fills a parameter.
const (
	fillResource = "resource" // its resource, an ARN
	fillName     = "name"     // what the ARN names: a user, a bucket, a log group
	fillNames    = "names"    // a list of that one name
	fillHolder   = "holder"   // the name, if it is a user, a group or a role
	fillType     = "type"     // user, group or role
	fillRegion   = "region"   // its Region
	fillRegions  = "regions"  // a list of that one Region
)

// fills are the types of the parameters that each may fill.
var fills = map[string]string{fillResource: "text", fillName: "text", fillNames: "texts", fillHolder: "text", fillType: "text", fillRegion: "text", fillRegions: "texts"}

// checkFinding looks at what of a finding is to fill the parameter.
func (p *Parameter) checkFinding(fixes []string) error {
	if p.Finding != "" && fills[p.Finding] != p.Type {
		if fills[p.Finding] == "" {
			return fmt.Errorf("finding %q: want one of %s", p.Finding, strings.Join(slices.Sorted(maps.Keys(fills)), ", "))
		}
		return fmt.Errorf("finding %q fills a parameter of type %s, and this is of type %s", p.Finding, fills[p.Finding], p.Type)
	}
	for _, id := range slices.Sorted(maps.Keys(p.Controls)) {
		if !slices.Contains(fixes, id) {
			return fmt.Errorf("controls: %s is not among those that the change fixes", id)
		}
		if _, err := p.Read(p.Controls[id]); err != nil {
			return fmt.Errorf("controls: %s: %w", id, err)
		}
	}
	return nil
}

// Filled is what a finding says of the parameters of a kind.
type Filled struct {
	Parameters map[string]any // as Arguments takes them; those that are not in it have their defaults
	Missing    []string       // required ones that the finding does not tell: a person gives them
}

// For fills the parameters of the kind from a finding. A value that the parameter does not
// allow, because the finding is about something else, is not taken.
func (k *Kind) For(f *rootkeep.Finding) Filled {
	out := Filled{Parameters: map[string]any{}, Missing: []string{}}
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		p := k.Parameters[name]
		v, ok := p.Controls[f.Control]
		if !ok {
			v, ok = tells(f, p.Finding)
		}
		if ok {
			if read, err := p.Read(v); err == nil {
				out.Parameters[name] = read
				continue
			}
		}
		if p.Required {
			out.Missing = append(out.Missing, name)
		}
	}
	return out
}

// tells gives what a parameter asks of a finding.
func tells(f *rootkeep.Finding, what string) (any, bool) {
	switch what {
	case fillRegion:
		return string(f.Region), f.Region != ""
	case fillRegions:
		return []any{string(f.Region)}, f.Region != ""
	}
	kind, name, ok := named(f.Resource)
	switch {
	case !ok:
		return nil, false
	case what == fillResource:
		return f.Resource, true
	case what == fillName:
		return name, true
	case what == fillNames:
		return []any{name}, true
	case what == fillHolder:
		return name, kind == "user" || kind == "group" || kind == "role"
	case what == fillType:
		return kind, true
	}
	return nil, false
}

// named takes the ARN of a finding's resource apart: alice of user/staff/alice, logs of a
// bucket, trail of log-group:trail:*. A finding about the account names its root user, and
// so nothing in it.
func named(resource string) (kind, name string, ok bool) {
	a, err := rootkeep.ParseARN(resource)
	if err != nil || a.Resource == "root" {
		return "", "", false
	}
	switch a.Service {
	case "iam": // names have no slash, paths have
		kind, _, _ = strings.Cut(a.Resource, "/")
		return kind, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:], true
	case "logs":
		name, ok = strings.CutPrefix(a.Resource, "log-group:")
		return "", strings.TrimSuffix(name, ":*"), ok
	case "cloudwatch":
		name, ok = strings.CutPrefix(a.Resource, "alarm:")
		return "", name, ok
	case "s3", "sns", "sqs":
		return "", a.Resource, true
	}
	return "", a.Resource[strings.IndexAny(a.Resource, "/:")+1:], true
}
