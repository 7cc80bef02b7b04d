// Package deploy is the guide's monitoring as data: options go in, a Stack of typed
// resources comes out, from which the packages below write CloudFormation and Terraform.
package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/scanrole"
)

// Part is a part of the stack that can be left out.
type Part string

// The parts, in the order in which they are written.
const (
	Trail       Part = "trail"
	Key         Part = "key"
	Logs        Part = "logs"
	Alarms      Part = "alarms"
	Notices     Part = "notices"
	Events      Part = "events"
	Queue       Part = "queue"
	Findings    Part = "findings"
	Config      Part = "config"
	SecurityHub Part = "securityhub"
	GuardDuty   Part = "guardduty"
	Analyzer    Part = "analyzer"
	Role        Part = "role"
)

// About is what people are told of a part.
type About struct {
	Part  Part
	Title string
	Needs []Part
}

// Parts are all of them.
func Parts() []About {
	return []About{
		{Trail, "trail of all Regions with digest files; its bucket with versions, lock and TLS alone", nil},
		{Key, "KMS key for log files, log group and notices", nil},
		{Logs, "log group that the trail delivers to", []Part{Trail}},
		{Alarms, "metric filters and alarms of the CIS benchmark, root use among them", []Part{Logs, Notices}},
		{Notices, "topics with mail or webhook", nil},
		{Events, "EventBridge rules for root, where its sign-ins are logged", []Part{Trail, Notices}},
		{Queue, "SQS queues that hear of each new log file, and of root within seconds", []Part{Trail}},
		{Findings, "SQS queue of what GuardDuty and Security Hub find, for rootkeep to read", nil},
		{Config, "AWS Config with the guide's four rules under their real names", nil},
		{SecurityHub, "Security Hub CSPM with CIS and AWS's best practices, findings in one Region, insights into root and sign-ins", []Part{Config}},
		{GuardDuty, "GuardDuty with S3 protection", nil},
		{Analyzer, "IAM Access Analyzer for external access", nil},
		{Role, "the role that rootkeep scan reads with", nil},
	}
}

// Options are what the stack is to be.
type Options struct {
	Name string // prefix of every name; "" is rootkeep
	Home string // Region of the trail; "" is us-east-1
	// Account is the one that keeps trail and bucket, "" for the one that the stack is
	// made in; an organization needs it, because its members deliver there.
	Account      string
	Organization string // ID of the organization whose accounts all are recorded, "" for one account
	Management   string // account of the organization's trail, if another than Account makes it
	Archive      string // account that keeps the trail's bucket and its key, "" for Account
	Without      []Part
	KeepDays     int    // of log files; 0 is seven years
	LogDays      int    // of the log group; 0 is a year
	LockMode     string // of new log files: governance or compliance, "" for no lock
	LockDays     int    // 0 is 365 with a lock
	Period       int    // of alarms in seconds: 60 to 300, 0 is 300
	ThreatList   bool   // GuardDuty watches for the addresses of a list, which the account has in a bucket
	ThreatSet    string // what the list is there: ThreatEntities or ThreatAddresses; "" is the former
	Emails       []string
	Webhook      bool   // one more subscription, whose address is asked for when the stack is made
	ExternalID   string // that the scanner gives
	Actions      []string
}

// The usual options.
const (
	usualName = "rootkeep"
	usualHome = "us-east-1"
	keepDays  = 2557 // seven years
	logDays   = 365
	lockDays  = 365
	period    = 300
)

// logGroupDays are the retentions that CloudWatch Logs knows (CloudWatch Logs API
// Reference, PutRetentionPolicy).
var logGroupDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var (
	nameForm         = regexp.MustCompile(`^[a-z][a-z0-9-]{1,18}[a-z0-9]$`)
	regionForm       = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,9}){1,2}-[0-9]$`)
	organizationForm = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	emailForm        = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,255}$`)
	externalForm     = regexp.MustCompile(`^[A-Za-z0-9+=,.@:/-]{2,256}$`)
	actionForm       = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)
)

