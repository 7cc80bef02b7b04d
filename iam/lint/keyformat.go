package lint

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam/condition"
)

// forms are the shapes of values that some keys hold.
var forms = sync.OnceValue(func() *struct{ vpc, vpce, calledVia, viaService, principal, kmsKey *regexp.Regexp } {
	return &struct{ vpc, vpce, calledVia, viaService, principal, kmsKey *regexp.Regexp }{
		vpc:  regexp.MustCompile(`^vpc-([0-9a-zA-Z]{8}|[0-9a-zA-Z]{17})$`),
		vpce: regexp.MustCompile(`^vpce-([0-9a-zA-Z]{8}|[0-9a-zA-Z]{17})$`),
		// The service alone: AWS refuses application-signals.cloudwatch.amazonaws.com here.
		calledVia:  regexp.MustCompile(`^[a-z0-9-]+\.amazonaws\.com(\.cn)?$`),
		viaService: regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2}(-[a-z]+)+-\d+\.amazonaws\.com(\.cn)?$`),
		principal:  regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|aws\.dev|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$`),
		kmsKey:     regexp.MustCompile(`^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+$`),
	}
})

// keyFormats judges values whose form the key fixes. Patterns are left alone: a
// part of a value may be of any form.
func (c *checker) keyFormats(k *cond) {
	if k.op.Family == condition.Null {
		return
	}
	for i, item := range k.key.Values.Items {
		text := item.Value
		if text == "" || jsonMarker(text) || strings.Contains(text, "${") || k.like() && strings.ContainsAny(text, "*?") {
			continue
		}
		code, want := badForm(k.lower, text)
		if code != "" {
			c.add(code, fmt.Sprintf("%s is compared with %q, want %s", k.name(), text, want), k.valueAt(i))
		}
	}
}

func badForm(lower, text string) (code, want string) {
	f := forms()
	switch lower {
	case "aws:sourcevpc":
		if !f.vpc.MatchString(text) {
			return "INVALID_VPC_FORMAT", "vpc- and 8 or 17 hexadecimal digits"
		}
	case "aws:sourcevpce":
		if !f.vpce.MatchString(text) {
			return "INVALID_VPCE_FORMAT", "vpce- and 8 or 17 hexadecimal digits"
		}
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		if !f.calledVia.MatchString(text) {
			return "INVALID_SERVICE_PRINCIPAL_FORMAT", "SERVICE.amazonaws.com"
		}
	case "kms:viaservice":
		if !f.viaService.MatchString(text) {
			return "INVALID_SERVICE_PRINCIPAL_FORMAT", "SERVICE.REGION.amazonaws.com"
		}
	case "aws:principalservicename", "aws:principalservicenameslist", "iam:passedtoservice", "iam:awsservicename", "sts:awsservicename":
		if !f.principal.MatchString(text) {
			return "INVALID_SERVICE_PRINCIPAL_FORMAT", "SERVICE.amazonaws.com"
		}
	case "aws:requestedregion", "ec2:region":
		if !isRegion(text) {
			return "INVALID_REGION", "the code of a Region"
		}
	case "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:kmskeyarn", "kms:keyarn":
		if !f.kmsKey.MatchString(text) {
			return "INVALID_KMS_KEY_VALUE", "the ARN of a KMS key"
		}
	}
	return "", ""
}

// isSensitive says whether a key keeps strangers out and has no use for patterns
// (IAM User Guide, "AWS global condition context keys", "Sensitive condition keys").
func isSensitive(lower string) bool {
	switch lower {
	case "aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "aws:sourceaccount",
		"aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid":
		return true
	}
	return false
}

// isPrefixed says whether a pattern for the key needs a beginning: an organization's
// id, or what stands before the variable part of an ARN.
func isPrefixed(lower string) bool {
	switch lower {
	case "aws:principalorgpaths", "aws:sourceorgpaths", "aws:resourceorgpaths", "aws:vpceorgpaths":
		return true
	}
	return false
}

// leading is how many characters AWS wants before a wildcard.
const leading = 6

