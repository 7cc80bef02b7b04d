package iam

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// rule is how a service departs from the common rule for an action.
type rule uint8

const (
	commonRule          rule = iota
	resourceDecides          // the resource's policy must name the caller or its account: KMS keys, role trust
	trustAlone               // the trust policy alone decides: AssumeRoleWithSAML and WithWebIdentity
	alwaysAllowed            // sts:GetCallerIdentity
	neverAllowed             // what AWS owns cannot be changed; a root user assumes no role
	publicBlocked            // S3 RestrictPublicBuckets, unsigned caller
	publicBlockedAcross      // the same, caller of another account
	rules
)

// ruledServices are those whose actions findRule, survives and alsoNeeds may treat in
// their own way. All others are judged by the common rule.
var ruledServices = [...]string{"iam", "kms", "s3", "sts"}

// HasRules says whether AWS treats some resources of a service in ways that no policy
// states: the prefix is in lower case.
func HasRules(service string) bool { return slices.Contains(ruledServices[:], service) }

// mayRule says whether an action of one of the ruledServices may be treated in its
// own way on this resource.
func (t *target) mayRule(service string) bool {
	switch {
	case service == "sts":
		return true
	case !t.arn.Is:
		return false
	case service == "iam":
		return t.arn.Parts[4] == "aws" || strings.HasPrefix(t.arn.Parts[5], "role/aws-reserved/")
	case service == "kms":
		return strings.HasPrefix(t.arn.Parts[5], "key/") || strings.HasPrefix(t.arn.Parts[5], "alias/aws/")
	}
	return t.arn.Parts[2] == "s3" && (t.Facts.RestrictPublicBuckets || t.Principal.Kind == Root)
}

// findRule finds the rule of the request's action and resource.
func (t *target) findRule() rule {
	switch string(t.lower()) {
	case "sts:getcalleridentity":
		if t.Principal.Signed() {
			return alwaysAllowed
		}
	case "sts:assumerole":
		if t.Principal.Kind == Root {
			return neverAllowed
		}
		return resourceDecides
	case "sts:tagsession", "sts:setsourceidentity":
		if t.arn.Is {
			return resourceDecides
		}
	case "sts:assumerolewithsaml", "sts:assumerolewithwebidentity":
		return trustAlone
	}
	if t.colon < 0 || !t.arn.Is {
		return commonRule
	}
	switch string(t.service()) {
	case "kms":
		if strings.HasPrefix(t.arn.Parts[5], "key/") {
			return resourceDecides
		}
		if t.changes("createalias", "updatealias", "deletealias") && strings.HasPrefix(t.arn.Parts[5], "alias/aws/") {
			return neverAllowed
		}
	case "iam":
		return t.iamRule()
	case "s3":
		return t.s3Rule()
	}
	return commonRule
}

// iamRule protects managed policies and roles of AWS.
func (t *target) iamRule() rule {
	switch {
	case t.arn.Parts[4] == "aws" && strings.HasPrefix(t.arn.Parts[5], "policy/"):
		if t.changes("createpolicyversion", "deletepolicy", "deletepolicyversion", "setdefaultpolicyversion", "tagpolicy", "untagpolicy") {
			return neverAllowed
		}
	case strings.HasPrefix(t.arn.Parts[5], "role/aws-reserved/"):
		if t.changes("attachrolepolicy", "deleterole", "deleterolepermissionsboundary", "deleterolepolicy", "detachrolepolicy",
			"putrolepermissionsboundary", "putrolepolicy", "tagrole", "untagrole", "updateassumerolepolicy", "updaterole", "updateroledescription") {
			return neverAllowed
		}
	case strings.HasPrefix(t.arn.Parts[5], "role/aws-service-role/"):
		// Its service alone changes what it may do and who it trusts; its description
		// and tags are the account's.
		if t.changes("attachrolepolicy", "deleterole", "deleterolepermissionsboundary", "deleterolepolicy", "detachrolepolicy",
			"putrolepermissionsboundary", "putrolepolicy", "updateassumerolepolicy") {
			return neverAllowed
		}
	}
	return commonRule
}

func (t *target) s3Rule() rule {
	switch {
	case !t.Facts.RestrictPublicBuckets || t.arn.Parts[2] != "s3":
		return commonRule
	case t.Principal.Kind == Anonymous:
		return publicBlocked
	case t.Principal.Signed():
		return publicBlockedAcross
	}
	return commonRule
}

// changes says whether the action's name is one of these, given in lower case.
func (t *target) changes(names ...string) bool {
	for _, n := range names {
		if string(t.name()) == n {
			return true
		}
	}
	return false
}

// activeLayers are the layers that have a say about this caller and resource.
func (t *target) activeLayers() Layers {
	p := &t.Principal
	active := Layers(1<<Resource | 1<<Endpoint)
	linked := t.organized && p.ServiceLinked(&t.context)
	if !linked && !t.Facts.AWSManagedKey && !t.managed(t.owner()) {
		active.add(RCP)
	}
	if !p.Signed() || t.rule == trustAlone {
		return active
	}
	active.add(Identity)
	active.add(Session)
	if p.Kind != Root {
		active.add(Boundary)
	}
	if !linked && !t.managed(p.Account) {
		active.add(SCP)
	}
	return active
}

func (t *target) managed(account rootkeep.AccountID) bool {
	return account != "" && account == t.Facts.ManagementAccount
}

// survives says whether a Deny of the layer cannot stop this request: nothing stops
// sts:GetCallerIdentity, the root user of a bucket's account can always repair the
// bucket policy, and a session of sts:AssumeRoot the policy of a queue (IAM User Guide,
// "Perform a privileged task on an AWS Organizations member account").
func (t *target) survives(l Layer) bool {
	if t.rule == alwaysAllowed {
		return l != Endpoint
	}
	if l != Resource || t.Principal.Kind != Root || t.same != True {
		return false
	}
	switch string(t.lower()) {
	case "s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy":
		return t.bucket()
	case "sqs:getqueueattributes", "sqs:setqueueattributes":
		central, there := t.context.Values("aws:assumedroot")
		return there == True && central[0] == "true"
	}
	return false
}

// alsoActions are checked by AssumeRole beside its own action when the call tags
// the session or sets its source identity.
var alsoActions = [...]struct {
	name string
	bit  uint8
}{{"sts:tagsession", 1}, {"sts:setsourceidentity", 2}}

// alsoNeeds says which of alsoActions the request needs too. Only what is known to
// be in the request counts.
func (t *target) alsoNeeds() (bits uint8) {
	switch string(t.lower()) {
	case "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity":
	default:
		return 0
	}
	if t.context.HasPrefix("aws:requesttag/") == True {
		bits |= 1
	}
	if _, there := t.context.Values("sts:sourceidentity"); there == True {
		bits |= 2
	}
	return bits
}
