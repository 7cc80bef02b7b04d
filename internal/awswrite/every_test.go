package awswrite_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awswrite"
)

const (
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}`
	reads = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:List*","Resource":"*"}]}`
)

// TestEveryOperationIsCalled calls all that the two tables have, with parameters as
// content files give them, and looks at what comes back.
func TestEveryOperationIsCalled(t *testing.T) {
	w := newWorld(t, nil)
	for _, s := range []struct {
		name string
		tell func(*world)
	}{
		{"IAM", (*world).identities}, {"the organization", (*world).organization}, {"accounts", (*world).accounts}, {"storage", (*world).storage},
		{"keys", (*world).keys}, {"trails", (*world).trails}, {"watching", (*world).watching}, {"messages", (*world).messages},
		{"AWS Config and Access Analyzer", (*world).configuration}, {"GuardDuty", (*world).detectors}, {"Security Hub", (*world).hub},
	} {
		t.Run(s.name, func(t *testing.T) {
			w.t = t
			s.tell(w)
		})
	}
	for _, name := range slices.Concat(awswrite.Operations(), ask.Operations()) {
		if !w.called[name] {
			t.Errorf("%s was not called", name)
		}
	}
}

func (w *world) identities() {
	w.want("111111111111", w.do("sts:GetCallerIdentity", nil), "Account")
	w.users()
	w.credentials()
	w.groupsAndRoles()
	w.policies()
	w.do("iam:UpdateAccountPasswordPolicy", m{"MinimumPasswordLength": 14, "MaxPasswordAge": 90.0, "RequireSymbols": true})
	policy := w.do("iam:GetAccountPasswordPolicy", nil)
	w.want(int64(14), policy, "PasswordPolicy", "MinimumPasswordLength")
	w.want(true, policy, "PasswordPolicy", "RequireSymbols")
	w.want(false, policy, "PasswordPolicy", "RequireNumbers")
	w.do("iam:DeleteAccountPasswordPolicy", nil)
	if r := w.refusedDo("iam:GetAccountPasswordPolicy", nil); r.Code != "NoSuchEntity" || r.Throttled || r.Denied || r.Expired {
		w.t.Errorf("got %+v, want NoSuchEntity", r)
	}
	if list, ok := w.do("iam:ListAccountAliases", nil)["AccountAliases"].([]any); !ok || len(list) > 0 {
		w.t.Errorf("aliases: got %v, want an empty list that is there", list)
	}
}

func (w *world) users() {
	for _, name := range []string{"ann", "bob"} {
		w.admin(management, "iam", "CreateUser", m{"UserName": name})
	}
	w.do("iam:TagUser", m{"UserName": "ann", "Tags": []any{m{"Key": "team", "Value": "red"}, m{"Key": "x", "Value": "y"}}})
	w.do("iam:UntagUser", m{"UserName": "ann", "TagKeys": []any{"x"}})
	w.want("red", w.do("iam:ListUserTags", m{"UserName": "ann"}), "Tags", 0, "Value")
	w.want("arn:aws:iam::111111111111:user/ann", w.do("iam:GetUser", m{"UserName": "ann"}), "User", "Arn")
	// A page has one: all three are gathered.
	w.want("bob", w.do("iam:ListUsers", m{"MaxItems": 1}), "Users", 2, "UserName")
}

