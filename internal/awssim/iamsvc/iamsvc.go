// Package iamsvc is the simulated AWS Identity and Access Management: users, groups,
// roles, managed policies, credentials of users and root, the credential report, and
// centralized root access.
//
// Source: IAM API Reference, version 2010-05-08.
package iamsvc

import (
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/credential"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/provider"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/simulation"
)

// Service lists the operations.
func Service() *cloud.Service {
	s := &cloud.Service{Name: "iam", Version: "2010-05-08", Protocol: cloud.Query, Global: true, Delayed: true, Codes: cloud.Codes{Token: "InvalidInput"}}
	for _, list := range [][]*cloud.Operation{userOperations(), credential.Operations(), provider.Operations(), simulation.Operations(), groupOperations(), roleOperations(), policyOperations(), attachOperations(), accountOperations()} {
		s.Operations = append(s.Operations, list...)
	}
	return s
}
