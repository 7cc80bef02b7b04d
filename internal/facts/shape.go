package facts

import (
	"reflect"
	"strings"
	"time"
)

// Facts are the typed facts. The tag call names the AWS action that tells a fact;
// of a list, its elements' fields have their own. A time that is zero means never,
// if the fact is known.
type Facts struct {
	Root           Root           `json:"root"`
	Account        Account        `json:"account"`
	Organization   Organization   `json:"organization"`
	PasswordPolicy PasswordPolicy `json:"password_policy"`
	Users          []User         `json:"users"`
	Groups         []Group        `json:"groups"`
	Roles          []Role         `json:"roles"`
	Policies       []Policy       `json:"policies"`
	Trails         []Trail        `json:"trails"`
	MetricFilters  []MetricFilter `json:"metric_filters"`
	Alarms         []Alarm        `json:"alarms"`
	Subscriptions  []Subscription `json:"subscriptions"`
}

// Root is the account's root user.
type Root struct {
	HasPassword         bool        `json:"has_password" call:"iam:GetAccountSummary"`
	HasAccessKeys       bool        `json:"has_access_keys" call:"iam:GetAccountSummary"`
	HasCertificates     bool        `json:"has_certificates" call:"iam:GetAccountSummary"`
	MFAEnabled          bool        `json:"mfa_enabled" call:"iam:GetAccountSummary"`
	VirtualMFA          bool        `json:"virtual_mfa" call:"iam:ListVirtualMFADevices"`
	Devices             []Device    `json:"devices" call:"iam:ListMFADevices in a root session"`
	AccessKeys          []AccessKey `json:"access_keys" call:"iam:GetCredentialReport"`
	PasswordLastUsed    time.Time   `json:"password_last_used" call:"iam:GetCredentialReport"`
	PasswordLastChanged time.Time   `json:"password_last_changed" call:"iam:GetCredentialReport"`
}

// Device is an MFA device.
type Device struct {
	Serial  string    `json:"serial"`
	Kind    string    `json:"kind"` // virtual, hardware, fido, sms, or unknown
	Enabled time.Time `json:"enabled"`
}

// AccessKey is a long-term access key, without its secret.
type AccessKey struct {
	ID              string    `json:"id"` // empty where the source does not tell it
	Active          bool      `json:"active"`
	Created         time.Time `json:"created"` // or last rotated
	LastUsed        time.Time `json:"last_used"`
	LastUsedRegion  string    `json:"last_used_region"`
	LastUsedService string    `json:"last_used_service"`
}

// Account is what the account says of itself.
type Account struct {
	Alias string `json:"alias" call:"iam:ListAccountAliases"`
}

// Organization is the organization, as this account sees it.
type Organization struct {
	Member     bool   `json:"member" call:"organizations:DescribeOrganization"`
	ID         string `json:"id" call:"organizations:DescribeOrganization"`
	Management bool   `json:"management" call:"organizations:DescribeOrganization"` // this is the management account
}

// PasswordPolicy is the account's password policy for IAM users. It never applies to
// the root user.
type PasswordPolicy struct {
	Set                   bool `json:"set" call:"iam:GetAccountPasswordPolicy"`
	MinimumLength         int  `json:"minimum_length" call:"iam:GetAccountPasswordPolicy"`
	RequireUppercase      bool `json:"require_uppercase" call:"iam:GetAccountPasswordPolicy"`
	RequireLowercase      bool `json:"require_lowercase" call:"iam:GetAccountPasswordPolicy"`
	RequireSymbols        bool `json:"require_symbols" call:"iam:GetAccountPasswordPolicy"`
	RequireNumbers        bool `json:"require_numbers" call:"iam:GetAccountPasswordPolicy"`
	UsersMayChange        bool `json:"users_may_change" call:"iam:GetAccountPasswordPolicy"`
	HardExpiry            bool `json:"hard_expiry" call:"iam:GetAccountPasswordPolicy"`
	MaximumAge            int  `json:"maximum_age" call:"iam:GetAccountPasswordPolicy"` // days, 0: passwords do not expire
	RememberedGenerations int  `json:"remembered_generations" call:"iam:GetAccountPasswordPolicy"`
}

