package facts

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Trail is a CloudTrail trail. Of an organization's trail a member sees a shadow, which
// it can read and not change.
type Trail struct {
	ARN          string `json:"arn" call:"cloudtrail:DescribeTrails"`
	Name         string `json:"name" call:"cloudtrail:DescribeTrails"`
	Region       string `json:"region" call:"cloudtrail:DescribeTrails"` // where it was seen, its home if that is enabled
	Owner        string `json:"owner" call:"cloudtrail:DescribeTrails"`  // account number; of an organization's trail the management account's
	MultiRegion  bool   `json:"multi_region" call:"cloudtrail:DescribeTrails"`
	GlobalEvents bool   `json:"global_events" call:"cloudtrail:DescribeTrails"`
	Organization bool   `json:"organization" call:"cloudtrail:DescribeTrails"`
	Validation   bool   `json:"validation" call:"cloudtrail:DescribeTrails"` // digest files are written
	Bucket       string `json:"bucket" call:"cloudtrail:DescribeTrails"`
	Prefix       string `json:"prefix" call:"cloudtrail:DescribeTrails"`    // of keys in the bucket, before AWSLogs/
	Key          string `json:"key" call:"cloudtrail:DescribeTrails"`       // KMS key, "" for none
	LogGroup     string `json:"log_group" call:"cloudtrail:DescribeTrails"` // ARN of its CloudWatch log group, "" for none

	Logging           bool      `json:"logging" call:"cloudtrail:GetTrailStatus"`
	Asked             time.Time `json:"asked" call:"cloudtrail:GetTrailStatus"` // when AWS said what follows
	Delivered         time.Time `json:"delivered" call:"cloudtrail:GetTrailStatus"`
	DeliveryError     string    `json:"delivery_error" call:"cloudtrail:GetTrailStatus"` // S3's code for the latest attempt, "" for none
	DigestDelivered   time.Time `json:"digest_delivered" call:"cloudtrail:GetTrailStatus"`
	DigestError       string    `json:"digest_error" call:"cloudtrail:GetTrailStatus"`
	LogGroupDelivered time.Time `json:"log_group_delivered" call:"cloudtrail:GetTrailStatus"`
	LogGroupError     string    `json:"log_group_error" call:"cloudtrail:GetTrailStatus"`

	Selectors []Selector `json:"selectors" call:"cloudtrail:GetEventSelectors"`
	Insights  []string   `json:"insights" call:"cloudtrail:GetInsightSelectors"` // kinds, such as ApiCallRateInsight
}

// Selector is one choice of events that a trail records; a trail records what any of
// its selectors takes. Both forms of AWS, event selectors and advanced ones, are told
// as this one.
type Selector struct {
	Category string   `json:"category"` // Management, Data or NetworkActivity
	Reads    bool     `json:"reads"`
	Writes   bool     `json:"writes"`
	Types    []string `json:"types"`    // of data events: of which resources, such as AWS::S3::Object
	Excluded []string `json:"excluded"` // of management events: sources left out, such as kms.amazonaws.com
	Only     []string `json:"only"`     // further conditions that an event has to meet; none: it takes all
}

// Bucket is an S3 bucket that trails deliver to: one of this account, or another's if a
// trail of this account delivers there.
type Bucket struct {
	ARN      string   `json:"arn" call:"cloudtrail:DescribeTrails"`
	Name     string   `json:"name" call:"cloudtrail:DescribeTrails"`
	Trails   []string `json:"trails" call:"cloudtrail:DescribeTrails"`   // ARNs
	Prefixes []string `json:"prefixes" call:"cloudtrail:DescribeTrails"` // of the keys of trails' files, such as org/AWSLogs/

	Account     string       `json:"account" call:"s3:ListAllMyBuckets"` // number of the account that owns it
	Region      string       `json:"region" call:"s3:ListAllMyBuckets"`
	Block       PublicAccess `json:"block" call:"s3:GetBucketPublicAccessBlock"`
	Policy      string       `json:"policy" call:"s3:GetBucketPolicy"` // "" for none
	PublicByACL bool         `json:"public_by_acl" call:"s3:GetBucketAcl"`
	Public      bool         `json:"public" call:"s3:GetBucketPolicyStatus"` // by its policy
	Versioning  bool         `json:"versioning" call:"s3:GetBucketVersioning"`
	MFADelete   bool         `json:"mfa_delete" call:"s3:GetBucketVersioning"`
	LogsTo      string       `json:"logs_to" call:"s3:GetBucketLogging"`                   // bucket of its access log, "" for none
	LockMode    string       `json:"lock_mode" call:"s3:GetBucketObjectLockConfiguration"` // GOVERNANCE or COMPLIANCE for every new object, "" for none
	LockDays    int          `json:"lock_days" call:"s3:GetBucketObjectLockConfiguration"`
	Expiries    []Expiry     `json:"expiries" call:"s3:GetLifecycleConfiguration"`
}

