package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/asff"
)

// IDs of resources that others name.
const (
	keyID      = "Key"
	bucketID   = "TrailBucket"
	recordsID  = "RecordsBucket"
	trailID    = "Trail"
	logsID     = "TrailLogs"
	logRoleID  = "TrailLogsRole"
	topicID    = "Topic"
	queueID    = "Queue"
	rootID     = "RootEvents"
	findingsID = "Findings"
	hubID      = "Hub"
	detectorID = "Detector"
	recorderID = "Recorder"
	linkedID   = "ConfigServiceRole"
)

// Build makes the stack of the options. The error is of options that do not go together
// or that no template may hold.
func Build(o Options) (*Stack, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	s := &Stack{Options: o}
	home := Place{Name: "home", About: "Home Region: trail, bucket, alarms and what every Region has", Region: o.Home}
	home.add(o.trail(&home)...)
	home.add(o.alarms()...)
	at := o.Home == o.signIn()
	home.add(o.notices(&home, o.Home, at)...)
	if at {
		home.add(o.rootQueue()...)
	}
	home.add(o.findings()...)
	home.add(o.services(&home, true)...)
	home.add(o.insights()...)
	home.add(o.reading(&home)...)
	s.Places = append(s.Places, home)
	if o.Archive != "" {
		archive := Place{Name: "archive", About: "Bucket and key of the trail, in the account that keeps logs", Region: o.Home}
		archive.add(o.key("Log files of the trail", Trail)...)
		archive.add(o.storage()...)
		s.Places = append(s.Places, archive)
	}
	if !at && o.has(Events) {
		signIn := Place{Name: "signin", About: "Rules for root's sign-ins, in the Region that logs them", Region: o.signIn()}
		signIn.add(o.key("Notices about the root user", Notices)...)
		signIn.add(o.notices(&signIn, o.signIn(), true)...)
		signIn.add(o.rootQueue()...)
		s.Places = append(s.Places, signIn)
	}
	regions := Place{Name: "regions", About: "What every other Region has"}
	regions.add(o.services(&regions, false)...)
	if len(regions.Resources) > 0 {
		s.Places = append(s.Places, regions)
	}
	if o.Organization != "" {
		members := Place{Name: "members", About: "What the home Region of every other account of the organization has", Region: o.Home}
		members.add(o.services(&members, true)...)
		members.add(o.reading(&members)...)
		if len(members.Resources) > 0 {
			s.Places = append(s.Places, members)
		}
	}
	return s, nil
}

func (p *Place) add(list ...Resource) { p.Resources = append(p.Resources, list...) }

// Place is a place by its name.
func (s *Stack) Place(name string) (Place, error) {
	var names []string
	for _, p := range s.Places {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Place{}, fmt.Errorf("this stack has no template %q: want one of %s", name, strings.Join(names, ", "))
}

// name is a name with the stack's prefix.
func (o *Options) name(rest string) Text { return Text(o.Name + "-" + rest) }

// bucketName is the name of a bucket. Names of buckets are one for the whole world, so
// that it has account and Region; members and other Regions name it too.
func (o *Options) bucketName(rest string) Text {
	return o.name(rest+"-") + o.keeper() + Text("-"+o.Home)
}

func (o *Options) logGroup() Text { return o.name("trail") }

func (o *Options) logGroupARN() Text {
	return "arn:${partition}:logs:${region}:${account}:log-group:" + o.logGroup()
}

func (o *Options) trailARN() Text {
	return "arn:${partition}:cloudtrail:${region}:" + o.owner() + ":trail/" + o.name("trail")
}

// keyOf is the ID of the key, if there is one.
func (o *Options) keyOf() string {
	if o.has(Key) {
		return keyID
	}
	return ""
}

// key is the key of a place for these parts, where one of them is there.
func (o *Options) key(about string, parts ...Part) []Resource {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return !o.has(p) })
	if !o.has(Key) || len(parts) == 0 {
		return nil
	}
	return []Resource{KMSKey{Common: Common{keyID, Key}, Alias: "alias/" + o.name("monitoring"), About: about, Policy: o.keyPolicy(parts)}}
}