func (w *world) credentials() {
	ann := m{"UserName": "ann"}
	key := w.do("iam:CreateAccessKey", ann)
	id := in(key, "AccessKey", "AccessKeyId")
	w.do("iam:UpdateAccessKey", m{"UserName": "ann", "AccessKeyId": id, "Status": "Inactive"})
	w.want("Inactive", w.do("iam:ListAccessKeys", ann), "AccessKeyMetadata", 0, "Status")
	w.want("ann", w.do("iam:GetAccessKeyLastUsed", m{"AccessKeyId": id}), "UserName")
	w.do("iam:DeleteAccessKey", m{"UserName": "ann", "AccessKeyId": id})
	w.do("iam:CreateLoginProfile", m{"UserName": "ann", "Password": "Correct-Horse-1"})
	w.do("iam:UpdateLoginProfile", m{"UserName": "ann", "PasswordResetRequired": true})
	w.want(true, w.do("iam:GetLoginProfile", ann), "LoginProfile", "PasswordResetRequired")
	w.do("iam:DeleteLoginProfile", ann)

	device := w.Account(management).IAM("mfa/ann")
	w.device("ann", device)
	w.want(device, w.do("iam:ListMFADevices", ann), "MFADevices", 0, "SerialNumber")
	w.want(device, w.do("iam:ListVirtualMFADevices", m{"AssignmentStatus": "Assigned"}), "VirtualMFADevices", 0, "SerialNumber")
	w.do("iam:DeactivateMFADevice", m{"UserName": "ann", "SerialNumber": device})
	w.do("iam:DeleteVirtualMFADevice", m{"SerialNumber": device})

	certificate := in(w.admin(management, "iam", "UploadSigningCertificate", m{"UserName": "ann", "CertificateBody": "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----"}), "Certificate", "CertificateId")
	w.do("iam:UpdateSigningCertificate", m{"UserName": "ann", "CertificateId": certificate, "Status": "Inactive"})
	w.want("Inactive", w.do("iam:ListSigningCertificates", ann), "Certificates", 0, "Status")
	w.do("iam:DeleteSigningCertificate", m{"UserName": "ann", "CertificateId": certificate})
	ssh := in(w.admin(management, "iam", "UploadSSHPublicKey", m{"UserName": "ann", "SSHPublicKeyBody": "ssh-rsa AAAAB3NzaC1yc2E= ann"}), "SSHPublicKey", "SSHPublicKeyId")
	w.do("iam:UpdateSSHPublicKey", m{"UserName": "ann", "SSHPublicKeyId": ssh, "Status": "Inactive"})
	w.want("Inactive", w.do("iam:ListSSHPublicKeys", ann), "SSHPublicKeys", 0, "Status")
	w.do("iam:DeleteSSHPublicKey", m{"UserName": "ann", "SSHPublicKeyId": ssh})
	git := in(w.admin(management, "iam", "CreateServiceSpecificCredential", m{"UserName": "ann", "ServiceName": "codecommit.amazonaws.com"}), "ServiceSpecificCredential", "ServiceSpecificCredentialId")
	w.do("iam:UpdateServiceSpecificCredential", m{"UserName": "ann", "ServiceSpecificCredentialId": git, "Status": "Inactive"})
	w.want("Inactive", w.do("iam:ListServiceSpecificCredentials", ann), "ServiceSpecificCredentials", 0, "Status")
	w.admin(management, "iam", "UploadServerCertificate", m{"ServerCertificateName": "web", "CertificateBody": serverCertificate(w.t), "PrivateKey": "x"})
	w.want("web", w.do("iam:ListServerCertificates", nil), "ServerCertificateMetadataList", 0, "ServerCertificateName")
	w.do("iam:DeleteServerCertificate", m{"ServerCertificateName": "web"})
	for range 3 {
		w.do("iam:GenerateCredentialReport", nil)
	}
	if text, _ := in(w.do("iam:GetCredentialReport", nil), "Content").(string); !strings.HasPrefix(text, "user,arn,") {
		w.t.Errorf("credential report: got %q", text)
	}
}

