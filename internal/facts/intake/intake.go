// Package intake turns what people already have into facts: the credential report,
// and the JSON that the AWS CLI prints for an account's IAM. A file goes in; facts
// with their origin go into a snapshot. The kind of a file is told from its content.
package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// maxFile bounds one file, bytes. The largest are authorization details.
const maxFile = 512 << 20

// ErrKind says that a file is of none of the kinds that are read.
var ErrKind = errors.New("none of: credential report (CSV), get-account-authorization-details, get-account-summary, get-account-password-policy, list-virtual-mfa-devices, " +
	"describe-trails, describe-metric-filters, describe-alarms, list-rules, get-topic-attributes, list-subscriptions (JSON)")

// Intake collects the files of one account.
type Intake struct {
	snapshot *facts.Snapshot
	users    map[string]int  // place in Facts.Users by ARN
	detailed map[string]bool // users in the authorization details
	reported map[string]bool // users in the credential report
}

// New starts an account that was looked at on taken.
func New(taken time.Time) *Intake {
	return &Intake{
		snapshot: &facts.Snapshot{Format: facts.Format, Taken: taken, Gaps: []facts.Gap{}},
		users:    map[string]int{}, detailed: map[string]bool{}, reported: map[string]bool{},
	}
}

// Expect says whose facts are to come; those of another account are then an error.
func (in *Intake) Expect(id rootkeep.AccountID) { in.snapshot.Account = id }

// Add reads one file. at is when AWS made the answer, as far as the file does not say
// it itself. The error names what is wrong and where; nothing of a file with an error
// is to be relied on.
func (in *Intake) Add(r io.Reader, name string, at time.Time) error {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxFile:
		return fmt.Errorf("more than %d MiB", maxFile>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	f := file{intake: in, snapshot: in.snapshot, name: name, at: at}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return f.json(text)
	}
	if bytes.HasPrefix(text, []byte("user,arn,")) {
		return f.credentialReport(text, at)
	}
	return ErrKind
}

// SoFar is the snapshot in the making, to which a caller may add what no file tells.
func (in *Intake) SoFar() *facts.Snapshot { return in.snapshot }

// Snapshot is what all files tell, to be called once. A user that one source has and another has not,
// because it is newer or was deleted, has gaps where the other would tell.
func (in *Intake) Snapshot() *facts.Snapshot {
	s := in.snapshot
	for _, u := range s.Facts.Users {
		if len(in.reported) > 0 && !in.reported[u.ARN] {
			in.lacks(u.ARN, reportPaths, "the user is not in the credential report, which may be four hours old")
		}
		if len(in.detailed) > 0 && !in.detailed[u.ARN] {
			in.lacks(u.ARN, detailPaths, "the user is not in the authorization details")
		}
	}
	return s
}

func (in *Intake) lacks(arn string, paths []string, reason string) {
	for _, p := range paths {
		in.snapshot.Gaps = append(in.snapshot.Gaps, facts.Gap{Path: p, Resource: arn, Reason: reason})
	}
}

// file is one file on its way in.
type file struct {
	intake   *Intake
	snapshot *facts.Snapshot
	name     string
	at       time.Time
}

func (f *file) observe(call string, paths ...string) {
	f.snapshot.Observe(call, f.at, f.name, paths...)
}

