package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

func (c *checker) resourceARNs() {
	list, name := c.st.resources()
	if list == nil {
		return
	}
	for i, item := range list.Items {
		if strings.Trim(item.Value, "*") == "" || jsonMarker(item.Value) {
			continue
		}
		c.arn(item.Value, c.st.at(name, list, i))
	}
}

func (c *checker) arn(text string, at place) {
	value := text
	if c.doc.HasVariables() {
		value = known.WildVariables(text)
	}
	if strings.Trim(value, "*") == "" {
		return
	}
	prefix, _, _ := strings.Cut(value, ":")
	if !glob.Meets(prefix, "arn") {
		c.add("INVALID_ARN_PREFIX", fmt.Sprintf("%q does not start with arn:", text), at)
		return
	}
	p, ok := condition.SplitARN(value)
	if !ok {
		if !strings.HasSuffix(value, "*") {
			c.add("MISSING_ARN_FIELD", fmt.Sprintf("%q has fewer than six fields", text), at)
		}
		return
	}
	if !known.Wild(p[1]) && !known.Partition(p[1]) {
		c.add("INVALID_PARTITION", fmt.Sprintf("there is no partition %q", p[1]), at)
	}
	if c.arnService(p[2], at) {
		c.arnFields(p[2], p[3], p[4], p[5], at)
	}
}

// arnService judges the service field and says whether the rest can be judged.
func (c *checker) arnService(service string, at place) bool {
	lower := strings.ToLower(service)
	switch {
	case known.Wild(service):
		if service != "*" {
			c.add("WILDCARD_IN_SERVICE_NAME", fmt.Sprintf("%q has a wildcard in the service", service), at)
		}
		return false
	case service != lower && known.ARNService(lower):
		c.add("INVALID_ARN_SERVICE_CASE", fmt.Sprintf("the service %q is not in lower case", service), at)
		return false
	case !known.ARNService(service):
		c.add("INVALID_SERVICE", fmt.Sprintf("there is no service %q%s", service, c.suggest(lower, metadata.Services())), at)
		return false
	}
	return true
}

func (c *checker) arnFields(service, region, account, resource string, at place) {
	if !known.Wild(region) && region != "" && !known.Region(region) {
		c.add("INVALID_ARN_REGION", fmt.Sprintf("there is no Region %q", region), at)
	}
	if !known.Wild(account) && account != "" && !known.Account(account) && !known.OwnedByAWS(account) {
		c.add("INVALID_ARN_ACCOUNT", fmt.Sprintf("%q is not a 12-digit account number", account), at)
	}
	if !c.spend(known.Templates(service) * (len(resource) + 1)) {
		return
	}
	fits := known.Fitting(service, resource)
	if len(fits) == 0 {
		if known.Strict(service) && known.UnknownKind(service, resource) {
			c.add("INVALID_ARN_RESOURCE", fmt.Sprintf("%s has no resource type %q", service, resource), at)
		}
		return
	}
	regions, accounts := 0, 0
	for _, t := range fits {
		regions += min(len(t.Region), 1)
		accounts += min(len(t.Account), 1)
	}
	switch {
	case region != "" && !known.Wild(region) && regions == 0:
		c.add("ARN_REGION_NOT_ALLOWED", fmt.Sprintf("ARNs of this kind of %s resource have no Region", service), at)
	case region == "" && regions == len(fits):
		c.add("MISSING_ARN_REGION", fmt.Sprintf("ARNs of this kind of %s resource have a Region", service), at)
	}
	switch {
	case account != "" && !known.Wild(account) && accounts == 0 && !known.OwnedByAWS(account):
		c.add("ARN_ACCOUNT_NOT_ALLOWED", fmt.Sprintf("ARNs of this kind of %s resource have no account", service), at)
	case account == "" && accounts == len(fits) && known.Strict(service):
		c.add("MISSING_ARN_ACCOUNT", fmt.Sprintf("ARNs of this kind of %s resource have an account", service), at)
	}
}
