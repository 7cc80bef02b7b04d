package technique

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Case is a small account and what the technique alone comes to for its principal
// named actor.
type Case struct {
	Name string `yaml:"name"`
	// Want is a certainty, "lead", or "quiet".
	Want string `yaml:"want"`
	// With names techniques that are used beside this one.
	With     []string            `yaml:"with"`
	Users    map[string]Person   `yaml:"users"`
	Roles    map[string]Person   `yaml:"roles"`
	Groups   map[string]Person   `yaml:"groups"`
	Policies map[string][]Person `yaml:"policies"` // versions, the default one first
	SCP      []map[string]any    `yaml:"scp"`      // statements of the only SCP
}

// Person is a user, role, group or version of a policy of a case.
type Person struct {
	Allow         []string          `yaml:"allow"`         // actions, on *
	Deny          []string          `yaml:"deny"`          // actions, on *
	Statements    []map[string]any  `yaml:"statements"`    // as AWS writes them
	Attached      []string          `yaml:"attached"`      // names of policies of the case
	Administrator bool              `yaml:"administrator"` // AdministratorAccess is attached
	Boundary      string            `yaml:"boundary"`      // name of a policy of the case
	Groups        []string          `yaml:"groups"`        // of a user
	Tags          map[string]string `yaml:"tags"`
	Trusts        texts             `yaml:"trusts"` // of a role: services, accounts, providers, user/NAME, role/NAME, *
	Trust         []map[string]any  `yaml:"trust"`  // of a role: statements, as AWS writes them
	Profile       bool              `yaml:"profile"`
}

const (
	Quiet       = "quiet" // what a case wants where the technique does not work
	caseAccount = "111122223333"
	ActorName   = "actor" // of the principal of a case whom it is about
)

// wants are what a case in which the technique works comes to: a lead, or a path of
// that certainty.
var wants = []string{"certain", "conditional", "possible", "unknown", string(Lead)}

// checkCases wants a case in which the technique fires and one in which it does not.
func (t *Technique) checkCases() error {
	fires, stays := false, false
	for i, c := range t.Cases {
		switch {
		case c.Name == "":
			return fmt.Errorf("case %d: want a name", i+1)
		case c.Want == Quiet:
			stays = true
		case slices.Contains(wants, c.Want):
			fires = true
		default:
			return fmt.Errorf("case %q: want %q: quiet or one of %s", c.Name, c.Want, strings.Join(wants, ", "))
		}
		if _, err := c.Account(nil); err != nil {
			return fmt.Errorf("case %q: %w", c.Name, err)
		}
	}
	if !fires || !stays {
		return errors.New("want at least one firing and one quiet case")
	}
	return nil
}

// Account is the case as the AWS CLI prints an account (get-account-authorization-details).
// The denied actions are taken from the actor.
func (c *Case) Account(denied []string) ([]byte, error) {
	_, user := c.Users[ActorName]
	_, role := c.Roles[ActorName]
	if user && role {
		return nil, errors.New("want one principal named actor")
	}
	list := func(m map[string]Person, one func(string, Person) map[string]any) []any {
		out := []any{}
		for name, p := range m {
			if name == ActorName {
				p.Deny = slices.Concat(p.Deny, denied)
			}
			out = append(out, one(name, p))
		}
		return out
	}
	out := map[string]any{
		"UserDetailList":  list(c.Users, c.user),
		"RoleDetailList":  list(c.Roles, c.role),
		"GroupDetailList": list(c.Groups, c.group),
		"Policies":        c.managed(),
	}
	for _, m := range []map[string]Person{c.Users, c.Roles, c.Groups} {
		for name, p := range m {
			for _, policy := range append(slices.Clone(p.Attached), p.Boundary) {
				if _, ok := c.Policies[policy]; !ok && policy != "" {
					return nil, fmt.Errorf("%s: no policy %q in the case", name, policy)
				}
			}
			for _, group := range p.Groups {
				if _, ok := c.Groups[group]; !ok {
					return nil, fmt.Errorf("%s: no group %q in the case", name, group)
				}
			}
		}
	}
	return json.Marshal(out)
}

// Guardrail is the SCP of the case; nil if it has none.
func (c *Case) Guardrail() ([]byte, error) {
	if len(c.SCP) == 0 {
		return nil, nil
	}
	return json.Marshal(document(c.SCP))
}

const administratorARN = "arn:aws:iam::aws:policy/AdministratorAccess"

