// Package session gets temporary credentials of STS: sessions of roles, and of the root
// users of member accounts for one task each.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

// RenewBefore is how long before its end a session is renewed: more than a call takes
// with all its attempts.
const RenewBefore = 5 * time.Minute

// Role is a role that is entered.
type Role struct {
	ARN        string
	ExternalID string // that it asks for, "" for none
	Name       string // of the session, and its source identity: the ID of what it is for
}

// Account is that of the role. The error says that the ARN is none of a role.
func (r Role) Account() (rootkeep.AccountID, error) {
	parsed, err := rootkeep.ParseARN(r.ARN)
	if err == nil {
		_, err = rootkeep.ParseAccountID(string(parsed.Account))
	}
	if err != nil || parsed.Service != "iam" || !strings.HasPrefix(parsed.Resource, "role/") {
		return "", errors.New("it is no ARN of a role; hint: want arn:aws:iam::ACCOUNT:role/NAME")
	}
	return parsed.Account, nil
}

// Enter asks for a session of a role. The errors are those of the call.
func Enter(ctx context.Context, p *call.Place, r Role) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: &r.ARN, RoleSessionName: &r.Name, SourceIdentity: &r.Name}
	if r.ExternalID != "" {
		in.ExternalId = &r.ExternalID
	}
	out, err := call.Ask(ctx, p, sts.NewFromConfig(p.AWS).AssumeRole, in)
	if err == nil && out.Credentials == nil {
		err = errors.New("an answer without credentials")
	}
	return out, err
}

// MaxRoot is how long a root session lasts at most (AWS STS API Reference, AssumeRoot).
const MaxRoot = 15 * time.Minute

// tasks are what root sessions can be for (IAM User Guide, "AWS managed policies for
// privileged root user sessions").
var tasks = []string{"IAMAuditRootUserCredentials", "IAMCreateRootUserPassword", "IAMDeleteRootUserCredentials", "S3UnlockBucketPolicy", "SQSUnlockQueuePolicy"}

// TaskPolicy is the ARN of the policy of a task. The error says that there is none.
func TaskPolicy(partition, task string) (string, error) {
	if !slices.Contains(tasks, task) {
		return "", fmt.Errorf("%q is no task of a root session: want %s", task, strings.Join(tasks, ", "))
	}
	return "arn:" + partition + ":iam::aws:policy/root-task/" + task, nil
}

// EnterRoot asks for a session of a member's root user. AWS gives them at Regional
// endpoints alone, which the SDK asks.
func EnterRoot(ctx context.Context, p *call.Place, member rootkeep.AccountID, policy string, life time.Duration) (*sts.AssumeRootOutput, error) {
	out, err := call.Ask(ctx, p, sts.NewFromConfig(p.AWS).AssumeRoot, &sts.AssumeRootInput{
		TargetPrincipal: aws.String(string(member)), TaskPolicyArn: &ststypes.PolicyDescriptorType{Arn: &policy},
		DurationSeconds: aws.Int32(int32(life / time.Second)),
	})
	if err == nil && out.Credentials == nil {
		err = errors.New("an answer without credentials")
	}
	return out, err
}

// Issued is what STS gave, as the SDK takes it.
func Issued(c *ststypes.Credentials, source string) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		CanExpire: true, Expires: aws.ToTime(c.Expiration), Source: source,
	}
}
