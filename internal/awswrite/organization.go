package awswrite

import (
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// organization are the operations of AWS Organizations. Source: AWS Organizations API
// Reference, version 2016-11-28.
func organization() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).CreatePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).UpdatePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DeletePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).AttachPolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DetachPolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).EnablePolicyType),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DisablePolicyType),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).EnableAWSServiceAccess),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DisableAWSServiceAccess),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).RegisterDelegatedAdministrator),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DeregisterDelegatedAdministrator),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).PutResourcePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).CancelHandshake),
	}
}