// storage is what keeps the trail's files, and the bucket for what else is recorded.
func (o *Options) storage() []Resource {
	var out []Resource
	if o.has(Trail) || o.has(Config) {
		out = append(out, Bucket{Common: Common{recordsID, o.recordsPart()}, Name: o.bucketName("records"), ExpireDays: o.KeepDays, Policy: o.recordsPolicy()})
	}
	if !o.has(Trail) {
		return out
	}
	if o.has(Queue) {
		out = append(out, SQSQueue{Common{queueID, Queue}, o.name("trail"), "Queue of new log files", o.queuePolicy()})
	}
	bucket := Bucket{
		Common: Common{bucketID, Trail}, Name: o.bucketName("trail"), LockMode: strings.ToUpper(o.LockMode), LockDays: o.LockDays, ExpireDays: o.KeepDays, LogsTo: o.bucketName("records"),
		LogsID: recordsID, Policy: o.trailPolicy(),
	}
	if o.has(Queue) {
		bucket.Queue = queueID
	}
	return append(out, bucket)
}

// trail is the trail with all it delivers to, but for what an archive has.
func (o *Options) trail(p *Place) []Resource {
	trail := CloudTrail{Common: Common{trailID, Trail}, Name: o.name("trail"), Bucket: o.bucketName("trail"), BucketID: bucketID, Organization: o.Organization != "", Key: o.keyOf()}
	var out []Resource
	if o.Archive == "" {
		out = append(o.key("Log files of the trail, its log group and notices", Trail, Logs, Notices), o.storage()...)
	} else {
		out = o.key("Log group of the trail and notices", Logs, Notices)
		trail.BucketID, trail.Key = "", ""
		if o.has(Key) {
			p.Parameters = append(p.Parameters, Parameter{Name: "ArchiveKeyArn", About: "ARN of the key of the archive, which its stack puts out", Pattern: `^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`})
			trail.KeyARN = "${parameter.ArchiveKeyArn}"
		}
	}
	if !o.has(Trail) {
		return out
	}
	if o.has(Logs) {
		trail.LogGroup, trail.LogGroupARN, trail.LogRole = logsID, o.logGroupARN()+":*", logRoleID
		out = append(out, LogGroup{Common{logsID, Logs}, o.logGroup(), o.LogDays, o.keyOf()},
			ServiceRole{Common{logRoleID, Logs}, o.name("trail-logs"), "cloudtrail.amazonaws.com", o.logRolePolicy()})
	}
	return append(out, trail)
}

// recordsPart is the part that the second bucket belongs to. A bucket whose objects are
// locked takes neither access logs nor what AWS Config delivers.
func (o *Options) recordsPart() Part {
	if o.has(Trail) {
		return Trail
	}
	return Config
}

// alarms are a filter for each watched event, and its alarms.
func (o *Options) alarms() []Resource {
	if !o.has(Alarms) {
		return nil
	}
	var out []Resource
	namespace := o.Name
	for _, w := range Watches() {
		id := identifier(w.Name)
		out = append(out, MetricFilter{Common{id + "Filter", Alarms}, o.Name + "-" + w.Name, o.logGroup(), logsID, w.Pattern, namespace, id})
		for _, n := range w.Thresholds {
			a := Alarm{Common{id + "Alarm", Alarms}, o.Name + "-" + w.Name, "Tells of " + w.About, namespace, id, o.Period, n, topicID}
			if n > 1 {
				a.ID, a.Name = fmt.Sprintf("%s%d", a.ID, n), fmt.Sprintf("%s-%d", a.Name, n)
				a.About = fmt.Sprintf("%s: %d in %d seconds", a.About, n, o.Period)
			}
			out = append(out, a)
		}
	}
	return out
}

