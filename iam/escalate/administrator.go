package escalate

import (
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
)

// probes are what an administrator may do, each on a resource that no policy names:
// hand out any permission, and use the services that hold the most. Somebody who may
// do the first half only can hand itself the rest: that is a path of one step.
var probes = []struct{ action, resource string }{
	{"iam:CreatePolicyVersion", "arn:$partition:iam::$account:policy/*"},
	{"iam:AttachUserPolicy", "arn:$partition:iam::$account:user/*"},
	{"iam:AttachRolePolicy", "arn:$partition:iam::$account:role/*"},
	{"iam:PutUserPolicy", "arn:$partition:iam::$account:user/*"},
	{"iam:PutRolePolicy", "arn:$partition:iam::$account:role/*"},
	{"iam:CreateUser", "arn:$partition:iam::$account:user/*"},
	{"iam:CreateAccessKey", "arn:$partition:iam::$account:user/*"},
	{"iam:CreateRole", "arn:$partition:iam::$account:role/*"},
	{"iam:UpdateAssumeRolePolicy", "arn:$partition:iam::$account:role/*"},
	{"iam:PassRole", "arn:$partition:iam::$account:role/*"},
	{"cloudformation:CreateStack", "arn:$partition:cloudformation:*:$account:stack/*"},
	{"cloudtrail:CreateTrail", "arn:$partition:cloudtrail:*:$account:trail/*"},
	{"dynamodb:DeleteTable", "arn:$partition:dynamodb:*:$account:table/*"},
	{"ec2:TerminateInstances", "arn:$partition:ec2:*:$account:instance/*"},
	{"kms:CreateKey", "*"},
	{"lambda:CreateFunction", "arn:$partition:lambda:*:$account:function:*"},
	{"logs:DeleteLogGroup", "arn:$partition:logs:*:$account:log-group:*"},
	{"rds:DeleteDBInstance", "arn:$partition:rds:*:$account:db:*"},
	{"s3:GetObject", "arn:$partition:s3:::*/*"},
	{"s3:PutBucketPolicy", "arn:$partition:s3:::*"},
	{"secretsmanager:GetSecretValue", "arn:$partition:secretsmanager:*:$account:secret:*"},
	{"ssm:SendCommand", "arn:$partition:ssm:*:$account:document/*"},
}

// Holds says how certain it is that a user or role is administrator by its policies
// alone, as Report.Administrators are, without a search for paths. The error is for
// policies that the evaluator cannot take.
func Holds(i *account.Identity) (Standing, error) {
	none := Standing{Principal: i.Principal.ARN, Certainty: None}
	if !MayHold(i.Grants()...) {
		return none, nil // most are told apart here, without a graph
	}
	// A role among the users is an identity as well as they are.
	g, err := newGraph(&account.Account{ID: i.Principal.Account, Users: []*account.Identity{i}}, Options{})
	if err != nil {
		return none, err
	}
	s, err := g.base(i)
	if err != nil {
		return none, err
	}
	return g.standing(s), nil
}

// MayHold says whether policies that grant may make their holder administrator, if all
// that their statements ask for is given.
func MayHold(grants ...*iam.Policy) bool {
	for _, p := range probes {
		if !slices.ContainsFunc(grants, func(g *iam.Policy) bool { return g.MayAllow(p.action) }) {
			return false
		}
	}
	return true
}

// administrator says how certain it is that a state may do all of it. What the
// organization leaves to no principal of the account does not count against anyone.
func (g *graph) administrator(s *state) Certainty {
	worst := None
	for i := range g.probes {
		if !s.may.Has(g.probes[i].Calls[0].Number) {
			return None
		}
		c := g.probe(s, s.set, &g.probes[i])
		if c == None {
			return None
		}
		if worst == None || c > worst {
			worst = c
		}
	}
	return worst
}

func (g *graph) probe(s *state, set *iam.Set, n *plan.Need) Certainty {
	answers := g.ask(s, set, n, nil, nil)
	if len(answers) == 0 {
		return None
	}
	return answers[0].certainty
}

// chooseProbes keeps the probes that the organization leaves to some principal of
// the account: all, if no policy of it is known.
func (g *graph) chooseProbes() error {
	limited := len(g.o.Guardrails.SCPs)+len(g.o.Guardrails.RCPs) > 0
	for _, p := range probes {
		n := plan.Need{On: p.resource, Calls: []plan.Call{{Action: p.action, Number: g.actions.Number(p.action)}}}
		for _, who := range g.identities {
			left := !limited
			if limited {
				set, err := g.unlimited(who.Principal.Account)
				if err != nil {
					return err
				}
				left = g.probe(&state{who: who}, set, &n) != None
			}
			if left {
				g.probes = append(g.probes, n)
				break
			}
		}
	}
	return nil
}

// unlimited is what a principal of an account may do that only the organization limits.
func (g *graph) unlimited(id accountID) (*iam.Set, error) {
	if set := g.ideal[id]; set != nil {
		return set, nil
	}
	delegate, err := delegating(id)
	if err != nil {
		return nil, err
	}
	set, err := g.compile(iam.Policies{
		Identity: []*iam.Policy{g.all}, Resource: []*iam.Policy{delegate}, SCPs: g.o.Guardrails.SCPs, RCPs: g.o.Guardrails.RCPs,
	})
	g.ideal[id] = set
	return set, err
}
