package deploy

// Text is a text that may name what is known only where the stack is made: ${account},
// ${region}, ${partition} and ${suffix} (of the names of services), ${parameter.NAME}
// and the ARN of a resource, ${ID.Arn}. A $ before a brace stands in no other text.
type Text string

// Stack is everything that is made, by where.
type Stack struct {
	Options
	Places []Place
}

// Place is a Region, or several, in which resources are made.
type Place struct {
	Name       string // home, archive, signin, regions or members
	About      string
	Region     string // "" for several
	Parameters []Parameter
	Resources  []Resource
}

// Parameter is asked for when the stack is made.
type Parameter struct {
	Name, About string
	Pattern     string // RE2 that the whole value matches
	Default     string // "" for none
	Secret      bool
}

// Resource is one of the types below. Its ID is of letters and digits and begins with a
// capital one; in one place no other has it.
type Resource interface {
	Ident() string
	Of() Part
}

// Common is what every resource has.
type Common struct {
	ID   string
	Part Part
}

// Ident is the ID.
func (c Common) Ident() string { return c.ID }

// Of is the part that the resource belongs to.
func (c Common) Of() Part { return c.Part }

// KMSKey is a KMS key that is rotated each year, with its alias.
type KMSKey struct {
	Common
	Alias  Text
	About  string
	Policy Policy
}

// Bucket is an S3 bucket with versions, without public access and ACLs, encrypted, whose
// policy refuses requests without TLS.
type Bucket struct {
	Common
	Name       Text
	LockMode   string // GOVERNANCE or COMPLIANCE, "" for none
	LockDays   int
	ExpireDays int
	LogsTo     Text   // bucket of its access log, "" for none
	LogsID     string // ID of that bucket
	Queue      string // ID of the queue that hears of new objects, "" for none
	Policy     Policy
}

// CloudTrail is a trail of all Regions, with digest files.
type CloudTrail struct {
	Common
	Name         Text
	Bucket       Text
	BucketID     string // "" if the bucket is elsewhere
	Organization bool
	Key          string // ID, "" for none
	KeyARN       Text   // instead of Key, of a key that is elsewhere
	LogGroup     string // ID, "" for none
	LogGroupARN  Text
	LogRole      string // ID
}

// LogGroup is a log group of CloudWatch Logs.
type LogGroup struct {
	Common
	Name Text
	Days int
	Key  string // ID, "" for none
}

// ServiceRole is a role that a service takes.
type ServiceRole struct {
	Common
	Name    Text
	Service Text
	Policy  Policy
}

// LinkedRole is the service-linked role of a service, which an account has once: it is
// made if the parameter says so.
type LinkedRole struct {
	Common
	Service   string
	Parameter string
}

// MetricFilter counts the events that match, one each.
type MetricFilter struct {
	Common
	Name      string
	LogGroup  Text
	LogID     string
	Pattern   string // of CloudWatch Logs
	Namespace string
	Metric    string
}

// Alarm fires at a sum of at least Threshold in one period; missing data does not.
type Alarm struct {
	Common
	Name      string
	About     string
	Namespace string
	Metric    string
	Period    int // seconds
	Threshold int
	Topic     string // ID
}

// Topic is an SNS topic.
type Topic struct {
	Common
	Name   Text
	Key    string // ID, "" for none
	Policy Policy
}

// Subscription is one end of a topic. People confirm those by mail.
type Subscription struct {
	Common
	Topic    string // ID
	Protocol string // email or https
	Endpoint Text
}

// EventRule is a rule of EventBridge on the default bus that sends to a topic or a queue.
type EventRule struct {
	Common
	Name    Text
	About   string
	Pattern Object
	Reads   bool   // calls that only read as well
	Topic   string // ID, "" for none
	Queue   string // ID, where there is no topic
}

// SQSQueue is a queue with one for what nobody could read.
type SQSQueue struct {
	Common
	Name   Text
	About  string
	Policy Policy
}

// Recorder is AWS Config's recorder of all types, with its delivery channel.
type Recorder struct {
	Common
	Name     Text
	Role     Text
	RoleID   string // of the LinkedRole in this place, "" if there is none
	Global   bool   // types of services that are one for all Regions
	Bucket   Text
	BucketID string // "" if the bucket is elsewhere
	Prefix   string
}

