package alarm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// sender is who publishes to a topic: the service, for which of its resources.
type sender struct {
	service string // principal, such as cloudwatch.amazonaws.com
	source  string // ARN of the alarm or rule
}

// byActions follows the actions of an alarm. The best of several is told.
func (p *Prover) byActions(at *account, name string, from sender, enabled bool, actions []string) Way {
	switch {
	case !enabled:
		return Way{Link: Fires, Says: name + ": it reaches ALARM, but its actions are switched off"}
	case len(actions) == 0:
		return Way{Link: Fires, Says: name + ": it reaches ALARM and tells nobody: it has no action"}
	}
	best := Way{Link: Fires}
	for _, action := range actions {
		way := Way{Link: Acts, Truth: unknown, Says: name + ": its action is no SNS topic, which is not followed"}
		if arn, err := rootkeep.ParseARN(action); err == nil && arn.Service == "sns" {
			way = p.byTopic(at, name, from, arn, action)
		}
		best = better(best, way)
	}
	return best
}

// better is the way that goes further: one that holds, then one that may, then the one
// with more links.
func better(a, b Way) Way {
	if b.Truth > a.Truth || b.Truth == a.Truth && b.Link > a.Link {
		return b
	}
	return a
}

// byTopic follows a topic to a person. The topic may be another account's.
func (p *Prover) byTopic(at *account, name string, from sender, topic rootkeep.ARN, arn string) Way {
	owner := at
	if topic.Account != at.id {
		if other := p.other(topic.Account); other != nil {
			owner = other
		}
	}
	if let := p.publishes(at, owner, from, arn); let.may != yes {
		return Way{Link: Acts, Truth: let.may, Gaps: let.gaps, Says: name + ": " + let.why}
	}
	gaps, wholly := owner.lacksAll("subscriptions.topic", "subscriptions.confirmed")
	machine := ""
	for _, s := range owner.Subscriptions {
		switch {
		case wholly || s.Topic != arn || !s.Confirmed:
		case slices.Contains([]string{"lambda", "sqs", "firehose"}, s.Protocol):
			machine = s.Protocol
		default:
			return Way{Link: Heard, Truth: yes, Says: fmt.Sprintf("%s reaches a confirmed subscriber of %s (%s)", name, arn, s.Protocol)}
		}
	}
	switch gaps = of(gaps, arn); {
	case len(gaps) > 0:
		return Way{Link: Publishes, Truth: unknown, Gaps: gaps, Says: name + ": subscriptions of its topic were not read"}
	case machine != "":
		return Way{Link: Publishes, Truth: unknown, Says: fmt.Sprintf("%s: its topic reaches a machine (%s), and whom that tells is not followed", name, machine)}
	case at.id != "" && owner.id != topic.Account:
		return Way{Link: Publishes, Truth: unknown, Says: fmt.Sprintf("%s: its topic is of account %s, whose subscriptions are not in these facts: scan that account too", name, topic.Account)}
	}
	return Way{Link: Publishes, Says: name + ": its topic has no confirmed subscriber"}
}

// posting is one question of publishes, permission its answer.
type (
	posting struct {
		at, owner *account
		from      sender
		topic     string
	}
	permission struct {
		may  Truth
		why  string
		gaps []facts.Gap
	}
)

// publishes says whether the sender may publish to a topic, by the topic's policy and
// by that of its key. The account that sends or the one that owns the topic knows them.
func (p *Prover) publishes(at, owner *account, from sender, arn string) permission {
	asked := posting{at, owner, from, arn}
	if known, ok := p.mail[asked]; ok {
		return known
	}
	out := permission{why: "the policy of topic " + arn + " was not read", may: unknown}
	for _, a := range []*account{at, owner} {
		i := slices.IndexFunc(a.Topics, func(t facts.Topic) bool { return t.ARN == arn })
		lost, wholly := a.lacksAll("topics.policy", "topics.key")
		if lost = of(lost, arn); wholly || len(lost) > 0 || i < 0 {
			out.gaps = lost
			continue
		}
		t := &a.Topics[i]
		if may, why := allows(from, at.id, t.ARN, t.Policy, "sns:Publish"); may != yes {
			out = permission{may: may, why: "the policy of " + t.ARN + " " + why + " " + from.service + " to publish"}
			break
		}
		out = a.encrypts(from, at.id, t)
		break
	}
	p.mail[asked] = out
	return out
}

// encrypts says whether the sender may use the topic's key. AWS's own key for SNS has a
// policy that lets no service do so, and that nobody can change.
func (a *account) encrypts(from sender, id rootkeep.AccountID, t *facts.Topic) permission {
	if t.Key == "" {
		return permission{may: yes}
	}
	gaps, _ := a.lacksAll("topics.key_enabled", "topics.key_customer_managed")
	if gaps = of(gaps, t.ARN); len(gaps) > 0 {
		return permission{unknown, "the key of " + t.ARN + " was not read", gaps}
	}
	switch {
	case !t.KeyCustomer:
		return permission{may: no, why: fmt.Sprintf("%s is encrypted with AWS's own key %s, with which %s cannot publish", t.ARN, t.Key, from.service)}
	case !t.KeyEnabled:
		return permission{may: no, why: "the key of " + t.ARN + " is not enabled"}
	}
	if gaps, _ = a.lacks("topics.key_policy"); len(of(gaps, t.ARN)) > 0 {
		return permission{unknown, "the policy of the key of " + t.ARN + " was not read", of(gaps, t.ARN)}
	}
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		if may, why := allows(from, id, t.KeyARN, t.KeyPolicy, action); may != yes {
			return permission{may: may, why: fmt.Sprintf("the policy of the key of %s %s %s to use %s", t.ARN, why, from.service, action)}
		}
	}
	return permission{may: yes}
}

// allows asks a resource's policy about a service that acts for a resource of an
// account. The words go before the name of the service.
//
// CloudWatch says for which alarm and account it publishes; so much is known of its
// request. What EventBridge says AWS documents in different ways, so that a condition on
// it is not decided; only aws:SourceOwner, on which the policy that a new topic has
// stands, is known not to be there.
func allows(from sender, id rootkeep.AccountID, resource, text, action string) (Truth, string) {
	policy, err := iam.Parse("policy", []byte(text))
	if err != nil {
		return unknown, "cannot be read, so that it may or may not allow"
	}
	principal, err := iam.ParsePrincipal(from.service)
	if err != nil {
		return unknown, "was not asked about"
	}
	keys := principal.ContextKeys()
	context := iam.PartialContext(keys)
	if from.service == "cloudwatch.amazonaws.com" {
		context = context.With("aws:SourceArn", from.source).With("aws:SourceAccount", string(id)).With("aws:SourceOwner", string(id))
	} else {
		context = context.With("aws:SourceOwner")
	}
	d, err := iam.Evaluate(&iam.Request{Action: action, Resource: resource, Principal: principal, Context: context}, iam.Policies{Resource: []*iam.Policy{policy}})
	switch {
	case err != nil:
		return unknown, "cannot be read, so that it may or may not allow"
	case d.Outcome == iam.Allowed:
		return yes, ""
	case d.Outcome == iam.Conditional:
		return unknown, "has a condition that is not decided for"
	case d.Outcome == iam.ExplicitlyDenied:
		return no, "forbids"
	}
	return no, "does not allow"
}

// machineOf names a target that is no topic, such as lambda.
func machineOf(arn string) string {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return arn
	}
	return a.Service + " " + strings.TrimPrefix(a.Resource, "function:")
}