// Expiry is a lifecycle rule in force that deletes objects.
type Expiry struct {
	Rule   string `json:"rule"` // ID
	Prefix string `json:"prefix"`
	Days   int    `json:"days"` // of age, 0: on a date, whatever the age
}

// PublicAccess is S3 Block Public Access, of a bucket or of an account.
type PublicAccess struct {
	BlockACLs    bool `json:"block_acls"`
	IgnoreACLs   bool `json:"ignore_acls"`
	BlockPolicy  bool `json:"block_policy"`
	RestrictUses bool `json:"restrict_uses"` // a public policy lets in this account and AWS services alone
}

// Key is a KMS key that trails encrypt with: one of this account, or another's if a
// trail of this account uses it.
type Key struct {
	ARN       string   `json:"arn" call:"cloudtrail:DescribeTrails"`
	Trails    []string `json:"trails" call:"cloudtrail:DescribeTrails"` // ARNs
	State     string   `json:"state" call:"kms:DescribeKey"`            // Enabled, Disabled, PendingDeletion and others
	Rotatable bool     `json:"rotatable" call:"kms:DescribeKey"`        // by KMS: symmetric, with material that KMS made
	Rotation  bool     `json:"rotation" call:"kms:GetKeyRotationStatus"`
}

// LogGroup is a CloudWatch log group that trails deliver to: one of this account, or
// another's if a trail of this account delivers there.
type LogGroup struct {
	ARN           string   `json:"arn" call:"cloudtrail:DescribeTrails"`    // without the :* at its end
	Trails        []string `json:"trails" call:"cloudtrail:DescribeTrails"` // ARNs
	Exists        bool     `json:"exists" call:"logs:DescribeLogGroups"`
	RetentionDays int      `json:"retention_days" call:"logs:DescribeLogGroups"` // 0: for ever
	Key           string   `json:"key" call:"logs:DescribeLogGroups"`            // KMS key, "" for none
}

// FollowTrails fills the lists of what trails deliver to and encrypt with, for the
// account whose facts these are. What only trails of other accounts use, and is not
// this account's own, is theirs to look after; whose a bucket is its name does not
// tell, so none is left out. Without an account nothing is.
func (f *Facts) FollowTrails(account rootkeep.AccountID) {
	f.Buckets, f.Keys, f.LogGroups = []Bucket{}, []Key{}, []LogGroup{}
	ours := func(t *Trail, arn string) bool {
		a, err := rootkeep.ParseARN(arn)
		return account == "" || t.Owner == string(account) || err == nil && a.Account == account
	}
	for i := range f.Trails {
		t := &f.Trails[i]
		if t.Bucket != "" {
			f.deliver(t)
		}
		if ours(t, t.Key) && t.Key != "" {
			k := element(&f.Keys, t.Key, func(k *Key) *string { return &k.ARN })
			k.Trails = append(k.Trails, t.ARN)
		}
		if ours(t, t.LogGroup) && t.LogGroup != "" {
			g := element(&f.LogGroups, strings.TrimSuffix(t.LogGroup, ":*"), func(g *LogGroup) *string { return &g.ARN })
			g.Trails = append(g.Trails, t.ARN)
		}
	}
}

// deliver notes the bucket of a trail.
func (f *Facts) deliver(t *Trail) {
	partition := "aws"
	if a, err := rootkeep.ParseARN(t.ARN); err == nil {
		partition = a.Partition
	}
	b := element(&f.Buckets, "arn:"+partition+":s3:::"+t.Bucket, func(b *Bucket) *string { return &b.ARN })
	b.Name = t.Bucket
	b.Trails = append(b.Trails, t.ARN)
	prefix := "AWSLogs/"
	if t.Prefix != "" {
		prefix = strings.TrimSuffix(t.Prefix, "/") + "/" + prefix
	}
	if !slices.Contains(b.Prefixes, prefix) {
		b.Prefixes = append(b.Prefixes, prefix)
	}
}

// element finds an element of a list by its key, and adds it if it is not there.
func element[T any](list *[]T, key string, keyOf func(*T) *string) *T {
	for i := range *list {
		if *keyOf(&(*list)[i]) == key {
			return &(*list)[i]
		}
	}
	var one T
	*keyOf(&one) = key
	*list = append(*list, one)
	return &(*list)[len(*list)-1]
}
