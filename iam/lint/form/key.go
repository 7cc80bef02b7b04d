package form

import (
	"regexp"
	"sync"

	"github.com/rootkeep/rootkeep/iam/lint/known"
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

// Wrong judges a value that a condition key, in lower case, is compared with: the
// code of the finding and what was expected, or nothing.
func Wrong(lower, text string) (code, want string) {
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
		if !known.Region(text) {
			return "INVALID_REGION", "the code of a Region"
		}
	case "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:kmskeyarn", "kms:keyarn":
		if !f.kmsKey.MatchString(text) {
			return "INVALID_KMS_KEY_VALUE", "the ARN of a KMS key"
		}
	}
	return "", ""
}

type principalForms struct{ arn, id, provider *regexp.Regexp }

var principalShapes = sync.OnceValue(func() *principalForms {
	return &principalForms{
		arn: regexp.MustCompile(`^arn:[a-z0-9-]+:(iam::(\d{12}|cloudfront):(root|user/.+|role/.+)|` +
			`sts::\d{12}:(assumed-role/.+|federated-user/.+|self))$`),
		id:       regexp.MustCompile(`^A[A-Z0-9]{3}[A-Z0-9]{8,}$`),
		provider: regexp.MustCompile(`^(arn:[a-z0-9-]+:iam::\d{12}:(saml-provider|oidc-provider)/.+|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/\S*)?)$`),
	}
})

// ServicePrincipal says whether text names a service, such as ec2.amazonaws.com.
func ServicePrincipal(text string) bool { return forms().principal.MatchString(text) }

// PrincipalARN says whether text is the ARN of a root, user, role or session.
func PrincipalARN(text string) bool { return principalShapes().arn.MatchString(text) }

// PrincipalID says whether text is a unique id such as AROA...
func PrincipalID(text string) bool { return principalShapes().id.MatchString(text) }

// Provider says whether text is an identity provider: a domain, or the ARN of a SAML
// or OIDC provider.
func Provider(text string) bool { return principalShapes().provider.MatchString(text) }
