package permission

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const assumeRoot = "sts:AssumeRoot"

// Levels makes the policies of all levels of an organization ready for a layer, iam.SCP
// or iam.RCP. One that is no policy of its layer stands as unread: what it takes part
// in is not certain. No level at all means that the type is not enabled.
func Levels(levels []facts.PolicyLevel, layer iam.Layer) [][]*iam.Policy {
	var out [][]*iam.Policy
	for _, level := range levels {
		list := []*iam.Policy{}
		for _, d := range level.Policies {
			list = append(list, ofLayer(d, layer))
		}
		out = append(out, list)
	}
	return out
}

func ofLayer(d facts.Document, layer iam.Layer) *iam.Policy {
	p, err := iam.Parse(d.Name, []byte(d.Text))
	if err != nil {
		return iam.Unread(d.Name, layer)
	}
	in := iam.Policies{SCPs: [][]*iam.Policy{{p}}}
	if layer == iam.RCP {
		in = iam.Policies{RCPs: [][]*iam.Policy{{p}}}
	}
	if _, err := iam.NewSet(in); err != nil {
		return iam.Unread(d.Name, layer)
	}
	return p
}

// LooseAssumeRoot lists the users and roles whose policies, after every Deny and within
// boundary and SCPs, let them call sts:AssumeRoot with any task policy, or on a resource
// that is no root user. A grant on other conditions alone, such as MFA, is one of them:
// it does not say which task. Where nobody is on the list for certain and somebody may
// be, the answer is unknown.
func (a *Account) LooseAssumeRoot(levels []facts.PolicyLevel) ([]string, Answer) {
	return a.callers("any task", levels, anyTask)
}

// AssumeRootAs lists the users and roles who may call sts:AssumeRoot on some root user
// in a session of that source identity, "" for none, with one of the tasks, given by the
// names of their policies; without any, with one of all. Certainty is as in
// LooseAssumeRoot.
func (a *Account) AssumeRootAs(levels []facts.PolicyLevel, identity string, named []string) ([]string, Answer) {
	return a.callers(fmt.Sprintf("%q %q", identity, named), levels, func(set *iam.Set, who iam.Principal) iam.Truth {
		return asIdentity(set, who, identity, named)
	})
}

// judge says whether a user or role may do what is looked for, by all policies on it.
type judge func(*iam.Set, iam.Principal) iam.Truth

// callers are those of whom a judge says so. Each question is asked once.
func (a *Account) callers(question string, levels []facts.PolicyLevel, may judge) ([]string, Answer) {
	key := question + fmt.Sprint(levels)
	known, ok := a.loose[key]
	if !ok {
		known.holders, known.answer = a.ask(levels, may)
		if a.loose == nil {
			a.loose = map[string]looseList{}
		}
		a.loose[key] = known
	}
	return known.holders, known.answer
}

// looseList is an answer of callers.
type looseList struct {
	holders []string
	answer  Answer
}

func (a *Account) ask(levels []facts.PolicyLevel, may judge) ([]string, Answer) {
	scps, err := iam.NewSet(iam.Policies{SCPs: Levels(levels, iam.SCP)})
	if err != nil {
		return nil, undecided("%v", err)
	}
	a.join()
	unsure := Answer{Gaps: a.lacks("", []string{"users.arn", "roles.arn"}, documentFacts, groupFacts, userFacts, roleFacts)}
	covers := map[*iam.Policy]bool{} // whether an Allow covers the call, or may
	found := []string{}
	for _, i := range a.known.Identities() {
		unsure.Gaps = append(unsure.Gaps, a.partlyOf(i.Principal.ARN, userFacts, roleFacts)...)
		switch truth, err := judged(scps, i, covers, may); {
		case err != nil:
			unsure.Why = i.Principal.ARN + ": " + err.Error()
		case truth == iam.True:
			found = append(found, i.Principal.ARN)
		case truth == iam.Unknown:
			unsure.Why = "whether " + i.Principal.ARN + " may call " + assumeRoot + " hangs on a policy that cannot be read"
		}
	}
	switch {
	case len(found) > 0:
	case len(unsure.Gaps) > 0:
		return nil, without(unsure.Gaps) // for want of which policies stand as unread
	case unsure.Why != "":
		return nil, undecided("%s", unsure.Why)
	}
	return found, Answer{Truth: iam.True}
}

// partlyOf are the gaps in facts of one resource alone.
func (a *Account) partlyOf(resource string, lists ...[]string) (out []facts.Gap) {
	for _, path := range slices.Concat(lists...) {
		if g, ok := a.partly[gapKey{path, resource}]; ok {
			out = append(out, g)
		}
	}
	return out
}