func caseARN(kind, name string) string {
	return "arn:aws:iam::" + caseAccount + ":" + kind + "/" + name
}

func document(statements []map[string]any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// statements are the permissions of a person; none for a person without any.
func (p *Person) statements() []map[string]any {
	out := slices.Clone(p.Statements)
	if len(p.Allow) > 0 {
		out = append(out, map[string]any{"Effect": "Allow", "Action": p.Allow, "Resource": "*"})
	}
	if len(p.Deny) > 0 {
		out = append(out, map[string]any{"Effect": "Deny", "Action": p.Deny, "Resource": "*"})
	}
	return out
}

// common are the fields that users, roles and groups share; inline is the name of the
// list of inline policies.
func (p *Person) common(kind, name, inline string) map[string]any {
	attached := []any{}
	for _, policy := range p.Attached {
		attached = append(attached, map[string]any{"PolicyName": policy, "PolicyArn": caseARN("policy", policy)})
	}
	if p.Administrator {
		attached = append(attached, map[string]any{"PolicyName": "AdministratorAccess", "PolicyArn": administratorARN})
	}
	out := map[string]any{"Arn": caseARN(kind, name), "Path": "/", "AttachedManagedPolicies": attached}
	if list := p.statements(); len(list) > 0 {
		out[inline] = []any{map[string]any{"PolicyName": "inline", "PolicyDocument": document(list)}}
	}
	if p.Boundary != "" {
		out["PermissionsBoundary"] = map[string]any{"PermissionsBoundaryArn": caseARN("policy", p.Boundary)}
	}
	var tags []any
	for key, value := range p.Tags {
		tags = append(tags, map[string]any{"Key": key, "Value": value})
	}
	out["Tags"] = tags
	return out
}

func (c *Case) user(name string, p Person) map[string]any {
	out := p.common("user", name, "UserPolicyList")
	out["UserName"], out["GroupList"] = name, p.Groups
	return out
}

func (c *Case) group(name string, p Person) map[string]any {
	out := p.common("group", name, "GroupPolicyList")
	out["GroupName"] = name
	return out
}

func (c *Case) role(name string, p Person) map[string]any {
	out := p.common("role", name, "RolePolicyList")
	trust := slices.Clone(p.Trust)
	for _, text := range p.Trusts {
		trust = append(trust, trustStatement(text))
	}
	if len(trust) == 0 {
		trust = append(trust, trustStatement("events.amazonaws.com"))
	}
	out["RoleName"], out["AssumeRolePolicyDocument"] = name, document(trust)
	if p.Profile {
		out["InstanceProfileList"] = []any{map[string]any{"Arn": caseARN("instance-profile", name)}}
	}
	return out
}

// trustStatement lets one principal assume a role.
func trustStatement(text string) map[string]any {
	who, action := map[string]any{"AWS": text}, "sts:AssumeRole"
	switch {
	case strings.Contains(text, ":saml-provider/"):
		who, action = map[string]any{"Federated": text}, "sts:AssumeRoleWithSAML"
	case strings.Contains(text, ":oidc-provider/") || text == "cognito-identity.amazonaws.com":
		who, action = map[string]any{"Federated": text}, "sts:AssumeRoleWithWebIdentity"
	case strings.HasSuffix(text, ".amazonaws.com"):
		who = map[string]any{"Service": text}
	case strings.HasPrefix(text, "user/") || strings.HasPrefix(text, "role/"):
		who = map[string]any{"AWS": "arn:aws:iam::" + caseAccount + ":" + text}
	}
	return map[string]any{"Effect": "Allow", "Principal": who, "Action": action}
}

func (c *Case) managed() []any {
	admin := []map[string]any{{"Effect": "Allow", "Action": "*", "Resource": "*"}}
	version := func(id string, standard bool, statements []map[string]any) map[string]any {
		return map[string]any{"VersionId": id, "IsDefaultVersion": standard, "Document": document(statements)}
	}
	out := []any{map[string]any{"Arn": administratorARN, "PolicyVersionList": []any{version("v1", true, admin)}}}
	for name, list := range c.Policies {
		versions := []any{}
		for i := range list {
			versions = append(versions, version(fmt.Sprintf("v%d", len(list)-i), i == 0, list[i].statements()))
		}
		out = append(out, map[string]any{"Arn": caseARN("policy", name), "PolicyVersionList": versions})
	}
	return out
}
