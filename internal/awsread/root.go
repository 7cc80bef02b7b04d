package awsread

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	assumeRoot = "sts:AssumeRoot"
	// auditTask lets a root session see the root user's credentials, and do nothing.
	auditTask = ":iam::aws:policy/root-task/IAMAuditRootUserCredentials"
	// rootLife is how long a root session lasts, of 15 minutes at most: its few calls
	// take seconds, unless AWS throttles.
	rootLife = 5 * time.Minute
	// inRoot follows the name of a call in the origin of what only root itself is told.
	inRoot = " in a root session"
)

// enterRoot makes a reader that is the root user of a member account, for the audit
// task only. AWS gives such sessions at Regional endpoints alone, which the SDK asks.
func (r *reader) enterRoot(ctx context.Context, member *reader, c Config) (*reader, error) {
	self, err := rootkeep.ParseARN(r.caller)
	if err != nil {
		return nil, err
	}
	p, start := r.place(r.aws.Region), r.config.Now().UTC()
	task := "arn:" + self.Partition + auditTask
	r.plan(1)
	out, err := ask(ctx, p, sts.NewFromConfig(p.aws).AssumeRoot, &sts.AssumeRootInput{
		TargetPrincipal: aws.String(string(member.account)), TaskPolicyArn: &ststypes.PolicyDescriptorType{Arn: &task},
		DurationSeconds: aws.Int32(int32(rootLife / time.Second)),
	})
	switch {
	case err != nil:
		return nil, err
	case out.Credentials == nil:
		return nil, errors.New("an answer without credentials")
	}
	if err := member.entered(facts.Session{
		Account: member.account, Role: task, Root: true, AccessKey: aws.ToString(out.Credentials.AccessKeyId), SourceIdentity: aws.ToString(out.SourceIdentity),
		Start: start, End: aws.ToTime(out.Credentials.Expiration),
	}); err != nil {
		return nil, err
	}
	return r.as(c, member.account, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return issued(out.Credentials, "AssumeRoot"), nil
	})), nil
}

// rootOperations are what a root session of the audit task is asked. AWS's own policy
// of that task permits them; no role needs them for this.
var rootOperations = []Operation{
	{Action: "iam:ListMFADevices" + inRoot, read: rootDevices},
	{Action: "iam:ListAccessKeys" + inRoot, read: rootKeys},
	{Action: "iam:GetLoginProfile" + inRoot, read: rootPassword},
	{Action: "iam:ListSigningCertificates" + inRoot, read: rootCertificates},
}

// rootPaths are the facts that a root session tells better than another source, by call.
var rootPaths = map[string]string{
	"iam:ListMFADevices" + inRoot: "root.devices", "iam:ListAccessKeys" + inRoot: "root.access_keys",
	"iam:GetLoginProfile" + inRoot: "root.has_password", "iam:ListSigningCertificates" + inRoot: "root.has_certificates",
}

// rootTasks asks a root session of the member for everything. Whatever ends it early
// leaves tasks that failed, and harms no other facts.
func (r *reader) rootTasks(ctx context.Context, member *reader, c Config) []*task {
	root, err := r.enterRoot(ctx, member, c)
	if err != nil {
		return []*task{{Operation: rootOperations[0], err: err}}
	}
	var tasks []*task
	for _, o := range rootOperations {
		tasks = append(tasks, &task{Operation: o, region: root.aws.Region})
	}
	err = root.run(ctx, tasks)
	for _, t := range tasks {
		if t.answer == nil && t.err == nil {
			t.err = cmp.Or(err, errors.New("it was not asked"))
		}
	}
	return tasks
}

// takeRoot puts what a root session said into a snapshot. What it did not say is a gap
// if no other source tells it.
func takeRoot(s *facts.Snapshot, tasks []*task) {
	for _, t := range tasks {
		if t.err == nil {
			t.answer.(direct)(&s.Facts)
			s.Gaps = withoutGap(s.Gaps, rootPaths[t.Action])
			s.Observe(t.Action, t.at, "", rootPaths[t.Action])
			continue
		}
		f := failureOf(t)
		if strings.HasSuffix(f.action, ":AssumeRoot") { // of another service than the call
			f.action = assumeRoot
		} else {
			f.why = strings.TrimSpace(inRoot) + " " + f.why
		}
		for _, path := range pathsOf(t.Action) {
			s.Gaps = append(s.Gaps, facts.Gap{Path: path, Permission: f.action, Reason: f.action + " " + f.why})
		}
	}
	sortGaps(s)
}

func rootDevices(ctx context.Context, p *place) (any, error) {
	client, in := iam.NewFromConfig(p.aws), &iam.ListMFADevicesInput{}
	all, err := gather(p, func(token *string) ([]iamtypes.MFADevice, *string, error) {
		in.Marker = token
		out, err := ask(ctx, p, client.ListMFADevices, in)
		if err != nil {
			return nil, nil, err
		}
		next, err := marker(out.IsTruncated, out.Marker)
		return out.MFADevices, next, err
	})
	devices := make([]facts.Device, len(all))
	for i, d := range all {
		serial := aws.ToString(d.SerialNumber)
		devices[i] = facts.Device{Serial: serial, Kind: facts.DeviceKind(serial), Enabled: aws.ToTime(d.EnableDate)}
	}
	return direct(func(f *facts.Facts) { f.Root.Devices = devices }), err
}

func rootKeys(ctx context.Context, p *place) (any, error) {
	client := iam.NewFromConfig(p.aws)
	out, err := ask(ctx, p, client.ListAccessKeys, &iam.ListAccessKeysInput{})
	if err != nil {
		return nil, err
	}
	keys := []facts.AccessKey{}
	for _, k := range out.AccessKeyMetadata {
		p.reader.plan(1)
		used, err := ask(ctx, p, client.GetAccessKeyLastUsed, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
		if err != nil {
			return nil, err
		}
		key := facts.AccessKey{ID: aws.ToString(k.AccessKeyId), Active: k.Status == iamtypes.StatusTypeActive, Created: aws.ToTime(k.CreateDate)}
		if u := used.AccessKeyLastUsed; u != nil && u.LastUsedDate != nil {
			key.LastUsed, key.LastUsedRegion, key.LastUsedService = *u.LastUsedDate, aws.ToString(u.Region), aws.ToString(u.ServiceName)
		}
		keys = append(keys, key)
	}
	return direct(func(f *facts.Facts) { f.Root.AccessKeys = keys }), nil
}

func rootPassword(ctx context.Context, p *place) (any, error) {
	_, err := ask(ctx, p, iam.NewFromConfig(p.aws).GetLoginProfile, &iam.GetLoginProfileInput{})
	none, ok := errors.AsType[*iamtypes.NoSuchEntityException](err)
	if err != nil && !ok {
		return nil, err
	}
	return direct(func(f *facts.Facts) { f.Root.HasPassword = none == nil }), nil
}

func rootCertificates(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, iam.NewFromConfig(p.aws).ListSigningCertificates, &iam.ListSigningCertificatesInput{})
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) { f.Root.HasCertificates = len(out.Certificates) > 0 }), nil
}

// withoutGap takes out the gap of a fact that another source tells after all.
func withoutGap(gaps []facts.Gap, path string) []facts.Gap {
	return slices.DeleteFunc(gaps, func(g facts.Gap) bool { return g.Path == path && g.Resource == "" })
}
