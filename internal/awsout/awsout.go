// Package awsout sends what is rootkeep's own to a place that the operator named: findings
// to AWS Security Hub, checkpoints of the ledger to a bucket with Object Lock, notices by
// Amazon SES and Amazon SNS. It changes nothing else, and reads nothing but the checkpoints that are there.
package awsout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/smithy-go"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

const (
	atOnce         = 100 // findings in one call, the most that AWS takes
	rounds         = 3   // in which a finding is tried that AWS did not take
	attempts       = 10  // of one call, with adaptive pauses between them
	attemptTimeout = 30 * time.Second
	callTimeout    = 3 * time.Minute // of one call with all its attempts
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string {
	return []string{"securityhub:BatchImportFindings", "s3:PutObject", "s3:PutObjectRetention", "s3:ListBucket", "s3:GetObject", "ses:SendEmail", "ses:SendRawEmail", "sns:Publish"}
}

// Config says as whom to send and where. The zero value takes everything from the
// environment and the shared configuration, as the AWS CLI does.
type Config struct {
	Profile string                                     // of the shared configuration
	Region  string                                     // of the Security Hub, the bucket or SES
	Sleep   func(context.Context, time.Duration) error // before a finding is tried again; nil is a timer
}

// Hub is the Security Hub of a Region.
type Hub struct {
	client *securityhub.Client
	region string
	sleep  func(context.Context, time.Duration) error
}

// Open finds credentials and a Region. The error says what to do.
func Open(ctx context.Context, c Config) (*Hub, error) {
	loaded, err := load(ctx, c, "Security Hub")
	if err != nil {
		return nil, err
	}
	h := &Hub{securityhub.NewFromConfig(loaded), loaded.Region, c.Sleep}
	if h.sleep == nil {
		h.sleep = sleep
	}
	return h, nil
}

// load finds credentials and a Region for a service.
func load(ctx context.Context, c Config, service string) (aws.Config, error) {
	return credential.Load(ctx, credential.Settings{Profile: c.Profile, Region: c.Region, For: service},
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = attempts })
			})
		}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
	)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Region is where findings are imported.
func (h *Hub) Region() rootkeep.Region { return rootkeep.Region(h.region) }

// Import sends the findings, account by account. What AWS does not take for a reason that
// may pass is tried again; the rest is in Failed. The error is the context's.
func (h *Hub) Import(ctx context.Context, findings []asff.Finding) (*assessment.Imported, error) {
	out := &assessment.Imported{Region: h.Region(), Failed: []assessment.NotImported{}}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b asff.Finding) int { return cmp.Compare(a.AWSAccountID, b.AWSAccountID) })
	refused := map[string]int{} // accounts that AWS refuses, by place in Failed
	for len(sorted) > 0 {
		account, n := sorted[0].AWSAccountID, 1
		for n < min(len(sorted), atOnce) && sorted[n].AWSAccountID == account {
			n++
		}
		batch := sorted[:n]
		sorted = sorted[n:]
		if at, known := refused[account]; known {
			out.Failed[at].Findings += n
			continue
		}
		err := h.send(ctx, batch, out)
		if ctx.Err() != nil {
			return out, fmt.Errorf("import into Security Hub: %w", ctx.Err())
		}
		if err != nil {
			refused[account] = len(out.Failed)
			code, reason := why(err)
			out.Failed = append(out.Failed, assessment.NotImported{Account: account, Code: code, Reason: reason, Findings: n})
		}
	}
	return out, nil
}

// send imports one batch of one account. The error is of a whole call.
func (h *Hub) send(ctx context.Context, batch []asff.Finding, out *assessment.Imported) error {
	for round := 1; ; round++ {
		failed, err := h.call(ctx, batch)
		if err != nil {
			return err
		}
		var again []asff.Finding
		for i := range batch {
			f, bad := failed[batch[i].ID]
			switch {
			case bad && round < rounds && passing(aws.ToString(f.ErrorCode)):
				again = append(again, batch[i])
			case bad:
				out.Lacks(assessment.NotImported{ID: batch[i].ID, Account: batch[i].AWSAccountID, Code: aws.ToString(f.ErrorCode), Reason: aws.ToString(f.ErrorMessage), Findings: 1})
			case batch[i].RecordState == "ARCHIVED":
				out.Archived++
			default:
				out.Active++
			}
		}
		if len(again) == 0 {
			return nil
		}
		batch = again
		if err := h.sleep(ctx, time.Duration(round)*time.Second); err != nil {
			return err
		}
	}
}

// passing says whether another try may go better: a finding that is not valid stays so.
func passing(code string) bool {
	return !slices.Contains([]string{"InvalidInput", "InvalidInputException", "InvalidAccess", "AccessDeniedException"}, code)
}

// call makes one call and gives the findings that AWS did not take, by ID.
func (h *Hub) call(ctx context.Context, batch []asff.Finding) (map[string]types.ImportFindingsError, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	in := &securityhub.BatchImportFindingsInput{}
	for i := range batch {
		in.Findings = append(in.Findings, shape(&batch[i]))
	}
	answer, err := h.client.BatchImportFindings(ctx, in)
	if err != nil {
		return nil, err
	}
	failed := map[string]types.ImportFindingsError{}
	for _, f := range answer.FailedFindings {
		id := aws.ToString(f.Id)
		if !slices.ContainsFunc(batch, func(sent asff.Finding) bool { return sent.ID == id }) {
			return nil, fmt.Errorf("Security Hub refused a finding that was not sent: %q", id)
		}
		failed[id] = f
	}
	if n := int(aws.ToInt32(answer.FailedCount)); n > len(failed) {
		return nil, fmt.Errorf("Security Hub did not take %d findings and named %d of them", n, len(failed))
	}
	return failed, nil
}

// why is a failed call as a code and words, with what a person can do.
func why(err error) (code, reason string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", err.Error()
	}
	reason = api.ErrorMessage()
	switch api.ErrorCode() {
	case "InvalidAccessException":
		reason += "; hint: enable Security Hub in this account and Region, or choose another with --region"
	case "AccessDeniedException":
		reason += "; hint: allow securityhub:BatchImportFindings, and import an account's findings with credentials of that account"
	case "ExpiredTokenException", "ExpiredToken":
		reason += "; hint: sign in again"
	}
	return api.ErrorCode(), reason
}