func (w *world) groupsAndRoles() {
	dev, audit := m{"GroupName": "dev"}, m{"RoleName": "audit"}
	w.do("iam:CreateGroup", dev)
	w.do("iam:AddUserToGroup", m{"GroupName": "dev", "UserName": "ann"})
	w.want("dev", w.do("iam:ListGroups", nil), "Groups", 0, "GroupName")
	w.want("ann", w.do("iam:GetGroup", dev), "Users", 0, "UserName")
	w.want("dev", w.do("iam:ListGroupsForUser", m{"UserName": "ann"}), "Groups", 0, "GroupName")
	w.do("iam:PutGroupPolicy", m{"GroupName": "dev", "PolicyName": "read", "PolicyDocument": reads})
	w.want(reads, w.do("iam:GetGroupPolicy", m{"GroupName": "dev", "PolicyName": "read"}), "PolicyDocument")
	w.want("read", w.do("iam:ListGroupPolicies", dev), "PolicyNames", 0)
	w.do("iam:DeleteGroupPolicy", m{"GroupName": "dev", "PolicyName": "read"})
	w.do("iam:AttachGroupPolicy", m{"GroupName": "dev", "PolicyArn": everything})
	w.want(everything, w.do("iam:ListAttachedGroupPolicies", dev), "AttachedPolicies", 0, "PolicyArn")
	w.do("iam:DetachGroupPolicy", m{"GroupName": "dev", "PolicyArn": everything})
	w.do("iam:RemoveUserFromGroup", m{"GroupName": "dev", "UserName": "ann"})
	w.do("iam:DeleteGroup", dev)

	w.want(trust, w.do("iam:CreateRole", m{"RoleName": "audit", "AssumeRolePolicyDocument": trust}), "Role", "AssumeRolePolicyDocument")
	w.do("iam:UpdateRole", m{"RoleName": "audit", "MaxSessionDuration": 7200})
	w.want(int64(7200), w.do("iam:GetRole", audit), "Role", "MaxSessionDuration")
	w.do("iam:UpdateAssumeRolePolicy", m{"RoleName": "audit", "PolicyDocument": trust})
	w.do("iam:TagRole", m{"RoleName": "audit", "Tags": []any{m{"Key": "a", "Value": "b"}}})
	w.want("b", w.do("iam:ListRoleTags", audit), "Tags", 0, "Value")
	w.want("RootkeepReadOnly", w.do("iam:ListRoles", nil), "Roles", 0, "RoleName")
	w.do("iam:PutRolePolicy", m{"RoleName": "audit", "PolicyName": "read", "PolicyDocument": reads})
	w.want(reads, w.do("iam:GetRolePolicy", m{"RoleName": "audit", "PolicyName": "read"}), "PolicyDocument")
	w.want("read", w.do("iam:ListRolePolicies", audit), "PolicyNames", 0)
	w.do("iam:DeleteRolePolicy", m{"RoleName": "audit", "PolicyName": "read"})
	w.do("iam:AttachRolePolicy", m{"RoleName": "audit", "PolicyArn": everything})
	w.want(everything, w.do("iam:ListAttachedRolePolicies", audit), "AttachedPolicies", 0, "PolicyArn")
	w.do("iam:DetachRolePolicy", m{"RoleName": "audit", "PolicyArn": everything})
	w.want(nil, w.do("iam:ListInstanceProfilesForRole", audit), "InstanceProfiles", 0)
	w.do("iam:DeleteRole", audit)
	w.want("AWSServiceRoleForConfig", w.do("iam:CreateServiceLinkedRole", m{"AWSServiceName": "config.amazonaws.com"}), "Role", "RoleName")
}

func (w *world) policies() {
	arn := in(w.do("iam:CreatePolicy", m{"PolicyName": "reader", "PolicyDocument": reads}), "Policy", "Arn")
	policy := m{"PolicyArn": arn}
	w.want("v2", w.do("iam:CreatePolicyVersion", m{"PolicyArn": arn, "PolicyDocument": reads, "SetAsDefault": true}), "PolicyVersion", "VersionId")
	w.want("v2", w.do("iam:GetPolicy", policy), "Policy", "DefaultVersionId")
	w.want(reads, w.do("iam:GetPolicyVersion", m{"PolicyArn": arn, "VersionId": "v1"}), "PolicyVersion", "Document")
	w.want("v1", w.do("iam:ListPolicyVersions", policy), "Versions", 1, "VersionId")
	w.do("iam:SetDefaultPolicyVersion", m{"PolicyArn": arn, "VersionId": "v1"})
	w.do("iam:DeletePolicyVersion", m{"PolicyArn": arn, "VersionId": "v2"})
	w.do("iam:AttachUserPolicy", m{"UserName": "ann", "PolicyArn": arn})
	w.want(arn, w.do("iam:ListAttachedUserPolicies", m{"UserName": "ann"}), "AttachedPolicies", 0, "PolicyArn")
	w.want("ann", w.do("iam:ListEntitiesForPolicy", policy), "PolicyUsers", 0, "UserName")
	w.want("reader", w.do("iam:ListPolicies", m{"Scope": "Local"}), "Policies", 0, "PolicyName")
	w.do("iam:PutUserPolicy", m{"UserName": "ann", "PolicyName": "own", "PolicyDocument": reads})
	w.want(reads, w.do("iam:GetUserPolicy", m{"UserName": "ann", "PolicyName": "own"}), "PolicyDocument")
	w.want("own", w.do("iam:ListUserPolicies", m{"UserName": "ann"}), "PolicyNames", 0)
	details := w.do("iam:GetAccountAuthorizationDetails", m{"MaxItems": 2})
	w.want("bob", details, "UserDetailList", 2, "UserName")
	w.want(reads, details, "UserDetailList", 1, "UserPolicyList", 0, "PolicyDocument")
	w.want("reader", details, "Policies", 0, "PolicyName")
	w.do("iam:DeleteUserPolicy", m{"UserName": "ann", "PolicyName": "own"})
	w.do("iam:DetachUserPolicy", m{"UserName": "ann", "PolicyArn": arn})
	w.do("iam:DeletePolicy", policy)
	w.want(int64(3), w.do("iam:GetAccountSummary", nil), "SummaryMap", "Users")
}

