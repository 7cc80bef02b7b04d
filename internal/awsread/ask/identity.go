package ask

import (
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// identities are what IAM is asked. The credential report is made if it is not there, which
// changes nothing. Source: IAM API Reference, version 2010-05-08.
func identities() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(sts.NewFromConfig, (*sts.Client).GetCallerIdentity, invoke.By()),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetAccountSummary),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetAccountPasswordPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListAccountAliases),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetAccountAuthorizationDetails, invoke.Preset("MaxItems", 1000)),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GenerateCredentialReport),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetCredentialReport, invoke.Text("Content")),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetUser),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListUsers),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListUserTags),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListAccessKeys),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetAccessKeyLastUsed),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetLoginProfile),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListMFADevices),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListVirtualMFADevices),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListSigningCertificates),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListServerCertificates),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListSSHPublicKeys),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListServiceSpecificCredentials),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetUserPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListUserPolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListAttachedUserPolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListGroupsForUser),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetGroup),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListGroups),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetGroupPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListGroupPolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListAttachedGroupPolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListRoles),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListRoleTags),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListRolePolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListAttachedRolePolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListInstanceProfilesForRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListPolicies),
		invoke.Op(iam.NewFromConfig, (*iam.Client).GetPolicyVersion),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListPolicyVersions),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListEntitiesForPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).ListOrganizationsFeatures),
	}
}

// accounts are what Account Management is asked. Source: AWS Account Management Reference
// Guide, "Actions".
func accounts() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(account.NewFromConfig, (*account.Client).GetAccountInformation),
		invoke.Op(account.NewFromConfig, (*account.Client).GetAlternateContact),
		invoke.Op(account.NewFromConfig, (*account.Client).GetContactInformation),
		invoke.Op(account.NewFromConfig, (*account.Client).GetPrimaryEmail),
		invoke.Op(account.NewFromConfig, (*account.Client).GetRegionOptStatus),
		invoke.Op(account.NewFromConfig, (*account.Client).ListRegions),
	}
}

// organization are what AWS Organizations is asked. Source: AWS Organizations API
// Reference, version 2016-11-28.
func organization() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribeOrganization),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribeAccount),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribeOrganizationalUnit),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribeEffectivePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).DescribeResourcePolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListAccounts),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListAccountsForParent),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListOrganizationalUnitsForParent),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListRoots),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListParents),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListChildren),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListPolicies),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListPoliciesForTarget),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListTargetsForPolicy),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListAWSServiceAccessForOrganization),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListDelegatedAdministrators),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListDelegatedServicesForAccount),
		invoke.Op(organizations.NewFromConfig, (*organizations.Client).ListHandshakesForOrganization),
	}
}