// User is an IAM user.
type User struct {
	ARN              string      `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string      `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Created          time.Time   `json:"created" call:"iam:GetAccountAuthorizationDetails"`
	HasPassword      bool        `json:"has_password" call:"iam:GetCredentialReport"`
	PasswordLastUsed time.Time   `json:"password_last_used" call:"iam:GetCredentialReport"`
	PasswordChanged  time.Time   `json:"password_last_changed" call:"iam:GetCredentialReport"`
	MFAEnabled       bool        `json:"mfa_enabled" call:"iam:GetCredentialReport"`
	Devices          []Device    `json:"devices" call:"iam:ListMFADevices"`
	AccessKeys       []AccessKey `json:"access_keys" call:"iam:GetCredentialReport"`
	Certificates     int         `json:"active_certificates" call:"iam:GetCredentialReport"`
	Groups           []string    `json:"groups" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string    `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	InlinePolicies   []Document  `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
	Boundary         string      `json:"boundary" call:"iam:GetAccountAuthorizationDetails"`
	Tags             []Tag       `json:"tags" call:"iam:GetAccountAuthorizationDetails"`
}

// Group is a group of IAM users.
type Group struct {
	ARN              string     `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string     `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Members          int        `json:"members" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string   `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"`
	InlinePolicies   []Document `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
}

// Role is an IAM role.
type Role struct {
	ARN              string     `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string     `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Path             string     `json:"path" call:"iam:GetAccountAuthorizationDetails"`
	Created          time.Time  `json:"created" call:"iam:GetAccountAuthorizationDetails"`
	LastUsed         time.Time  `json:"last_used" call:"iam:GetAccountAuthorizationDetails"`
	Trust            Document   `json:"trust" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string   `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"`
	InlinePolicies   []Document `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
	Boundary         string     `json:"boundary" call:"iam:GetAccountAuthorizationDetails"`
	Tags             []Tag      `json:"tags" call:"iam:GetAccountAuthorizationDetails"`
}

// Policy is a managed policy in its default version.
type Policy struct {
	ARN         string   `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name        string   `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	AWS         bool     `json:"aws" call:"iam:GetAccountAuthorizationDetails"` // AWS's own
	Attachments int      `json:"attachments" call:"iam:GetAccountAuthorizationDetails"`
	Document    Document `json:"document" call:"iam:GetAccountAuthorizationDetails"`
}

// Document is a policy with its name.
type Document struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Tag is a tag of a resource.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Trail is a CloudTrail trail. Of an organization trail a member sees a shadow.
type Trail struct {
	ARN          string `json:"arn" call:"cloudtrail:DescribeTrails"`
	Name         string `json:"name" call:"cloudtrail:DescribeTrails"`
	MultiRegion  bool   `json:"multi_region" call:"cloudtrail:DescribeTrails"`
	GlobalEvents bool   `json:"global_events" call:"cloudtrail:DescribeTrails"`
	Organization bool   `json:"organization" call:"cloudtrail:DescribeTrails"`
	Validation   bool   `json:"validation" call:"cloudtrail:DescribeTrails"` // digest files are written
	Bucket       string `json:"bucket" call:"cloudtrail:DescribeTrails"`
	Key          string `json:"key" call:"cloudtrail:DescribeTrails"`       // KMS key, "" for none
	LogGroup     string `json:"log_group" call:"cloudtrail:DescribeTrails"` // ARN of its CloudWatch log group, "" for none
	Logging      bool   `json:"logging" call:"cloudtrail:GetTrailStatus"`
}

// MetricFilter is a metric filter of CloudWatch Logs.
type MetricFilter struct {
	Region          string           `json:"region" call:"logs:DescribeMetricFilters"` // "" where the source does not tell it
	Name            string           `json:"name" call:"logs:DescribeMetricFilters"`
	LogGroup        string           `json:"log_group" call:"logs:DescribeMetricFilters"` // name
	Pattern         string           `json:"pattern" call:"logs:DescribeMetricFilters"`
	Transformations []Transformation `json:"transformations" call:"logs:DescribeMetricFilters"`
}

// Transformation is what a metric filter publishes for an event that matches.
type Transformation struct {
	Namespace string `json:"namespace"`
	Metric    string `json:"metric"`
	Value     string `json:"value"`   // a number, or a property such as $.size
	Default   bool   `json:"default"` // publishes a default value for events that do not match
}

// Alarm is a CloudWatch metric alarm.
type Alarm struct {
	ARN               string   `json:"arn" call:"cloudwatch:DescribeAlarms"`
	Name              string   `json:"name" call:"cloudwatch:DescribeAlarms"`
	Namespace         string   `json:"namespace" call:"cloudwatch:DescribeAlarms"` // "" for an alarm on an expression
	Metric            string   `json:"metric" call:"cloudwatch:DescribeAlarms"`
	Statistic         string   `json:"statistic" call:"cloudwatch:DescribeAlarms"`
	Dimensions        int      `json:"dimensions" call:"cloudwatch:DescribeAlarms"` // how many the metric has to have
	Period            int      `json:"period" call:"cloudwatch:DescribeAlarms"`     // seconds
	EvaluationPeriods int      `json:"evaluation_periods" call:"cloudwatch:DescribeAlarms"`
	DatapointsToAlarm int      `json:"datapoints_to_alarm" call:"cloudwatch:DescribeAlarms"` // 0: all evaluation periods
	Threshold         float64  `json:"threshold" call:"cloudwatch:DescribeAlarms"`
	Comparison        string   `json:"comparison" call:"cloudwatch:DescribeAlarms"`
	MissingData       string   `json:"missing_data" call:"cloudwatch:DescribeAlarms"` // "": missing
	ActionsEnabled    bool     `json:"actions_enabled" call:"cloudwatch:DescribeAlarms"`
	Actions           []string `json:"actions" call:"cloudwatch:DescribeAlarms"` // ARNs
}

// Subscription is a subscription of an SNS topic. The endpoint is left out: it is
// somebody's address.
type Subscription struct {
	Topic     string `json:"topic" call:"sns:ListSubscriptions"` // ARN
	Protocol  string `json:"protocol" call:"sns:ListSubscriptions"`
	Confirmed bool   `json:"confirmed" call:"sns:ListSubscriptions"`
}

// Path is one fact by name, with the AWS action that tells it.
type Path struct{ Name, Call string }

// Paths lists every fact: the fields of Facts down to the fields of list elements.
func Paths() []Path { return walk(nil, "", reflect.TypeFor[Facts]()) }

func walk(out []Path, prefix string, t reflect.Type) []Path {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		path := strings.TrimPrefix(prefix+"."+name, ".")
		if call := f.Tag.Get("call"); call != "" {
			out = append(out, Path{path, call})
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		out = walk(out, path, inner)
	}
	return out
}

// IsList says whether a branch of facts is a list of resources.
func IsList(branch string) bool {
	for f := range reflect.TypeFor[Facts]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == branch {
			return f.Type.Kind() == reflect.Slice
		}
	}
	return false
}

// known says whether a path is a fact or a branch of facts.
func known(path string) bool {
	for _, p := range Paths() {
		if covers(path, p.Name) {
			return true
		}
	}
	return false
}