func (w *world) organization() {
	const kind = "SERVICE_CONTROL_POLICY"
	w.want("111111111111", w.do("organizations:DescribeOrganization", nil), "Organization", "MasterAccountId")
	w.want("member", w.do("organizations:ListAccounts", m{"MaxResults": 1}), "Accounts", 2, "Name")
	w.want("member", w.do("organizations:DescribeAccount", m{"AccountId": "333333333333"}), "Account", "Name")
	root := in(w.do("organizations:ListRoots", nil), "Roots", 0, "Id").(string)
	unit := in(w.admin(management, "organizations", "CreateOrganizationalUnit", m{"ParentId": root, "Name": "work"}), "OrganizationalUnit", "Id").(string)
	w.want("work", w.do("organizations:DescribeOrganizationalUnit", m{"OrganizationalUnitId": unit}), "OrganizationalUnit", "Name")
	w.want(unit, w.do("organizations:ListOrganizationalUnitsForParent", m{"ParentId": root}), "OrganizationalUnits", 0, "Id")
	w.want("111111111111", w.do("organizations:ListAccountsForParent", m{"ParentId": root}), "Accounts", 0, "Id")
	w.want("ACCOUNT", w.do("organizations:ListChildren", m{"ParentId": root, "ChildType": "ACCOUNT"}), "Children", 0, "Type")
	w.want(root, w.do("organizations:ListParents", m{"ChildId": unit}), "Parents", 0, "Id")

	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}`
	policy := in(w.do("organizations:CreatePolicy", m{"Name": "no-users", "Description": "", "Type": kind, "Content": deny}), "Policy", "PolicySummary", "Id")
	w.do("organizations:UpdatePolicy", m{"PolicyId": policy, "Description": "none"})
	w.want(deny, w.do("organizations:DescribePolicy", m{"PolicyId": policy}), "Policy", "Content")
	w.want("no-users", w.do("organizations:ListPolicies", m{"Filter": kind}), "Policies", 0, "Name")
	w.do("organizations:AttachPolicy", m{"PolicyId": policy, "TargetId": unit})
	w.want(policy, w.do("organizations:ListPoliciesForTarget", m{"TargetId": unit, "Filter": kind}), "Policies", 1, "Id")
	w.want(unit, w.do("organizations:ListTargetsForPolicy", m{"PolicyId": policy}), "Targets", 0, "TargetId")
	w.do("organizations:DetachPolicy", m{"PolicyId": policy, "TargetId": unit})
	w.do("organizations:DeletePolicy", m{"PolicyId": policy})
	const other = "AISERVICES_OPT_OUT_POLICY"
	w.do("organizations:EnablePolicyType", m{"RootId": root, "PolicyType": other})
	policy = in(w.do("organizations:CreatePolicy", m{"Name": "ai", "Description": "", "Type": other, "Content": `{"services":{"default":{"opt_out_policy":{"@@assign":"optOut"}}}}`}), "Policy", "PolicySummary", "Id")
	w.do("organizations:AttachPolicy", m{"PolicyId": policy, "TargetId": root})
	w.want(other, w.do("organizations:DescribeEffectivePolicy", m{"PolicyType": other, "TargetId": "333333333333"}), "EffectivePolicy", "PolicyType")
	w.do("organizations:DisablePolicyType", m{"RootId": root, "PolicyType": other})
	w.trust()
}

func (w *world) trust() {
	for _, name := range []string{"iam.amazonaws.com", "account.amazonaws.com", "spare.amazonaws.com"} {
		w.do("organizations:EnableAWSServiceAccess", m{"ServicePrincipal": name})
	}
	w.do("organizations:DisableAWSServiceAccess", m{"ServicePrincipal": "spare.amazonaws.com"})
	w.want(nil, w.do("organizations:ListAWSServiceAccessForOrganization", nil), "EnabledServicePrincipals", 2)
	w.do("organizations:RegisterDelegatedAdministrator", m{"AccountId": "222222222222", "ServicePrincipal": "account.amazonaws.com"})
	w.want("222222222222", w.do("organizations:ListDelegatedAdministrators", nil), "DelegatedAdministrators", 0, "Id")
	w.want("account.amazonaws.com", w.do("organizations:ListDelegatedServicesForAccount", m{"AccountId": "222222222222"}), "DelegatedServices", 0, "ServicePrincipal")
	w.do("organizations:DeregisterDelegatedAdministrator", m{"AccountId": "222222222222", "ServicePrincipal": "account.amazonaws.com"})
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"organizations:List*","Resource":"*"}]}`
	w.do("organizations:PutResourcePolicy", m{"Content": text})
	w.want(text, w.do("organizations:DescribeResourcePolicy", nil), "ResourcePolicy", "Content")
	handshake := in(w.admin(management, "organizations", "InviteAccountToOrganization", m{"Target": m{"Id": "x@example.com", "Type": "EMAIL"}}), "Handshake", "Id")
	w.want(handshake, w.do("organizations:ListHandshakesForOrganization", nil), "Handshakes", 0, "Id")
	w.want("CANCELED", w.do("organizations:CancelHandshake", m{"HandshakeId": handshake}), "Handshake", "State")
	w.do("iam:EnableOrganizationsRootSessions", nil)
	w.do("iam:EnableOrganizationsRootCredentialsManagement", nil)
	w.want("RootSessions", w.do("iam:ListOrganizationsFeatures", nil), "EnabledFeatures", 1)
	w.do("iam:DisableOrganizationsRootSessions", nil)
	w.do("iam:DisableOrganizationsRootCredentialsManagement", nil)
}

