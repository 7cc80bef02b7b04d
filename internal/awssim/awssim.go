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
	"github.com/rootkeep/rootkeep/internal/awssim/account"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc"
	"github.com/rootkeep/rootkeep/internal/awssim/organizations"
	"github.com/rootkeep/rootkeep/internal/awssim/sts"
)

// New makes a cloud without accounts that has all services.
func New(config cloud.Config) (*cloud.Cloud, error) {
	return cloud.New(config,
		iamsvc.Service(), sts.Service(), organizations.Service(), account.Service(),
	)
}
