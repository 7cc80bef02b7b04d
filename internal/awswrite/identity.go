package awswrite

import (
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// identities are the operations of IAM. Source: IAM API Reference, version 2010-05-08;
// Service Authorization Reference, "AWS Identity and Access Management".
func identities() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateAccountPasswordPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteAccountPasswordPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateGroup),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteGroup),
		invoke.Op(iam.NewFromConfig, (*iam.Client).AddUserToGroup),
		invoke.Op(iam.NewFromConfig, (*iam.Client).RemoveUserFromGroup),
		invoke.Op(iam.NewFromConfig, (*iam.Client).PutUserPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteUserPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).PutGroupPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteGroupPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).PutRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).AttachUserPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DetachUserPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).AttachGroupPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DetachGroupPolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).AttachRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DetachRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreatePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreatePolicyVersion),
		invoke.Op(iam.NewFromConfig, (*iam.Client).SetDefaultPolicyVersion),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeletePolicyVersion),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeletePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateAccessKey),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateAccessKey),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteAccessKey),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateLoginProfile),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateLoginProfile),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteLoginProfile),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeactivateMFADevice),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteVirtualMFADevice),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateSigningCertificate),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteSigningCertificate),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteServerCertificate),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateSSHPublicKey),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteSSHPublicKey),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateServiceSpecificCredential),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UpdateAssumeRolePolicy),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).CreateServiceLinkedRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DeleteServiceLinkedRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).TagRole),
		invoke.Op(iam.NewFromConfig, (*iam.Client).TagUser),
		invoke.Op(iam.NewFromConfig, (*iam.Client).UntagUser),
		invoke.Op(iam.NewFromConfig, (*iam.Client).EnableOrganizationsRootCredentialsManagement),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DisableOrganizationsRootCredentialsManagement),
		invoke.Op(iam.NewFromConfig, (*iam.Client).EnableOrganizationsRootSessions),
		invoke.Op(iam.NewFromConfig, (*iam.Client).DisableOrganizationsRootSessions),
	}
}

// accounts are the operations of Account Management. Source: AWS Account Management
// Reference Guide, "Actions".
func accounts() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(account.NewFromConfig, (*account.Client).PutAlternateContact),
		invoke.Op(account.NewFromConfig, (*account.Client).DeleteAlternateContact),
		invoke.Op(account.NewFromConfig, (*account.Client).PutContactInformation),
		invoke.Op(account.NewFromConfig, (*account.Client).EnableRegion),
		invoke.Op(account.NewFromConfig, (*account.Client).DisableRegion),
	}
}
