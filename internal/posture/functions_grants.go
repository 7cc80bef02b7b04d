package posture

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const assumeRoot = "sts:AssumeRoot"

// functionReads are the facts of list elements that a function reads of the lists that
// it is given, which its arguments do not name.
var functionReads = map[string][]string{
	"loose_assume_root": {
		"users.arn", "users.name", "users.groups", "users.attached_policies", "users.inline_policies", "users.boundary",
		"groups.arn", "groups.name", "groups.attached_policies", "groups.inline_policies",
		"roles.arn", "roles.name", "roles.attached_policies", "roles.inline_policies", "roles.boundary",
		"policies.arn", "policies.document",
	},
}

// grantFunctions are what expressions may ask of the policies of an account:
//
//   - loose_assume_root(users, groups, roles, policies, scps) lists the users and roles
//     whose policies, after every Deny and within boundary and SCPs, let them call
//     sts:AssumeRoot with any task policy, or on a resource that is no root user.
//
// A grant on other conditions alone, such as MFA, is one of them: it does not say which
// task. The list is unknown if a policy that cannot be read would decide and nobody else
// is on it.
func grantFunctions() []cel.EnvOption {
	list := func(element string) *cel.Type { return cel.ListType(cel.ObjectType("facts." + element)) }
	arguments := []*cel.Type{list("User"), list("Group"), list("Role"), list("Policy"), list("PolicyLevel")}
	return []cel.EnvOption{cel.Function("loose_assume_root",
		cel.Overload("loose_assume_root_lists", arguments, cel.ListType(cel.StringType), cel.FunctionBinding(looseAssumeRoot)))}
}

// looseAssumeRoot is loose_assume_root.
func looseAssumeRoot(args ...ref.Val) ref.Val {
	users, err1 := native[facts.User](args[0])
	groups, err2 := native[facts.Group](args[1])
	roles, err3 := native[facts.Role](args[2])
	policies, err4 := native[facts.Policy](args[3])
	levels, err5 := native[facts.PolicyLevel](args[4])
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return types.WrapErr(err)
		}
	}
	scps, err := iam.NewSet(iam.Policies{SCPs: compiled(levels, iam.SCP)})
	if err != nil {
		return undecided(err.Error())
	}
	g := grants{scps: scps, texts: map[string]*iam.Policy{}, managed: map[string]*iam.Policy{}, groups: map[string][]*iam.Policy{}, covers: map[*iam.Policy]bool{}}
	for _, p := range policies {
		g.managed[p.ARN] = g.policy(facts.Document{Name: p.ARN, Text: p.Document.Text})
	}
	for _, group := range groups {
		g.groups[group.Name] = g.all(group.AttachedPolicies, group.InlinePolicies)
	}
	for i := range users {
		u := &users[i]
		all := g.all(u.AttachedPolicies, u.InlinePolicies)
		for _, name := range u.Groups {
			all = append(all, g.groups[name]...)
		}
		g.ask(u.ARN, all, u.Boundary)
	}
	for i := range roles {
		r := &roles[i]
		g.ask(r.ARN, g.all(r.AttachedPolicies, r.InlinePolicies), r.Boundary)
	}
	if len(g.loose) == 0 && g.unsure != "" {
		return undecided(g.unsure)
	}
	return types.NewStringList(types.DefaultTypeAdapter, g.loose)
}

// grants are the policies of one account on their way to an answer.
type grants struct {
	scps    *iam.Set
	texts   map[string]*iam.Policy // by text: many roles carry the same
	managed map[string]*iam.Policy // by ARN
	groups  map[string][]*iam.Policy
	covers  map[*iam.Policy]bool // whether an Allow covers sts:AssumeRoot, or may
	loose   []string
	unsure  string
}

func (g *grants) policy(d facts.Document) *iam.Policy {
	p, ok := g.texts[d.Text]
	if !ok {
		p = parsed(d, iam.Identity)
		g.texts[d.Text] = p
		g.covers[p] = p.MayAllow(assumeRoot)
	}
	return p
}

