package technique

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// trait is what there is about a target; an effect asks for some of it.
type trait uint16

const (
	ofActor    trait = 1 << iota // the actor itself, or something that it has
	ofOther                      // another user or role
	aPrincipal                   // another user or role, and nothing more
	aPolicy                      // a customer managed policy
	aVersion                     // a version of one
	aDenial                      // a policy that denies
	aGroup                       // a group
	aBoundary                    // a permissions boundary
	someSCPs                     // SCPs
	ofNobody                     // the account at large
)

var targets = map[Target]trait{
	TargetSelf:         ofActor,
	TargetOwnGroup:     ofActor | aGroup,
	TargetOtherGroup:   ofActor | aGroup,
	TargetOwnPolicy:    ofActor | aPolicy,
	TargetOwnVersion:   ofActor | aPolicy | aVersion,
	TargetOwnDeny:      ofActor | aDenial,
	TargetInlineDeny:   ofActor | aDenial,
	TargetGroupDeny:    ofActor | aDenial,
	TargetOwnBoundary:  ofActor | aBoundary,
	TargetGuardrails:   ofActor | someSCPs,
	TargetUser:         ofOther | aPrincipal | aBoundary,
	TargetRole:         ofOther | aPrincipal | aBoundary,
	TargetUserPolicy:   ofOther | aPolicy,
	TargetRolePolicy:   ofOther | aPolicy,
	TargetUserGroup:    ofOther | aGroup,
	TargetServiceRole:  ofOther,
	TargetInstanceRole: ofOther,
	TargetSAMLRole:     ofOther,
	TargetOIDCRole:     ofOther,
	TargetAccount:      ofNobody,
}

// named are the targets for which a name stands for something; $actor and $target do
// for all.
var named = map[string][]Target{
	"$policy":   {TargetOwnPolicy, TargetOwnVersion, TargetOwnDeny, TargetOwnBoundary, TargetUserPolicy, TargetRolePolicy},
	"$group":    {TargetOwnGroup, TargetOtherGroup, TargetGroupDeny, TargetUserGroup},
	"$provider": {TargetSAMLRole, TargetOIDCRole},
}

// effects are the traits of which a target needs one.
var effects = map[Effect]trait{
	Administrator: ofActor | ofNobody,
	Become:        ofOther,
	Grant:         ofActor | aPrincipal,
	Join:          aGroup,
	Replace:       aPolicy,
	Activate:      aVersion,
	Drop:          aDenial,
	Unbind:        aBoundary,
	Unguard:       someSCPs,
	Retag:         ofActor,
	Lead:          ofActor | ofNobody,
}

// Targets lists the targets that a technique can name.
func Targets() []Target { return slices.Sorted(maps.Keys(targets)) }

// EffectNames lists the effects that a technique can name.
func EffectNames() []Effect { return slices.Sorted(maps.Keys(effects)) }

// typeARN is the template of a resource type of an action, "" if it has no such type.
func typeARN(a *metadata.Action, name string) string {
	for _, r := range a.Resources {
		if r.Type != name {
			continue
		}
		for _, t := range metadata.ResourceTypes(a.Service) {
			if t.Name == name {
				return t.ARN
			}
		}
	}
	return ""
}

// requiredTypes are the resource types that every call of the action has.
func requiredTypes(a *metadata.Action) (out []string) {
	for _, r := range a.Resources {
		if r.Required {
			out = append(out, r.Type)
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// form turns a template of the table into the form of a content file: what the
// account decides by name, what the actor chooses as *.
func form(template string) string {
	out := strings.NewReplacer("${Partition}", "$partition", "${Account}", "$account").Replace(template)
	return placeholder.ReplaceAllString(out, "*")
}

// has says which name of a text the target has nothing for.
func (t Target) has(text string) error {
	for name, list := range named {
		if strings.Contains(text, name) && !slices.Contains(list, t) {
			return fmt.Errorf("%s: target %s has none; want one of %s", name, t, join(list))
		}
	}
	return nil
}

// Other says whether the target is another user or role.
func (t Target) Other() bool { return targets[t]&ofOther != 0 }

// Choices are the ways to have all permissions: one for each combination of
// alternatives.
func (t *Technique) Choices() [][]Permission {
	out := [][]Permission{nil}
	for _, p := range t.Permissions {
		ways := p.Any
		if len(ways) == 0 {
			ways = []Permission{p}
		}
		var next [][]Permission
		for _, head := range out {
			for _, way := range ways {
				next = append(next, append(slices.Clone(head), way))
			}
		}
		out = next
	}
	return out
}

// Resources are what the permission is needed on: "*", a name such as $target, or an
// ARN in which * stands for a choice of the actor.
func (p *Permission) Resources() []string {
	service, name, _ := strings.Cut(p.Action, ":")
	action, known := metadata.FindAction(service, name)
	list := []string(p.On)
	if len(list) == 0 && known {
		if list = requiredTypes(action); len(list) == 0 {
			list = []string{"*"}
		}
	}
	var out []string
	for _, on := range list {
		if on != "*" && !strings.HasPrefix(on, "$") && !strings.HasPrefix(on, "arn:") {
			on = form(typeARN(action, on))
		}
		out = append(out, on)
	}
	return out
}

// Needs are the permissions for a person, one line each: on what, with what.
func (t *Technique) Needs() []string {
	var out []string
	for _, chosen := range t.Choices() {
		if len(out) > 0 {
			out = append(out, "or")
		}
		for _, p := range chosen {
			line := p.Action + " on " + strings.Join(p.Resources(), ", ")
			for _, key := range slices.Sorted(maps.Keys(p.Context)) {
				line += ", with " + key + " " + cmp.Or(p.Context[key], "absent")
			}
			out = append(out, line)
		}
	}
	switch t.Assume {
	case AsTrusted:
		out = append(out, "a session of $target, by its trust policy")
	case Rewritten:
		out = append(out, "a session of $target: no policy may deny sts:AssumeRole")
	}
	if t.Service != "" {
		out = append(out, "$target trusts "+t.Service)
	}
	if t.Actor == ActorOutside {
		out = append(out, "the trust policy of $target lets the actor in")
	}
	return out
}