// ConfigRule is a managed rule of AWS Config.
type ConfigRule struct {
	Common
	Name       string
	Identifier string
	Recorder   string // ID
}

// Hub is Security Hub CSPM with standards, by the end of their ARNs.
type Hub struct {
	Common
	Standards []string
	Aggregate bool // bring findings of all Regions here
}

// Insight counts active findings of Security Hub that have one of these types.
type Insight struct {
	Common
	Name    string
	GroupBy string // attribute of findings
	Types   []string
	Hub     string // ID
}

// Detector is GuardDuty's detector with these features on.
type Detector struct {
	Common
	Features []string
}

// ThreatList is a list of addresses that GuardDuty watches for, as plain text in a bucket of
// its account.
type ThreatList struct {
	Common
	Name     Text
	Location Text   // address of the object
	Detector string // ID
	Entities bool   // a threat entity set; false is the older threat intel set
}

// AccessAnalyzer is an analyzer of external access.
type AccessAnalyzer struct {
	Common
	Name Text
	Type string // ACCOUNT or ORGANIZATION
}

// ScanRole is the role that rootkeep scan reads with.
type ScanRole struct {
	Common
	Name       string
	Scanner    Text
	ExternalID string
	Policy     Policy
}

// Policy is a policy document.
type Policy []Statement

// Statement is one statement of a policy.
type Statement struct {
	Sid        string
	Deny       bool
	Services   []Text // principals; with AWS none: everybody, in a resource's policy
	AWS        []Text
	Everybody  bool
	Actions    []string
	Resources  []Text // none in a trust policy
	Conditions []Condition
}

// Condition is one key of a condition.
type Condition struct {
	Operator, Key string
	Values        []Text
}

// Object is a JSON object in order; its values are texts, Text, int, bool, Object and List.
type Object []Member

// Member is one value of an Object.
type Member struct {
	Name  string
	Value any
}

// List is a JSON list.
type List []any

// JSON is the document's form in JSON.
func (p Policy) JSON() Object {
	var out List
	for _, s := range p {
		out = append(out, s.json())
	}
	return Object{{"Version", "2012-10-17"}, {"Statement", out}}
}

func (s Statement) json() Object {
	out := Object{{"Sid", s.Sid}, {"Effect", "Allow"}}
	if s.Deny {
		out[1].Value = "Deny"
	}
	switch {
	case s.Everybody:
		out = append(out, Member{"Principal", "*"})
	case len(s.AWS) > 0:
		out = append(out, Member{"Principal", Object{{"AWS", some(s.AWS)}}})
	case len(s.Services) > 0:
		out = append(out, Member{"Principal", Object{{"Service", some(s.Services)}}})
	}
	out = append(out, Member{"Action", some(s.Actions)})
	if len(s.Resources) > 0 {
		out = append(out, Member{"Resource", some(s.Resources)})
	}
	if len(s.Conditions) > 0 {
		out = append(out, Member{"Condition", conditions(s.Conditions)})
	}
	return out
}

func conditions(list []Condition) Object {
	var out Object
	for _, c := range list {
		one := Member{c.Key, some(c.Values)}
		if n := len(out); n > 0 && out[n-1].Name == c.Operator {
			out[n-1].Value = append(out[n-1].Value.(Object), one)
			continue
		}
		out = append(out, Member{c.Operator, Object{one}})
	}
	return out
}

// some is the only element, or the list.
func some[T any](list []T) any {
	if len(list) == 1 {
		return list[0]
	}
	out := List{}
	for _, v := range list {
		out = append(out, v)
	}
	return out
}

// Trust is who may take the role: the scanner, with the source identity of a scan, so
// that CloudTrail tells which scan a call belongs to.
func (r ScanRole) Trust() Policy {
	scan := Condition{"StringLike", "sts:SourceIdentity", []Text{"SC-*"}}
	take := []Condition{scan}
	if r.ExternalID != "" {
		take = append(take, equals("sts:ExternalId", Text(r.ExternalID)))
	}
	return Policy{
		{Sid: "Take", AWS: []Text{r.Scanner}, Actions: []string{"sts:AssumeRole"}, Conditions: take},
		{Sid: "Name", AWS: []Text{r.Scanner}, Actions: []string{"sts:SetSourceIdentity"}, Conditions: []Condition{scan}},
	}
}
