package reconcile

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/access"
)

// task is a task policy of sts:AssumeRoot: what a session under it can do, by source and
// name of the events (IAM User Guide, "Perform a privileged task on an AWS Organizations
// member account"; AWS's managed policies root-task/*).
type task struct {
	name         string
	read, change []string
}

const (
	iamSource = "iam.amazonaws.com"
	taskPath  = ":iam::aws:policy/root-task/"
)

var credentialReads = []string{
	iamSource + " ListAccessKeys", iamSource + " ListSigningCertificates", iamSource + " GetLoginProfile", iamSource + " ListMFADevices",
	iamSource + " GetUser", iamSource + " GetAccessKeyLastUsed",
}

var (
	audit = task{name: "IAMAuditRootUserCredentials", read: append(slices.Clone(credentialReads), iamSource+" GetAccountSummary")}
	tasks = []task{
		audit,
		{"IAMDeleteRootUserCredentials", credentialReads, []string{
			iamSource + " DeleteAccessKey", iamSource + " DeleteSigningCertificate", iamSource + " DeleteLoginProfile",
			iamSource + " DeactivateMFADevice", iamSource + " DeleteVirtualMFADevice",
		}},
		{"IAMCreateRootUserPassword", []string{iamSource + " GetLoginProfile"}, []string{iamSource + " CreateLoginProfile"}},
		{"S3UnlockBucketPolicy", []string{"s3.amazonaws.com GetBucketPolicy", "s3.amazonaws.com ListBuckets"},
			[]string{"s3.amazonaws.com PutBucketPolicy", "s3.amazonaws.com DeleteBucketPolicy"}},
		{"SQSUnlockQueuePolicy", []string{"sqs.amazonaws.com ListQueues", "sqs.amazonaws.com GetQueueUrl", "sqs.amazonaws.com GetQueueAttributes"},
			[]string{"sqs.amazonaws.com SetQueueAttributes"}},
	}
)

func (t *task) reads(source, name string) bool { return slices.Contains(t.read, source+" "+name) }

// is says whether an ARN names the policy, in whichever partition.
func (t *task) is(arn string) bool {
	before, name, ok := strings.Cut(arn, taskPath)
	return ok && strings.HasPrefix(before, "arn:aws") && name == t.name
}

// fits says whether the task of a request may need a session under the policy: any may
// look, and what changes something has to be in the scope.
func (t *task) fits(r *Request) bool {
	return t.name == audit.name || slices.ContainsFunc(t.change, func(c string) bool {
		source, name, _ := strings.Cut(c, " ")
		return access.Covers(r.Events, source, name)
	})
}

// policyFits says whether a request may open a session under a task policy.
func (r *Request) policyFits(arn string) bool {
	return slices.ContainsFunc(tasks, func(t task) bool { return t.is(arn) && t.fits(r) })
}

// inScope says whether a call of a session of AssumeRoot is what the request is for, or
// what a session that it may open reads on the way.
func (r *Request) inScope(e *Event) bool {
	return access.Covers(r.Events, e.Source, e.Name) ||
		slices.ContainsFunc(tasks, func(t task) bool { return t.fits(r) && t.reads(e.Source, e.Name) })
}

// named says whether the scope takes an event by more than a lone *. A request that takes
// all steps of a sign-in does not take a new password with them.
func named(events []string, source, name string) bool {
	return access.Covers(slices.DeleteFunc(slices.Clone(events), func(e string) bool { return strings.HasSuffix(e, " *") }), source, name)
}

// signInSteps are what a sign-in goes through, whatever it is for.
var signInSteps = []string{"CheckMfa", "CredentialChallenge", "CredentialVerification", "UserAuthentication"}

// takesStep says whether a request takes a step of a sign-in. One that hands out more than
// the console, as `aws login` does, the task has to name.
func (r *Request) takesStep(name string) bool {
	switch {
	case slices.Contains(signInSteps, name):
		return true
	case strings.Contains(name, "OAuth2"), strings.Contains(name, "Token"):
		return named(r.Events, signInSource, name)
	}
	return access.Covers(r.Events, signInSource, name)
}

// readingNames begin the names of calls that read.
var readingNames = []string{"Describe", "Get", "Head", "List", "Lookup", "Search"}

// secretWords are in the names of calls beginning with Get that give more than the state
// of a resource: secrets, sessions, data, code, what programs wrote.
var secretWords = []string{
	"ApiKey", "Block", "Command", "Connection", "ConsoleOutput", "Credential", "Document", "Download", "Export", "Function", "Item",
	"LayerVersion", "LogEvents", "Media", "Message", "Object", "Parameter", "Password", "Record", "Result", "Screenshot", "Secret", "Session", "Template", "Token",
}

// stateOnly have one of the words, and give no more than a state.
var stateOnly = []string{
	"GetAccountPasswordPolicy", "GetAccountPublicAccessBlock", "GetBucketObjectLockConfiguration", "GetBucketPublicAccessBlock", "GetPublicAccessBlock",
}

// telling begin the names of other calls that give secrets: environments and user data,
// keys of an API, of a client, of a tunnel.
var telling = []string{
	"DescribeConfigurationSettings", "DescribeIdentityProvider", "DescribeInstanceAttribute", "DescribeJobDefinitions", "DescribeLaunchConfigurations",
	"DescribeLaunchTemplateVersions", "DescribeSpotFleetRequests", "DescribeTaskDefinition", "DescribeUserPoolClient", "DescribeVpnConnections",
	"GetConfiguration", "GetHostedConfiguration", "GetLatestConfiguration", "ListApiKeys", "ListCommandInvocations", "ListFunctions", "ListVersionsByFunction",
}

// isReading says whether a call is one of the many that a console makes by itself, or the
// like: AWS says that it reads, its name says so, and what it gives is no secret.
func isReading(e *Event) bool {
	begins := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(e.Name, p) })
	}
	switch {
	case !e.ReadOnly || !begins(readingNames) || begins(telling):
		return false
	case slices.Contains(stateOnly, e.Name):
		return true
	}
	return !strings.HasPrefix(e.Name, "Get") || !slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(e.Name, w) })
}
