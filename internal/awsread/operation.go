package awsread

import (
	"context"
	"time"
)

// Operation is an API operation that is called, by the IAM action that permits it,
// such as iam:GetAccountSummary.
type Operation struct {
	Action   string
	Regional bool // called in every enabled Region

	read func(context.Context, *place) (any, error) // nil: called on the way to another
}

// Operations are all that Collect calls, and so the permissions that it can use.
// sts:GetCallerIdentity needs none.
func Operations() []Operation {
	return []Operation{
		{Action: "sts:GetCallerIdentity"},
		{Action: listRegions},
		{Action: "iam:GetAccountSummary", read: accountSummary},
		{Action: "iam:GetAccountAuthorizationDetails", read: authorizationDetails},
		{Action: "iam:GenerateCredentialReport"},
		{Action: "iam:GetCredentialReport", read: credentialReport},
		{Action: "iam:GetAccountPasswordPolicy", read: passwordPolicy},
		{Action: "iam:ListVirtualMFADevices", read: virtualDevices},
		{Action: "iam:ListAccountAliases", read: accountAlias},
		{Action: "organizations:DescribeOrganization", read: organization},
		{Action: describeTrails, Regional: true, read: trailsOf},
		{Action: describeFilters, Regional: true, read: metricFilters},
		{Action: "cloudwatch:DescribeAlarms", Regional: true, read: alarms},
		{Action: "sns:ListSubscriptions", Regional: true, read: subscriptions},
		{Action: trailStatus, Regional: true},
	}
}

const (
	listRegions     = "account:ListRegions"
	describeTrails  = "cloudtrail:DescribeTrails"
	describeFilters = "logs:DescribeMetricFilters"
	trailStatus     = "cloudtrail:GetTrailStatus"
)

// task is one operation in one Region, and what came of it.
type task struct {
	Operation
	region string
	trail  string // ARN, of a task about one trail
	answer any    // a direct, or what the AWS CLI would print, for intake
	at     time.Time
	err    error
}

func (t *task) run(ctx context.Context, r *reader) {
	p := r.place(t.region)
	t.answer, t.err = t.read(ctx, p)
	t.at = p.at
}

// tasks are the operations in the Region where reading began, and the regional ones in
// every enabled Region.
func (r *reader) tasks(regions []string) []*task {
	var out []*task
	for _, o := range Operations() {
		places := []string{r.aws.Region}
		if o.Regional {
			places = regions
		}
		for _, region := range places {
			if o.read != nil {
				out = append(out, &task{Operation: o, region: region})
			}
		}
	}
	return out
}