// ready fills what is usual and refuses what does not go together. Every text that gets
// into a template has passed a form without quotation marks, $ and %.
func (o *Options) ready() error {
	o.Name, o.Home = cmp.Or(o.Name, usualName), cmp.Or(o.Home, usualHome)
	o.KeepDays, o.LogDays, o.Period = cmp.Or(o.KeepDays, keepDays), cmp.Or(o.LogDays, logDays), cmp.Or(o.Period, period)
	if o.LockMode != "" {
		o.LockDays = cmp.Or(o.LockDays, lockDays)
	}
	switch {
	case !nameForm.MatchString(o.Name):
		return fmt.Errorf("name %q: want 3 to 20 lower-case letters, digits and -", o.Name)
	case CheckHome(o.Home) != nil:
		return CheckHome(o.Home)
	case o.Organization != "" && !organizationForm.MatchString(o.Organization):
		return fmt.Errorf("organization %q: want an ID such as o-a1b2c3d4e5", o.Organization)
	case o.Organization != "" && o.Account == "":
		return errors.New("an organization needs the account that keeps its trail: members deliver there")
	case o.Management != "" && o.Organization == "":
		return errors.New("a management account goes with an organization")
	case o.Archive != "" && (o.Organization == "" || !o.has(Trail)):
		return errors.New("an archive goes with the trail of an organization")
	case o.Archive != "" && (o.Archive == o.Account || o.Archive == o.Management):
		return fmt.Errorf("archive %s: want an account that neither makes the trail nor manages the organization", o.Archive)
	case o.ThreatSet != "" && !slices.Contains(ThreatSets(), o.ThreatSet):
		return fmt.Errorf("threat set %q: want %s", o.ThreatSet, strings.Join(ThreatSets(), " or "))
	case o.ThreatSet != "" && !o.ThreatList:
		return errors.New("a threat set goes with a threat list")
	case o.ThreatList && !o.has(GuardDuty):
		return errors.New("a threat list goes with the part guardduty")
	case o.ExternalID != "" && !externalForm.MatchString(o.ExternalID):
		return fmt.Errorf("external ID %q: want 2 to 256 letters, digits and +=,.@:/-", o.ExternalID)
	}
	for what, id := range map[string]string{"account": o.Account, "management account": o.Management, "archive": o.Archive} {
		if _, err := rootkeep.ParseAccountID(id); id != "" && err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return cmp.Or(o.checkDays(), o.checkTexts(), o.checkParts())
}

// CheckHome refuses a home Region that has not the form of one.
func CheckHome(region string) error {
	if !regionForm.MatchString(region) {
		return fmt.Errorf("home Region %q: want a Region such as eu-west-1", region)
	}
	return nil
}

func (o *Options) checkDays() error {
	switch {
	case o.KeepDays < 90 || o.KeepDays > 36_500:
		return fmt.Errorf("log files kept %d days: want 90 to 36500", o.KeepDays)
	case !slices.Contains(logGroupDays, o.LogDays):
		return fmt.Errorf("log group of %d days: CloudWatch Logs knows %s", o.LogDays, numbers(logGroupDays))
	case o.LockMode != "" && o.LockMode != "governance" && o.LockMode != "compliance":
		return fmt.Errorf("lock mode %q: want governance or compliance", o.LockMode)
	case o.LockMode == "" && o.LockDays != 0:
		return errors.New("days of a lock go with a lock mode")
	case o.LockMode != "" && (o.LockDays < 1 || o.LockDays > o.KeepDays):
		return fmt.Errorf("lock of %d days: want 1 to the %d that log files are kept; what is locked cannot be deleted", o.LockDays, o.KeepDays)
	case o.Period < 60 || o.Period > 300 || o.Period%60 != 0:
		return fmt.Errorf("period of %d seconds: want 60, 120, 180, 240 or 300", o.Period)
	}
	return nil
}

func numbers(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}

func (o *Options) checkTexts() error {
	for i, e := range o.Emails {
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e || !emailForm.MatchString(e) {
			return fmt.Errorf("mail address %q: want one such as security@example.com", e)
		}
		if slices.Contains(o.Emails[:i], e) {
			return fmt.Errorf("mail address %s twice", e)
		}
	}
	if len(o.Emails) > 20 {
		return fmt.Errorf("%d mail addresses: want 20 at most; hint: a list of your own", len(o.Emails))
	}
	for _, a := range o.Actions {
		if !actionForm.MatchString(a) {
			return fmt.Errorf("action %q: want one such as iam:GetUser", a)
		}
	}
	return nil
}

func (o *Options) checkParts() error {
	all := Parts()
	for _, p := range o.Without {
		if !slices.ContainsFunc(all, func(a About) bool { return a.Part == p }) {
			return fmt.Errorf("part %q: want one of %s", p, partNames())
		}
	}
	some := false
	for _, a := range all {
		if !o.has(a.Part) {
			continue
		}
		some = some || a.Part != Key
		for _, needed := range a.Needs {
			if !o.has(needed) {
				return fmt.Errorf("part %s needs part %s; hint: leave out both", a.Part, needed)
			}
		}
	}
	if !some {
		return errors.New("every part is left out")
	}
	if o.has(Role) && len(o.Actions) == 0 {
		return errors.New("the role needs the actions that a scan calls")
	}
	return nil
}

func partNames() string {
	var out []string
	for _, a := range Parts() {
		out = append(out, string(a.Part))
	}
	return strings.Join(out, ", ")
}

// has says whether a part is in the stack.
func (o *Options) has(p Part) bool { return !slices.Contains(o.Without, p) }

// centers are the Regions where root signs in, by the beginning of a Region's name.
var centers = []struct{ prefix, region string }{{"cn-", "cn-north-1"}, {"us-gov-", "us-gov-west-1"}, {"", "us-east-1"}}

// signIn is the Region whose CloudTrail has root's sign-ins.
func (o *Options) signIn() string {
	i := slices.IndexFunc(centers, func(c struct{ prefix, region string }) bool { return strings.HasPrefix(o.Home, c.prefix) })
	return centers[i].region // the last prefix begins every name
}

// account is the account of the home stack.
func (o *Options) account() Text { return Text(cmp.Or(o.Account, "${account}")) }

// keeper is the account that keeps the trail's bucket.
func (o *Options) keeper() Text { return cmp.Or(Text(o.Archive), o.account()) }

// owner is the account of the trail.
func (o *Options) owner() Text { return cmp.Or(Text(o.Management), o.account()) }

// role is the reading role.
func (o *Options) role() scanrole.Role { return scanrole.Role{Name: scanrole.Name, Actions: o.Actions} }
