package lint

import (
	"fmt"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// template is an ARN form of a resource type, with wildcards for its placeholders.
type template struct {
	region, account, resource string
	kind                      string // the fixed word that the resource starts with
}

// templates are the ARN forms by the service field of the ARN.
var templates = sync.OnceValue(func() map[string][]template {
	out := map[string][]template{}
	for _, prefix := range metadata.Services() {
		for _, r := range metadata.ResourceTypes(prefix) {
			p, ok := condition.SplitARN(r.ARN)
			if !ok {
				continue
			}
			resource := wildVariables(p[5])
			kind, _, _ := strings.Cut(resource, "*")
			out[p[2]] = append(out[p[2]], template{p[3], p[4], resource, kind})
		}
	}
	return out
})

// wildVariables puts a star in the place of every ${...}.
func wildVariables(text string) string {
	for {
		before, rest, ok := strings.Cut(text, "${")
		if !ok {
			return text
		}
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return text
		}
		text = before + "*" + after
	}
}

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
		value = wildVariables(text)
	}
	if strings.Trim(value, "*") == "" {
		return
	}
	prefix, _, _ := strings.Cut(value, ":")
	if !meets(prefix, "arn") {
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
	if !isWild(p[1]) && !isPartition(p[1]) {
		c.add("INVALID_PARTITION", fmt.Sprintf("there is no partition %q", p[1]), at)
	}
	if c.arnService(p[2], at) {
		c.arnFields(p[2], p[3], p[4], p[5], at)
	}
}

func isWild(field string) bool { return strings.ContainsAny(field, "*?") }

func isPartition(name string) bool {
	switch name {
	case "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc":
		return true
	}
	return false
}

// arnService judges the service field and says whether the rest can be judged.
func (c *checker) arnService(service string, at place) bool {
	lower := strings.ToLower(service)
	switch {
	case isWild(service):
		if service != "*" {
			c.add("WILDCARD_IN_SERVICE_NAME", fmt.Sprintf("%q has a wildcard in the service", service), at)
		}
		return false
	case service != lower && isARNService(lower):
		c.add("INVALID_ARN_SERVICE_CASE", fmt.Sprintf("the service %q is not in lower case", service), at)
		return false
	case !isARNService(service):
		c.add("INVALID_SERVICE", fmt.Sprintf("there is no service %q%s", service, c.suggest(lower, metadata.Services())), at)
		return false
	}
	return true
}

// isARNService says whether ARNs carry the name: that of a service, or catalog,
// which Service Catalog writes.
func isARNService(name string) bool { return isService(name) || name == "catalog" }

func (c *checker) arnFields(service, region, account, resource string, at place) {
	if !isWild(region) && region != "" && !isRegion(region) {
		c.add("INVALID_ARN_REGION", fmt.Sprintf("there is no Region %q", region), at)
	}
	if !isWild(account) && account != "" && !isAccount(account) && !ownedByAWS(account) {
		c.add("INVALID_ARN_ACCOUNT", fmt.Sprintf("%q is not a 12-digit account number", account), at)
	}
	if !c.spend(len(templates()[service]) * (len(resource) + 1)) {
		return
	}
	fits := fitting(service, resource)
	if len(fits) == 0 {
		if strict(service) && unknownKind(service, resource) {
			c.add("INVALID_ARN_RESOURCE", fmt.Sprintf("%s has no resource type %q", service, resource), at)
		}
		return
	}
	regions, accounts := 0, 0
	for _, t := range fits {
		regions += min(len(t.region), 1)
		accounts += min(len(t.account), 1)
	}
	switch {
	case region != "" && !isWild(region) && regions == 0:
		c.add("ARN_REGION_NOT_ALLOWED", fmt.Sprintf("ARNs of this kind of %s resource have no Region", service), at)
	case region == "" && regions == len(fits):
		c.add("MISSING_ARN_REGION", fmt.Sprintf("ARNs of this kind of %s resource have a Region", service), at)
	}
	switch {
	case account != "" && !isWild(account) && accounts == 0 && !ownedByAWS(account):
		c.add("ARN_ACCOUNT_NOT_ALLOWED", fmt.Sprintf("ARNs of this kind of %s resource have no account", service), at)
	case account == "" && accounts == len(fits) && strict(service):
		c.add("MISSING_ARN_ACCOUNT", fmt.Sprintf("ARNs of this kind of %s resource have an account", service), at)
	}
}

// fitting are the forms that some resource of the text can have.
func fitting(service, resource string) []template {
	var out []template
	for _, t := range templates()[service] {
		if meets(resource, t.resource) {
			out = append(out, t)
		}
	}
	return out
}

// strict are services whose resource types are complete in the table and whose ARNs
// always carry an account. Others publish resources that only their own pages name
// (public documents of Systems Manager, views of Resource Explorer).
func strict(service string) bool {
	switch service {
	case "iam", "lambda", "dynamodb", "sns", "sqs", "rds", "secretsmanager", "ecs", "kinesis", "sts":
		return true
	}
	return false
}

// unknownKind says whether the resource starts with a word that no type of the
// service starts with.
func unknownKind(service, resource string) bool {
	end := strings.IndexAny(resource, "/:*?")
	if end <= 0 || resource[end] == '*' || resource[end] == '?' {
		return false
	}
	word := strings.ToLower(resource[:end+1])
	for _, t := range templates()[service] {
		if t.kind == "" || strings.HasPrefix(strings.ToLower(t.kind), word) {
			return false
		}
	}
	return true
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// ownedByAWS says whether the account field names AWS itself or one of its owners
// of public resources.
func ownedByAWS(account string) bool {
	switch account {
	case "aws", "amazon", "aws-marketplace", "cloudfront", "third-party", "aws-managed", "self", "aws-service":
		return true
	}
	return false
}
