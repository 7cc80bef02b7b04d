package awsread

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/rootkeep/rootkeep/internal/awsread/pace"
)

// idleConnections to one host are kept: accounts share the hosts of a Region.
const idleConnections = 64

// ceilings are the most calls a second of an account in a Region where AWS takes less
// than usualCeiling, or where that would hold up an organization. Sources: the quotas
// pages of Amazon CloudWatch Logs, Amazon CloudWatch and AWS CloudTrail; AWS STS says 600.
var ceilings = map[string]float64{
	cloudwatchlogs.ServiceID + ":DescribeMetricFilters": 5,
	cloudwatch.ServiceID + ":DescribeAlarms":            9,
	cloudtrail.ServiceID + ":LookupEvents":              2,
	sts.ServiceID + ":AssumeRole":                       100,
	sts.ServiceID + ":AssumeRoot":                       100,
}

// usualCeiling is below what services are known to take of one operation.
const usualCeiling = 10

// ceiling is the budget of an operation, by its service and name.
func ceiling(call string) float64 {
	if c, ok := ceilings[call]; ok {
		return c
	}
	return usualCeiling
}

// retryer tries again what may pass. How often calls go out is the limiter's, which
// knows all clients; a retryer's own quota would give up under throttling instead.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.RateLimiter = attempts, ratelimit.None })
}

// paced has each attempt of a call wait for its turn. It has its credentials by then:
// renewing them is a call that takes a turn too, which may not come while this one has its own.
func (r *reader) paced(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RootkeepPace", r.inTurn), "ResolveEndpointV2", middleware.After)
}

func (r *reader) inTurn(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
	kind := pace.Kind{Account: string(r.account), Region: awsmiddleware.GetRegion(ctx), Call: middleware.GetServiceID(ctx) + ":" + middleware.GetOperationName(ctx)}
	err = r.pace.Do(ctx, kind, func() error {
		out, metadata, err = next.HandleFinalize(ctx, in)
		return err
	}, throttled)
	return out, metadata, err
}

func throttled(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
}