// json tells the kinds apart by their first member.
func (f *file) json(text []byte) error {
	var head struct {
		UserDetailList, RoleDetailList, Policies json.RawMessage
		SummaryMap                               map[string]int64
		PasswordPolicy                           *passwordPolicy
		VirtualMFADevices                        *[]virtualDevice
		Content                                  []byte // get-credential-report, base64
		GeneratedTime                            time.Time
		TrailList                                *[]trail        `json:"trailList"`
		MetricFilters                            *[]metricFilter `json:"metricFilters"`
		MetricAlarms                             *[]metricAlarm
		CompositeAlarms                          []compositeAlarm
		LogAlarms                                *[]logAlarm
		Rules                                    *[]eventRule
		Attributes                               map[string]string // of get-topic-attributes, if TopicArn is among them
		Subscriptions                            *[]subscription
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return describe(text, err)
	}
	switch {
	case head.Content != nil:
		return f.credentialReport(head.Content, head.GeneratedTime)
	case head.SummaryMap != nil:
		f.summary(head.SummaryMap)
	case head.PasswordPolicy != nil:
		f.passwordPolicy(head.PasswordPolicy)
	case head.VirtualMFADevices != nil:
		f.virtualDevices(*head.VirtualMFADevices)
	case head.TrailList != nil:
		f.trails(*head.TrailList)
	case head.MetricFilters != nil:
		f.metricFilters(*head.MetricFilters)
	case head.MetricAlarms != nil:
		f.alarms(*head.MetricAlarms)
		f.otherAlarms(head.CompositeAlarms, head.LogAlarms)
	case head.Rules != nil:
		f.rules(*head.Rules)
	case head.Attributes["TopicArn"] != "":
		f.topic(head.Attributes)
	case head.Subscriptions != nil:
		f.subscriptions(*head.Subscriptions)
	case head.UserDetailList != nil || head.RoleDetailList != nil || head.Policies != nil:
		return f.authorization(text)
	default:
		return ErrKind
	}
	return nil
}

// describe adds line and column to a JSON error.
func describe(text []byte, err error) error {
	var offset int64
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		return err
	}
	before := text[:min(int(offset), len(text))]
	return fmt.Errorf("%d:%d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}

// summary is iam get-account-summary. AccountMFAEnabled and the like are about the
// root user alone (IAM API Reference, GetAccountSummary).
func (f *file) summary(m map[string]int64) {
	root := &f.snapshot.Facts.Root
	for _, e := range []struct {
		key, path string
		to        *bool
	}{
		{"AccountMFAEnabled", "root.mfa_enabled", &root.MFAEnabled},
		{"AccountAccessKeysPresent", "root.has_access_keys", &root.HasAccessKeys},
		{"AccountSigningCertificatesPresent", "root.has_certificates", &root.HasCertificates},
		{"AccountPasswordPresent", "root.has_password", &root.HasPassword},
	} {
		n, ok := m[e.key]
		if !ok {
			continue // older answers lack some: the fact stays unknown
		}
		*e.to = n != 0
		f.observe("iam:GetAccountSummary", e.path)
	}
}

// passwordPolicy is iam get-account-password-policy.
type passwordPolicy struct {
	MinimumPasswordLength                                              int
	RequireSymbols, RequireNumbers, RequireUppercaseCharacters         bool
	RequireLowercaseCharacters, AllowUsersToChangePassword, HardExpiry bool
	MaxPasswordAge, PasswordReusePrevention                            int
}

func (f *file) passwordPolicy(p *passwordPolicy) {
	f.snapshot.Facts.PasswordPolicy = facts.PasswordPolicy{
		Set: true, MinimumLength: p.MinimumPasswordLength, RequireUppercase: p.RequireUppercaseCharacters, RequireLowercase: p.RequireLowercaseCharacters,
		RequireSymbols: p.RequireSymbols, RequireNumbers: p.RequireNumbers, UsersMayChange: p.AllowUsersToChangePassword, HardExpiry: p.HardExpiry,
		MaximumAge: p.MaxPasswordAge, RememberedGenerations: p.PasswordReusePrevention,
	}
	f.observe("iam:GetAccountPasswordPolicy", "password_policy")
}

// virtualDevice is one of iam list-virtual-mfa-devices.
type virtualDevice struct {
	SerialNumber string
	User         struct{ Arn string }
}

// virtualDevices tells whether root has a virtual device by the user's ARN: the
// serial number carries a name that people choose.
func (f *file) virtualDevices(list []virtualDevice) {
	root := &f.snapshot.Facts.Root
	root.VirtualMFA = false
	for _, d := range list {
		root.VirtualMFA = root.VirtualMFA || isRoot(d.User.Arn)
	}
	f.observe("iam:ListVirtualMFADevices", "root.virtual_mfa")
}