// sensitive judges wildcards and variables in keys that keep strangers out. A
// pattern * alone is another finding's subject.
func (c *checker) sensitive(k *cond) {
	if k.op.Family == condition.Null || k.op.Negated && !c.st.Denies() && !isSensitive(k.lower) {
		return
	}
	secret, prefixed := isSensitive(k.lower), isPrefixed(k.lower)
	if !secret && !prefixed && k.lower != "aws:userid" {
		return
	}
	for i, item := range k.key.Values.Items {
		text := item.Value
		if strings.Trim(text, "*") == "" || jsonMarker(text) {
			continue
		}
		if at := strings.IndexAny(withoutVariables(text), "*?"); at >= 0 && k.like() && tooOpen(k.lower, text, at) {
			c.add("WILDCARD_USAGE_TOO_PERMISSIVE", fmt.Sprintf("the wildcard in %q lets strangers meet %s", text, k.name()), k.valueAt(i))
		}
		if at := strings.Index(text, "${"); at >= 0 && c.doc.HasVariables() && !ownVariable(text) && tooOpen(k.lower, text, at) {
			c.add("VARIABLE_USAGE_TOO_PERMISSIVE", fmt.Sprintf("the variable in %q decides %s", text, k.name()), k.valueAt(i))
		}
	}
}

func tooOpen(lower, text string, at int) bool {
	if isSensitive(lower) {
		return true
	}
	if lower == "aws:userid" {
		colon := strings.IndexByte(withoutVariables(text), ':')
		return colon < 0 || at < colon && at > 0
	}
	return at < leading
}

// ownVariable says whether the text is a variable that AWS fills in and the caller
// cannot choose: an account or organization, the same kind of thing.
func ownVariable(text string) bool {
	name, ok := strings.CutPrefix(text, "${")
	name, closed := strings.CutSuffix(name, "}")
	lower := strings.ToLower(name)
	return ok && closed && (isSensitive(lower) || lower == "aws:userid" || isPrefixed(lower))
}

// securityOfKey is what a key cannot be trusted for.
func (c *checker) securityOfKey(k *cond) {
	switch k.lower {
	case "aws:referer", "aws:useragent":
		c.add("UNTRUSTWORTHY_CONDITION_KEY", fmt.Sprintf("the caller chooses %s", k.name()), k.place())
	case "aws:vpcsourceip":
		if !c.st.finds("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn") {
			c.add("MISSING_PAIRED_CONDITION_KEYS", "aws:VpcSourceIp says nothing without aws:SourceVpc or aws:SourceVpce", k.place())
		}
	case "dynamodb:attributes":
		if c.st.allows() && !c.st.finds("dynamodb:select") {
			c.add("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", "dynamodb:Attributes without dynamodb:Select lets a read return every attribute", k.place())
		}
	case "s3:prefix":
		strings := k.op.Family <= condition.StringLike
		if strings && k.op.Negated == c.st.allows() {
			c.add("S3_PREFIX_IN_NEGATIVE_CONTEXT", "a shorter s3:prefix does not meet the condition and lists the same objects", k.place())
		}
	case "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths":
		c.endpointServices(k)
	}
}

// endpointServices are the services that send the keys about the owner of a VPC
// endpoint (the same page, "aws:VpceAccount").
const endpointServices = " apprunner discovery athena servicediscovery applicationinsights cloudformation comprehendmedical compute-optimizer " +
	"ecr ecs kinesisanalytics route53 datasync dynamodb ebs scheduler firehose gamelift medical-imaging healthlake omics iam iotfleetwise " +
	"iotwireless kms lambda payment-cryptography polly acm-pca rbin rekognition servicequotas s3 shield storagegateway ssm-contacts " +
	"textract transcribe transfer "

func (c *checker) endpointServices(k *cond) {
	bad := c.st.NotAction != nil
	for _, a := range c.st.Action.Values() {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		bad = bad || strings.ContainsAny(service, "*?") || !strings.Contains(endpointServices, " "+service+" ")
	}
	if bad {
		c.add("USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", fmt.Sprintf("%s is sent by some services only, and the statement names others", k.name()), k.place())
	}
}