// identifier is a name as one word: root-use is RootUse.
func identifier(name string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// notices are the topic of a Region with its ends, and the rules that send there.
func (o *Options) notices(p *Place, region string, rules bool) []Resource {
	if !o.has(Notices) {
		return nil
	}
	out := []Resource{Topic{Common{topicID, Notices}, o.name("alerts"), o.keyOf(), o.topicPolicy()}}
	for i, e := range o.Emails {
		out = append(out, Subscription{Common{fmt.Sprintf("Mail%d", i+1), Notices}, topicID, "email", Text(e)})
	}
	if len(o.Emails) == 0 {
		p.Parameters = append(p.Parameters, Parameter{Name: "AlertEmail", About: "Mail address that is told; whoever reads it has to confirm", Pattern: `^[^@\s]+@[^@\s]+$`})
		out = append(out, Subscription{Common{"Mail", Notices}, topicID, "email", "${parameter.AlertEmail}"})
	}
	if o.Webhook {
		p.Parameters = append(p.Parameters, Parameter{Name: "AlertWebhook", About: "Address that is told by HTTPS; it has to confirm", Pattern: `^https://[^\s]+$`, Secret: true})
		out = append(out, Subscription{Common{"Webhook", Notices}, topicID, "https", "${parameter.AlertWebhook}"})
	}
	if !o.has(Events) {
		return out
	}
	var list []EventRule
	if rules {
		list = rootRules()
	}
	if o.has(GuardDuty) {
		list = append(list, findingRule())
	}
	for _, r := range list {
		r.Name, r.Topic = o.name(string(r.Name)), topicID
		out = append(out, r)
	}
	return out
}

// rootQueue is a queue that hears of the root user within seconds, where its sign-ins are
// logged: a log file needs minutes.
func (o *Options) rootQueue() []Resource {
	if !o.has(Queue) || !o.has(Events) {
		return nil
	}
	rule := rootQueueRule()
	rule.Name, rule.Queue = o.name(string(rule.Name)), rootID
	name := o.name("root-events")
	return []Resource{SQSQueue{Common{rootID, Queue}, name, "Queue of events of the root user", rulesPolicy(name, rule.Name)}, rule}
}

// findings are a queue of what GuardDuty finds in the home Region, and of what Security Hub
// brings there of all Regions.
func (o *Options) findings() []Resource {
	if !o.has(Findings) {
		return nil
	}
	var rules []Resource
	var names []Text
	for _, r := range findingRules() {
		r.Name, r.Queue = o.name(string(r.Name)), findingsID
		rules, names = append(rules, r), append(names, r.Name)
	}
	name := o.name("findings")
	return append([]Resource{SQSQueue{Common{findingsID, Findings}, name, "Queue of findings of GuardDuty and Security Hub", rulesPolicy(name, names...)}}, rules...)
}

// managedRules are the guide's four, under their real names. Where a service is one for
// all Regions, one Region asks about it.
//
// Source: AWS Config Developer Guide, "List of AWS Config Managed Rules".
var managedRules = []struct {
	id, name, identifier string
	global               bool
}{
	{"RootKeyRule", "iam-root-access-key-check", "IAM_ROOT_ACCESS_KEY_CHECK", true},
	{"ConsoleMFARule", "mfa-enabled-for-iam-console-access", "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", true},
	{"TrailRule", "cloudtrail-enabled", "CLOUD_TRAIL_ENABLED", true},
	{"BucketTLSRule", "s3-bucket-ssl-requests-only", "S3_BUCKET_SSL_REQUESTS_ONLY", false},
}

// standards of Security Hub: all of them would find everything twice and cost as much.
var standards = []string{"aws-foundational-security-best-practices/v/1.0.0", "cis-aws-foundations-benchmark/v/5.0.0"}

const configRole = "arn:${partition}:iam::${account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"

// services are what every Region has of its own. home is the Region that asks about what
// is one for all.
func (o *Options) services(p *Place, home bool) []Resource {
	var out []Resource
	if o.has(Config) {
		recorder := Recorder{Common: Common{recorderID, Config}, Name: o.name("recorder"), Role: configRole, Global: home, Bucket: o.bucketName("records"), Prefix: "config"}
		if home {
			p.Parameters = append(p.Parameters, Parameter{Name: "CreateConfigRole", About: "false if the account has the role AWSServiceRoleForConfig already", Pattern: `^(true|false)$`, Default: "true"})
			out = append(out, LinkedRole{Common{linkedID, Config}, "config.amazonaws.com", "CreateConfigRole"})
			recorder.RoleID = linkedID
		}
		if p.Name == "home" && o.Archive == "" {
			recorder.BucketID = recordsID
		}
		out = append(out, recorder)
		for _, r := range managedRules {
			if home || !r.global {
				out = append(out, ConfigRule{Common{r.id, Config}, r.name, r.identifier, recorderID})
			}
		}
	}
	if o.has(SecurityHub) {
		out = append(out, Hub{Common{hubID, SecurityHub}, standards, home})
	}
	if o.has(GuardDuty) {
		out = append(out, Detector{Common{detectorID, GuardDuty}, []string{"S3_DATA_EVENTS"}})
	}
	if o.ThreatList && p.Name != "members" { // the account that administers GuardDuty has lists for its members
		p.Parameters = append(p.Parameters, Parameter{Name: "ThreatListBucket", About: "Bucket of this account that has " + ThreatListFile, Pattern: `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`})
		list := ThreatList{Common{"ThreatEntities", GuardDuty}, o.name("threats"), "https://s3.${suffix}/${parameter.ThreatListBucket}/" + ThreatListFile, detectorID, true}
		if o.ThreatSet == ThreatAddresses {
			list.ID, list.Entities = "ThreatList", false // another ID: CloudFormation changes no type of a resource
		}
		out = append(out, list)
	}
	if o.has(Analyzer) {
		a := AccessAnalyzer{Common{"Analyzer", Analyzer}, o.name("external"), "ACCOUNT"}
		if o.Organization != "" && p.Name == "home" {
			a.Type = "ORGANIZATION"
		}
		out = append(out, a)
	}
	return out
}

// insights are the guide's two, by the types that GuardDuty's findings have in Security Hub,
// and those of rootkeep's alerts. GuardDuty has no finding about sign-ins that fail.
//
// Source: Amazon GuardDuty User Guide, "Viewing GuardDuty findings in AWS Security Hub".
func (o *Options) insights() []Resource {
	if !o.has(SecurityHub) {
		return nil
	}
	root := []string{"TTPs/Policy:IAMUser-RootCredentialUsage", "TTPs/Policy:IAMUser-ShortTermRootCredentialUsage", asff.RootType}
	return []Resource{
		Insight{Common{"RootInsight", SecurityHub}, o.Name + ": activity of root users", "AwsAccountId", root, hubID},
		Insight{Common{"SignInInsight", SecurityHub}, o.Name + ": sign-ins that failed", "ResourceId", []string{asff.SignInFailureType}, hubID},
	}
}

// reading is the role that a scan reads with.
func (o *Options) reading(p *Place) []Resource {
	if !o.has(Role) {
		return nil
	}
	p.Parameters = append(p.Parameters, Parameter{Name: "ScannerArn", About: "ARN of the user or role that scans, and that may take the reading role", Pattern: `^arn:aws[a-z-]*:iam::[0-9]{12}:(root|user/.+|role/.+)$`})
	role := o.role()
	return []Resource{ScanRole{Common{"ScanRole", Role}, role.Name, "${parameter.ScannerArn}", o.ExternalID, Policy{{Sid: "Read", Actions: role.Reads(), Resources: []Text{"*"}}}}}
}
