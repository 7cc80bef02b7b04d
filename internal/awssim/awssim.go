// Package awssim is a simulated AWS organization over HTTP: accounts and Regions,
// users, roles and root users, the services that rootkeep reads and changes. AWS's own
// clients speak to it; signatures are checked, every call is authorized by the policy
// evaluator and leaves a CloudTrail record.
//
//	sim, err := awssim.New(cloud.Config{Clock: time.Now})
//	http.Serve(listener, sim)
//
// What it cannot do it refuses: an operation or parameter that it does not know is an
// error, never ignored.
package awssim

import (
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/account"
	"github.com/rootkeep/rootkeep/internal/awssim/analyzer"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/config"
	"github.com/rootkeep/rootkeep/internal/awssim/ec2"
	"github.com/rootkeep/rootkeep/internal/awssim/events"
	"github.com/rootkeep/rootkeep/internal/awssim/guardduty"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc"
	"github.com/rootkeep/rootkeep/internal/awssim/kms"
	"github.com/rootkeep/rootkeep/internal/awssim/logs"
	"github.com/rootkeep/rootkeep/internal/awssim/organizations"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
	"github.com/rootkeep/rootkeep/internal/awssim/secrets"
	"github.com/rootkeep/rootkeep/internal/awssim/securityhub"
	"github.com/rootkeep/rootkeep/internal/awssim/ses"
	"github.com/rootkeep/rootkeep/internal/awssim/sns"
	"github.com/rootkeep/rootkeep/internal/awssim/sqs"
	"github.com/rootkeep/rootkeep/internal/awssim/sts"
	"github.com/rootkeep/rootkeep/internal/awssim/trail"
	"github.com/rootkeep/rootkeep/internal/awssim/watch"
)

// New makes a cloud without accounts that has all services.
func New(c cloud.Config) (*cloud.Cloud, error) {
	out, err := cloud.New(c,
		iamsvc.Service(), sts.Service(), organizations.Service(), account.Service(), trail.Service(), watch.Service(), logs.Service(), sns.Service(),
		s3.Service(), sqs.Service(), kms.Service(), secrets.Service(), events.Service(), config.Service(),
		guardduty.Service(), securityhub.Service(), analyzer.Service(), ec2.Service(), ses.Service(),
	)
	if err != nil {
		return nil, err
	}
	out.Before(func(now time.Time) {
		trail.Deliver(out, now)
		watch.Evaluate(out, now)
	})
	out.Hear(func(a *cloud.Account, e *cloud.Event) {
		if events.Listens(a, e.Region) && trail.Logged(out, a, e) {
			events.Trail(out, a, e, out.Now())
		}
	})
	return out, nil
}