// judged judges one user or role.
func judged(scps *iam.Set, i *account.Identity, covers map[*iam.Policy]bool, may judge) (iam.Truth, error) {
	if !slices.ContainsFunc(i.Grants(), func(p *iam.Policy) bool {
		covered, ok := covers[p]
		if !ok {
			covered = p.MayAllow(assumeRoot)
			covers[p] = covered
		}
		return covered
	}) {
		return iam.False, nil
	}
	set, err := iam.NewSet(i.Policies(account.Guardrails{}))
	if err == nil {
		set, err = iam.Join(scps, set)
	}
	if err != nil {
		return iam.Unknown, err
	}
	return may(set, i.Principal), nil
}

// Requests that a grant of sts:AssumeRoot should not cover.
const (
	strangerAccount = "999999999999" // no account has this number
	strangerTask    = "arn:aws:iam::aws:policy/root-task/rootkeep-asks-for-any-task"
	strangerUser    = "arn:aws:iam::" + strangerAccount + ":user/anybody"
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

// anyTask asks for any task on every root user that the grants name, and for the known
// tasks on what is no root user.
func anyTask(set *iam.Set, who iam.Principal) iam.Truth {
	out := iam.False
	for _, resource := range namedRoots(set) {
		if mayAssume(set, who, resource, nil) != iam.False {
			out = out.Or(mayAssume(set, who, resource, with(taskPolicy, strangerTask)))
		}
	}
	if mayAssume(set, who, strangerUser, nil) != iam.False {
		for _, task := range tasks {
			out = out.Or(mayAssume(set, who, strangerUser, with(taskPolicy, task)))
		}
	}
	return out
}

const taskPolicy = "sts:TaskPolicyArn"

// with is what a request says of one key.
func with(key, value string) map[string][]string { return map[string][]string{key: {value}} }

// asIdentity asks for the tasks on the root users that the grants name, in a session of
// a source identity.
func asIdentity(set *iam.Set, who iam.Principal, identity string, named []string) iam.Truth {
	out := iam.False
	for _, resource := range append(namedRoots(set), "arn:"+partitionOf(who.ARN)+":iam::"+strangerAccount+":root") {
		for _, task := range tasks {
			_, name, _ := strings.Cut(task, "root-task/")
			if len(named) > 0 && !slices.Contains(named, name) {
				continue
			}
			given := with(taskPolicy, strings.Replace(task, "arn:aws:", "arn:"+partitionOf(resource)+":", 1))
			given["aws:SourceIdentity"] = nil // a key without values is absent
			if identity != "" {
				given["aws:SourceIdentity"] = []string{identity}
			}
			if out = out.Or(mayAssume(set, who, resource, given)); out == iam.True {
				return out
			}
		}
	}
	return out
}

// namedRoots are root users that the statements on sts:AssumeRoot cover: one that any
// wildcard covers, and one of each pattern.
func namedRoots(set *iam.Set) []string {
	out := []string{"arn:aws:iam::" + strangerAccount + ":root"}
	for _, r := range set.Covering(assumeRoot) {
		if st := &r.Policy.Document.Statements[r.Index]; !st.Denies() {
			for _, text := range st.Resource.Values() {
				if root, ok := rootOf(text); ok && !slices.Contains(out, root) {
					out = append(out, root)
				}
			}
		}
	}
	return out
}

// rootOf is a root user that a pattern of resources covers, if there may be one.
func rootOf(pattern string) (string, bool) {
	text, open := strings.CutSuffix(pattern, "*")
	switch {
	case open && strings.HasSuffix(text, ":"):
		text += "root"
	case open:
		text += ":root"
	}
	text = strings.ReplaceAll(text, "*", strangerAccount)
	arn, err := rootkeep.ParseARN(text)
	return text, err == nil && arn.Service == "iam" && arn.Resource == "root"
}

// mayAssume says whether the call is possible with what is given of the request: False
// if it is denied whatever else the request says, Unknown if that hangs on a policy that
// cannot be read.
func mayAssume(set *iam.Set, who iam.Principal, resource string, given map[string][]string) iam.Truth {
	values := who.ContextKeys()
	maps.Copy(values, given)
	r := &iam.Request{Action: assumeRoot, Resource: resource, ResourceAccount: who.Account, Principal: who, Context: iam.PartialContext(values)}
	switch set.Decide(r).Outcome {
	case iam.Allowed:
		return iam.True
	case iam.Conditional:
		if slices.ContainsFunc(set.Covering(assumeRoot), func(s iam.Ref) bool { return !s.Policy.Readable() }) {
			return iam.Unknown
		}
		return iam.True
	}
	return iam.False
}