// all are the policies that somebody carries. One whose text is not among the managed
// policies may say anything.
func (g *grants) all(attached []string, inline []facts.Document) []*iam.Policy {
	out := make([]*iam.Policy, 0, len(attached)+len(inline))
	for _, arn := range attached {
		out = append(out, g.byARN(arn))
	}
	for _, d := range inline {
		out = append(out, g.policy(d))
	}
	return out
}

func (g *grants) byARN(arn string) *iam.Policy {
	p, ok := g.managed[arn]
	if !ok {
		p = iam.Unread(arn, iam.Identity)
		g.managed[arn], g.covers[p] = p, true
	}
	return p
}

// ask puts a user or role on the list if its grant is loose.
func (g *grants) ask(arn string, policies []*iam.Policy, boundary string) {
	granting := false
	for _, p := range policies {
		granting = granting || g.covers[p]
	}
	if !granting {
		return
	}
	who, err := iam.ParsePrincipal(arn)
	if err != nil {
		g.unsure = err.Error()
		return
	}
	in := iam.Policies{Identity: policies}
	if boundary != "" {
		in.Boundary = []*iam.Policy{g.byARN(boundary)}
	}
	own, err := iam.NewSet(in)
	if err == nil {
		own, err = iam.Join(g.scps, own)
	}
	if err != nil {
		g.unsure = arn + ": " + err.Error()
		return
	}
	switch looseIn(own, who) {
	case iam.True:
		g.loose = append(g.loose, arn)
	case iam.Unknown:
		g.unsure = "whether " + arn + " may call " + assumeRoot + " hangs on a policy that cannot be read"
	}
}

// Requests that a grant of sts:AssumeRoot should not cover.
const (
	anyAccount = "999999999999" // no account has this number
	anyTask    = "arn:aws:iam::aws:policy/root-task/rootkeep-asks-for-any-task"
)

// tasks are AWS's task policies.
//
// Source: IAM User Guide, "Perform a privileged task on an AWS Organizations member
// account".
var tasks = []string{
	"arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials", "arn:aws:iam::aws:policy/root-task/IAMCreateRootUserPassword",
	"arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials", "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
	"arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy",
}

// looseIn asks for any task on every root user that the grants name, and for the known
// tasks on what is no root user.
func looseIn(set *iam.Set, who iam.Principal) iam.Truth {
	out := iam.False
	for _, resource := range namedRoots(set) {
		out = out.Or(mayCall(set, who, resource, anyTask))
	}
	for _, task := range tasks {
		out = out.Or(mayCall(set, who, "arn:aws:iam::"+anyAccount+":user/anybody", task))
	}
	return out
}

// namedRoots are resources that the statements on sts:AssumeRoot cover, one of each
// pattern.
func namedRoots(set *iam.Set) []string {
	out := []string{"arn:aws:iam::" + anyAccount + ":root"}
	for _, r := range set.Covering(assumeRoot) {
		if st := &r.Policy.Document.Statements[r.Index]; !st.Denies() {
			for _, text := range st.Resource.Values() {
				if text != "*" {
					out = append(out, strings.ReplaceAll(text, "*", anyAccount))
				}
			}
		}
	}
	return out
}

// mayCall says whether the call is possible: False if it is denied whatever else the
// request says, Unknown if that hangs on a policy that cannot be read.
func mayCall(set *iam.Set, who iam.Principal, resource, task string) iam.Truth {
	values := who.ContextKeys()
	values["sts:TaskPolicyArn"] = []string{task}
	r := &iam.Request{Action: assumeRoot, Resource: resource, ResourceAccount: who.Account, Principal: who, Context: iam.PartialContext(values)}
	switch set.Decide(r).Outcome {
	case iam.Allowed:
		return iam.True
	case iam.Conditional:
		for _, s := range set.Covering(assumeRoot) {
			if !s.Policy.Readable() {
				return iam.Unknown
			}
		}
		return iam.True
	}
	return iam.False
}