func (w *world) accounts() {
	w.admin(management, "organizations", "EnableAWSServiceAccess", m{"ServicePrincipal": "account.amazonaws.com"})
	contact := m{"FullName": "Ann", "AddressLine1": "1", "City": "Paris", "PostalCode": "75001", "CountryCode": "FR", "PhoneNumber": "+33123456789"}
	w.at(member, "account:PutContactInformation", m{"ContactInformation": contact})
	w.want("Paris", w.at(member, "account:GetContactInformation", nil), "ContactInformation", "City")
	w.at(member, "account:PutAlternateContact", m{"AlternateContactType": "SECURITY", "Name": "Sec", "Title": "CISO", "EmailAddress": "sec@example.com", "PhoneNumber": "1"})
	w.want("CISO", w.at(member, "account:GetAlternateContact", m{"AlternateContactType": "SECURITY"}), "AlternateContact", "Title")
	w.at(member, "account:DeleteAlternateContact", m{"AlternateContactType": "SECURITY"})
	w.want("member", w.at(member, "account:GetAccountInformation", nil), "AccountName")
	w.want("member@example.com", w.do("account:GetPrimaryEmail", m{"AccountId": "333333333333"}), "PrimaryEmail")
	w.at(member, "account:EnableRegion", m{"RegionName": "eu-south-1"})
	w.want("ENABLED", w.at(member, "account:GetRegionOptStatus", m{"RegionName": "eu-south-1"}), "RegionOptStatus")
	w.at(member, "account:DisableRegion", m{"RegionName": "eu-south-1"})
	w.want("af-south-1", w.at(member, "account:ListRegions", m{"MaxResults": 5}), "Regions", 0, "RegionName")
}

// serverCertificate is a self-made server certificate in PEM.
func serverCertificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, &template, &template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
