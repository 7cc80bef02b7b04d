package awsread

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/identity"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	assumeRoot = "sts:AssumeRoot"
	// auditTask lets a root session see the root user's credentials, and do nothing.
	auditTask = "IAMAuditRootUserCredentials"
	// rootLife is how long a root session lasts, of 15 minutes at most: its few calls
	// take seconds, unless AWS throttles.
	rootLife = 5 * time.Minute
)

// enterRoot makes a reader that is the root user of a member account, for the audit
// task only.
func (r *reader) enterRoot(ctx context.Context, member *reader, c Config) (*reader, error) {
	self, err := rootkeep.ParseARN(r.caller)
	if err != nil {
		return nil, err
	}
	start := r.config.Now().UTC()
	task, err := session.TaskPolicy(self.Partition, auditTask)
	if err != nil {
		return nil, err
	}
	r.plan(1)
	out, err := session.EnterRoot(ctx, r.place(r.aws.Region), member.account, task, rootLife)
	if err != nil {
		return nil, r.refused(member, task, start, err)
	}
	if err := member.entered(facts.Session{
		Account: member.account, Role: task, Root: true, AccessKey: aws.ToString(out.Credentials.AccessKeyId), SourceIdentity: aws.ToString(out.SourceIdentity),
		Start: start, End: aws.ToTime(out.Credentials.Expiration),
	}); err != nil {
		return nil, err
	}
	return r.as(c, member.account, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return session.Issued(out.Credentials, "AssumeRoot"), nil
	})), nil
}

// refused notes that AWS refused a root session, because CloudTrail shows that it was asked
// for. The error stays what it is, unless it cannot be noted.
func (r *reader) refused(member *reader, task string, start time.Time, err error) error {
	if call.Code(err) == "" {
		return err // no answer: nobody knows whether it was asked
	}
	if noted := member.entered(facts.Session{Account: member.account, Role: task, Root: true, SourceIdentity: r.config.scan, Start: start, End: r.config.Now().UTC()}); noted != nil {
		return noted
	}
	return err
}

// rootPaths are the facts that a root session tells better than another source, by call.
var rootPaths = map[string]string{
	"iam:ListMFADevices" + identity.InRoot: "root.devices", "iam:ListAccessKeys" + identity.InRoot: "root.access_keys",
	"iam:GetLoginProfile" + identity.InRoot: "root.has_password", "iam:ListSigningCertificates" + identity.InRoot: "root.has_certificates",
}

// rootTasks asks a root session of the member for everything. Whatever ends it early
// leaves tasks that failed, and harms no other facts. The error is that the reader's own
// credentials have expired.
func (r *reader) rootTasks(ctx context.Context, member *reader, c Config) ([]*task, error) {
	root, err := r.enterRoot(ctx, member, c)
	switch {
	case expired(err):
		return nil, &signedOut{stale(err)}
	case err != nil:
		return []*task{{Operation: identity.RootOperations()[0], err: err}}, nil
	}
	var tasks []*task
	for _, o := range identity.RootOperations() {
		tasks = append(tasks, &task{Operation: o, region: root.aws.Region})
	}
	err = root.run(ctx, tasks)
	for _, t := range tasks {
		if t.answer == nil && t.err == nil {
			t.err = cmp.Or(err, errors.New("it was not asked"))
		}
	}
	return tasks, nil
}

// takeRoot puts what a root session said into a snapshot. What it did not say is a gap
// if no other source tells it.
func takeRoot(s *facts.Snapshot, tasks []*task) {
	for _, t := range tasks {
		if t.err == nil {
			t.answer.(call.Direct)(&s.Facts)
			s.Gaps = withoutGap(s.Gaps, rootPaths[t.Action])
			s.Observe(t.Action, t.at, "", rootPaths[t.Action])
			continue
		}
		f := failureOf(t)
		if strings.HasSuffix(f.action, ":AssumeRoot") { // of another service than the call
			f.action = assumeRoot
		} else {
			f.why = strings.TrimSpace(identity.InRoot) + " " + f.why
		}
		for _, path := range pathsOf(t.Action) {
			s.Gaps = append(s.Gaps, facts.Gap{Path: path, Permission: f.action, Reason: f.action + " " + f.why})
		}
	}
	sortGaps(s)
}

// withoutGap takes out the gap of a fact that another source tells after all.
func withoutGap(gaps []facts.Gap, path string) []facts.Gap {
	return slices.DeleteFunc(gaps, func(g facts.Gap) bool { return g.Path == path && g.Resource == "" })
}
