// Package writerole writes the roles that changes are applied with, one for each class of
// change: the IAM actions of the class go in; CloudFormation, Terraform or JSON come out.
// A role may do what is in the list, on resources of the types that the actions are for,
// and never touch rootkeep's own roles.
package writerole

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/awsrole"
)

// Template is how the roles are called unless somebody says otherwise. {class} stands for
// the class of change in words that begin with capitals.
const Template = "RootkeepWrite{class}"

// Plan is the class of the role that changes are planned and read back with, and PlanName
// what it is called unless somebody says otherwise. No action of its changes something.
const (
	Plan     = "plan"
	PlanName = "RootkeepPlan"
)

// The patterns of source identities: of changes, of requests for root, of what only looks.
const (
	ofChange  = "CH-*"
	ofRequest = "RR-*"
	ofScan    = "SC-*"
)

// sources are those that the role is entered with. What writes as root does so under a
// request for root alone; the role that plans reads for all of them.
func (r Role) sources() []string {
	switch r.Class {
	case Plan:
		return []string{ofChange, ofRequest, ofScan}
	case rootClass:
		return []string{ofRequest}
	}
	return []string{ofChange}
}

// Name is the name of the role of a class, such as RootkeepWriteIdentity.
func Name(template, class string) string {
	words := strings.Split(class, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.ReplaceAll(template, "{class}", strings.Join(words, ""))
}

// Role is what is written.
type Role struct {
	Class      string
	Actions    []string // IAM actions: what its kinds of change need
	Tasks      []string // of root sessions that the role of the class Plan takes
	Template   string   // of the names of all write roles; "" is Template
	Partition  string   // aws, aws-us-gov or aws-cn; "" is aws
	Broker     string   // ARN of who enters it, "" is asked for when the role is made
	ExternalID string   // that the broker has to give, "" for none
}

// Formats are the names that Write knows.
func Formats() []string { return []string{"cloudformation", "json", "terraform"} }

// Name is what the role is called.
func (r Role) Name() string {
	if r.Class == Plan {
		return Name(cmp.Or(r.Template, PlanName), r.Class)
	}
	return Name(cmp.Or(r.Template, Template), r.Class)
}

// Write writes the role in one of Formats.
func (r Role) Write(w io.Writer, format string) error {
	if !slices.Contains(Formats(), format) {
		return fmt.Errorf("format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	p, err := r.Policy()
	if err != nil {
		return err
	}
	if r.Class == Plan {
		return awsrole.Role{
			Name: r.Name(), Title: "Role that rootkeep plans changes with", About: "Entered by rootkeep to plan changes and to read them back",
			Head: "The role that rootkeep plans changes with and reads them back. It has no action that changes\n" +
				"something. Written by `rootkeep role render`; further kinds may read more, so write it again\nafter an update.",
			Enters: awsrole.Entrant{Word: "broker", Does: "plans changes", Sources: r.sources(), ARN: r.Broker, ExternalID: r.ExternalID}, Policy: p,
		}.Write(w, format)
	}
	return awsrole.Role{
		Name: r.Name(), Title: "Role for rootkeep's changes of class " + r.Class, About: "Entered by rootkeep while an approved change of class " + r.Class + " is applied",
		Head: "The role that rootkeep applies changes of class " + r.Class + " with. Written by `rootkeep role\n" +
			"render`; further kinds of change may need more, so write it again after an update.",
		Enters: awsrole.Entrant{Word: "broker", Does: "applies changes", Sources: r.sources(), ARN: r.Broker, ExternalID: r.ExternalID}, Policy: p,
	}.Write(w, format)
}

var (
	className  = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	actionName = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)
)

// maxPolicy is how many characters without white space the policies inside a role hold
// together (IAM User Guide, "IAM and AWS STS quotas").
const maxPolicy = 10240

// Policy is the role's policy. The error names an action that AWS does not have, or that
// it has no good for.
func (r Role) Policy() (awsrole.Policy, error) {
	out := awsrole.Policy{Name: "write"}
	switch {
	case !className.MatchString(r.Class):
		return out, fmt.Errorf("class %q: want lower-case words joined by -", r.Class)
	case !slices.Contains(awsrole.Partitions(), r.partition()):
		return out, fmt.Errorf("partition %q: want %s", r.Partition, strings.Join(awsrole.Partitions(), ", "))
	case len(r.Actions) == 0:
		return out, fmt.Errorf("class %s: there is no action that the role could be for", r.Class)
	}
	if r.Class == Plan {
		return r.reading()
	}
	plain, asRoot := r.split()
	on := map[string]*awsrole.Statement{}
	for _, action := range plain {
		sid, resources, err := r.resources(action)
		if err != nil {
			return out, err
		}
		s := on[sid]
		if s == nil {
			s = &awsrole.Statement{Sid: sid, Effect: "Allow", Action: []string{}, Resource: resources}
			on[sid] = s
			out.Statements = append(out.Statements, awsrole.Statement{Sid: sid})
		}
		s.Action = append(s.Action.([]string), action)
	}
	for i := range out.Statements {
		out.Statements[i] = *on[out.Statements[i].Sid]
	}
	special, err := r.special(asRoot)
	if err != nil {
		return out, err
	}
	out.Statements = append(append(out.Statements, special...), r.never()...)
	return out, r.fits(out)
}

// fits refuses a policy that no role holds.
func (r Role) fits(p awsrole.Policy) error {
	if n := len(strings.Join(strings.Fields(string(p.JSON())), "")); n > maxPolicy {
		return fmt.Errorf("class %s: the policy has %d characters, and a role holds %d", r.Class, n, maxPolicy)
	}
	return nil
}

// reading is the policy of the role of the class Plan. Which resources a change will be
// about is not known before it is planned.
func (r Role) reading() (awsrole.Policy, error) {
	out := awsrole.Policy{Name: "read"}
	for _, action := range r.Actions {
		prefix, name, _ := strings.Cut(action, ":")
		if _, ok := metadata.FindAction(prefix, name); !ok || !actionName.MatchString(action) {
			return out, fmt.Errorf("class %s: %q is no action of IAM that is known", r.Class, action)
		}
	}
	out.Statements = []awsrole.Statement{{Sid: "Read", Effect: "Allow", Action: slices.Compact(slices.Sorted(slices.Values(r.Actions))), Resource: "*"}}
	for _, task := range r.Tasks {
		if task != auditTask {
			return out, fmt.Errorf("class %s: a root session for %s can do more than look; hint: a change reads as root for %s alone", r.Class, task, auditTask)
		}
	}
	if len(r.Tasks) > 0 {
		special, err := r.special(r.Tasks)
		if err != nil {
			return out, err
		}
		out.Statements = append(out.Statements, special...)
	}
	return out, r.fits(out)
}

func (r Role) partition() string { return cmp.Or(r.Partition, "aws") }

// rootTasks are the actions that a change of the class root does as root of a member, with
// the task policy that lets it (IAM User Guide, "AWS managed policies for privileged root
// user sessions"). The role needs a session for the task, and not these.
var rootTasks = map[string]string{
	"iam:DeleteAccessKey": "IAMDeleteRootUserCredentials", "iam:DeleteLoginProfile": "IAMDeleteRootUserCredentials",
	"iam:DeleteSigningCertificate": "IAMDeleteRootUserCredentials", "iam:DeactivateMFADevice": "IAMDeleteRootUserCredentials",
	"iam:DeleteVirtualMFADevice": "IAMDeleteRootUserCredentials", "iam:CreateLoginProfile": "IAMCreateRootUserPassword",
	"s3:DeleteBucketPolicy": "S3UnlockBucketPolicy", "s3:PutBucketPolicy": "S3UnlockBucketPolicy", "sqs:SetQueueAttributes": "SQSUnlockQueuePolicy",
}

const (
	passRole    = "iam:PassRole"
	serviceRole = "iam:CreateServiceLinkedRole"
	assumeRoot  = "sts:AssumeRoot"
	rootClass   = "root"
	auditTask   = "IAMAuditRootUserCredentials"
)

// split sorts the actions, each once: those that stand in the policy as they are, and the
// tasks of root sessions.
func (r Role) split() (plain, tasks []string) {
	all := slices.Compact(slices.Sorted(slices.Values(r.Actions)))
	for _, action := range all {
		task := rootTasks[action]
		switch {
		case slices.Contains([]string{passRole, serviceRole, assumeRoot}, action):
		case r.Class == rootClass && task != "":
			tasks = append(tasks, task)
		default:
			plain = append(plain, action)
		}
	}
	slices.Sort(tasks)
	return plain, slices.Compact(tasks)
}

// resources are what an action is about, as patterns of ARNs by the Service Authorization
// Reference, with a name for them. Accounts and Regions are left open: a role is of one
// account. An action that may be about nothing is allowed on everything.
func (r Role) resources(action string) (sid string, patterns any, err error) {
	prefix, name, _ := strings.Cut(action, ":")
	found, ok := metadata.FindAction(prefix, name)
	if !actionName.MatchString(action) || !ok {
		return "", nil, fmt.Errorf("class %s: %q is no action of IAM that is known", r.Class, action)
	}
	var types, arns []string
	required := false
	for _, res := range found.Resources {
		required = required || res.Required
		for _, t := range metadata.ResourceTypes(prefix) {
			if t.Name == res.Type {
				types, arns = append(types, t.Name), append(arns, r.pattern(t.ARN))
			}
		}
	}
	if !required || len(arns) == 0 {
		return "Any", "*", nil
	}
	sid = Name("{class}", strings.ToLower(prefix))
	for _, t := range slices.Compact(slices.Sorted(slices.Values(types))) {
		sid += Name("{class}", letters.ReplaceAllString(t, ""))
	}
	return sid, slices.Compact(slices.Sorted(slices.Values(arns))), nil
}

var (
	letters     = regexp.MustCompile(`[^A-Za-z0-9]`)
	placeholder = regexp.MustCompile(`\$\{[A-Za-z]+\}`)
)

// pattern is the template of an ARN with its partition, and everything else left open.
func (r Role) pattern(arn string) string {
	return placeholder.ReplaceAllString(strings.ReplaceAll(arn, "${Partition}", r.partition()), "*")
}
