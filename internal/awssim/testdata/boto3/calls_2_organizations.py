"""Organizations, Account Management and centralized root access."""
import json

from harness import ACCOUNTS, SIM, call, check, client, keys, ok, refused

MGMT, SECURITY, MEMBER = (ACCOUNTS[n]["id"] for n in ("management", "security", "member"))
DENY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]})
TASK = "arn:aws:iam::aws:policy/root-task/"


def org(operation, want=ok, **p):
    return call("organizations", operation, want, **p)


def run():
    org("DescribeOrganization", lambda a: a["Organization"]["MasterAccountId"] == MGMT and a["Organization"]["FeatureSet"] == "ALL", who="member")
    org("ListAccounts", lambda a: [x["Id"] for x in a["Accounts"]] == [MGMT, SECURITY, MEMBER])
    refused("organizations", "ListAccounts", "AccessDeniedException", who="member")
    first = client("organizations").list_accounts(MaxResults=2)
    org("ListAccounts", lambda a: len(a["Accounts"]) == 1 and "NextToken" not in a, MaxResults=2, NextToken=first["NextToken"])
    org("DescribeAccount", lambda a: a["Account"]["Name"] == "member" and a["Account"]["State"] == "ACTIVE", AccountId=MEMBER)
    refused("organizations", "DescribeAccount", "AccountNotFoundException", AccountId="999999999999")
    root = org("ListRoots", lambda a: a["Roots"][0]["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}])["Roots"][0]["Id"]
    tree(root)
    policies(root)
    trust()
    account()
    assume_root()


def tree(root):
    unit = org("CreateOrganizationalUnit", lambda a: a["OrganizationalUnit"]["Name"] == "work", ParentId=root, Name="work")["OrganizationalUnit"]["Id"]
    refused("organizations", "CreateOrganizationalUnit", "DuplicateOrganizationalUnitException", ParentId=root, Name="work")
    org("DescribeOrganizationalUnit", lambda a: a["OrganizationalUnit"]["Id"] == unit, OrganizationalUnitId=unit)
    org("ListOrganizationalUnitsForParent", lambda a: len(a["OrganizationalUnits"]) == 1, ParentId=root)
    org("MoveAccount", AccountId=MEMBER, SourceParentId=root, DestinationParentId=unit)
    org("ListAccountsForParent", lambda a: [x["Id"] for x in a["Accounts"]] == [MEMBER], ParentId=unit)
    org("ListChildren", lambda a: a["Children"] == [{"Id": MEMBER, "Type": "ACCOUNT"}], ParentId=unit, ChildType="ACCOUNT")
    org("ListParents", lambda a: a["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}], ChildId=MEMBER)
    refused("organizations", "DeleteOrganizationalUnit", "OrganizationalUnitNotEmptyException", OrganizationalUnitId=unit)
    spare = org("CreateOrganizationalUnit", ParentId=unit, Name="spare")["OrganizationalUnit"]["Id"]
    org("DeleteOrganizationalUnit", OrganizationalUnitId=spare)
    org("TagResource", ResourceId=unit, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    org("UntagResource", ResourceId=unit, TagKeys=["c"])
    org("ListTagsForResource", lambda a: a["Tags"] == [{"Key": "a", "Value": "b"}], ResourceId=unit)
    request = org("CreateAccount", lambda a: a["CreateAccountStatus"]["State"] == "IN_PROGRESS", Email="new@example.com", AccountName="new")["CreateAccountStatus"]["Id"]
    new = org("DescribeCreateAccountStatus", lambda a: a["CreateAccountStatus"]["State"] == "SUCCEEDED", CreateAccountRequestId=request)["CreateAccountStatus"]["AccountId"]
    org("ListCreateAccountStatus", lambda a: a["CreateAccountStatuses"][0]["AccountId"] == new, States=["SUCCEEDED"])
    s = keys(call("sts", "AssumeRole", ok, RoleArn=f"arn:aws:iam::{new}:role/OrganizationAccountAccessRole", RoleSessionName="setup"))
    call("iam", "GetAccountSummary", lambda a: a["SummaryMap"]["AccountPasswordPresent"] == 0, credentials=s)
    org("CloseAccount", AccountId=new)
    refused("iam", "GetAccountSummary", "InvalidClientTokenId", credentials=s)
    refused("organizations", "CloseAccount", "ConstraintViolationException", AccountId=MGMT)


def policies(root):
    refused("organizations", "CreatePolicy", "MalformedPolicyDocumentException", Name="bad", Description="", Type="SERVICE_CONTROL_POLICY", Content="{}")
    p = org("CreatePolicy", lambda a: a["Policy"]["PolicySummary"]["AwsManaged"] is False, Name="no-users", Description="", Type="SERVICE_CONTROL_POLICY", Content=DENY)["Policy"]["PolicySummary"]["Id"]
    org("DescribePolicy", lambda a: json.loads(a["Policy"]["Content"]) == json.loads(DENY), PolicyId=p)
    org("UpdatePolicy", lambda a: a["Policy"]["PolicySummary"]["Description"] == "none", PolicyId=p, Description="none")
    org("ListPolicies", lambda a: sorted(x["Name"] for x in a["Policies"]) == ["FullAWSAccess", "no-users"], Filter="SERVICE_CONTROL_POLICY")
    call("iam", "CreateUser", ok, who="member", UserName="before")
    org("AttachPolicy", PolicyId=p, TargetId=root)
    e = refused("iam", "CreateUser", "AccessDenied", who="member", UserName="after")
    check("with an explicit deny in a service control policy" in e["Error"]["Message"], f"the refusal names the layer: {e}")
    call("iam", "CreateUser", ok, UserName="not-limited")
    call("iam", "DeleteUser", ok, UserName="not-limited")
    org("ListTargetsForPolicy", lambda a: a["Targets"][0]["Type"] == "ROOT", PolicyId=p)
    org("ListPoliciesForTarget", lambda a: p in [x["Id"] for x in a["Policies"]], TargetId=root, Filter="SERVICE_CONTROL_POLICY")
    refused("organizations", "DeletePolicy", "PolicyInUseException", PolicyId=p)
    org("DetachPolicy", PolicyId=p, TargetId=root)
    org("DeletePolicy", PolicyId=p)
    call("iam", "DeleteUser", ok, who="member", UserName="before")
    kind = "AISERVICES_OPT_OUT_POLICY"
    org("EnablePolicyType", lambda a: len(a["Root"]["PolicyTypes"]) == 2, RootId=root, PolicyType=kind)
    refused("organizations", "DescribeEffectivePolicy", "EffectivePolicyNotFoundException", PolicyType=kind, TargetId=MEMBER)
    p = org("CreatePolicy", Name="ai", Description="", Type=kind, Content='{"services":{"default":{"opt_out_policy":{"@@assign":"optOut"}}}}')["Policy"]["PolicySummary"]["Id"]
    org("AttachPolicy", PolicyId=p, TargetId=root)
    org("DescribeEffectivePolicy", lambda a: json.loads(a["EffectivePolicy"]["PolicyContent"]) == {"services": {"default": {"opt_out_policy": "optOut"}}}, PolicyType=kind, TargetId=MEMBER)
    org("DisablePolicyType", RootId=root, PolicyType=kind)


def trust():
    for name in ("iam.amazonaws.com", "account.amazonaws.com", "spare.amazonaws.com"):
        org("EnableAWSServiceAccess", ServicePrincipal=name)
    org("DisableAWSServiceAccess", ServicePrincipal="spare.amazonaws.com")
    org("ListAWSServiceAccessForOrganization", lambda a: [s["ServicePrincipal"] for s in a["EnabledServicePrincipals"]] == ["account.amazonaws.com", "iam.amazonaws.com"])
    refused("organizations", "RegisterDelegatedAdministrator", "ConstraintViolationException", AccountId=SECURITY, ServicePrincipal="config.amazonaws.com")
    org("RegisterDelegatedAdministrator", AccountId=SECURITY, ServicePrincipal="iam.amazonaws.com")
    org("RegisterDelegatedAdministrator", AccountId=SECURITY, ServicePrincipal="account.amazonaws.com")
    org("DeregisterDelegatedAdministrator", AccountId=SECURITY, ServicePrincipal="account.amazonaws.com")
    org("ListDelegatedAdministrators", lambda a: [d["Id"] for d in a["DelegatedAdministrators"]] == [SECURITY], ServicePrincipal="iam.amazonaws.com")
    org("ListDelegatedServicesForAccount", lambda a: a["DelegatedServices"][0]["ServicePrincipal"] == "iam.amazonaws.com", AccountId=SECURITY, who="security")
    refused("organizations", "DescribeResourcePolicy", "ResourcePolicyNotFoundException")
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": SECURITY}, "Action": "organizations:List*", "Resource": "*"}]})
    org("PutResourcePolicy", Content=text)
    org("DescribeResourcePolicy", lambda a: a["ResourcePolicy"]["Content"] == text)
    org("DeleteResourcePolicy")
    h = org("InviteAccountToOrganization", lambda a: a["Handshake"]["State"] == "OPEN", Target={"Id": "x@example.com", "Type": "EMAIL"})["Handshake"]["Id"]
    org("ListHandshakesForOrganization", lambda a: a["Handshakes"][0]["Id"] == h)
    org("CancelHandshake", lambda a: a["Handshake"]["State"] == "CANCELED", HandshakeId=h)


def account():
    a = lambda operation, want=ok, **p: call("account", operation, want, **p)
    a("GetAccountInformation", lambda r: r["AccountName"] == "member" and r["AccountState"] == "ACTIVE", AccountId=MEMBER)
    a("PutAccountName", AccountName="management", who="management")
    a("GetPrimaryEmail", lambda r: r["PrimaryEmail"] == "member@example.com", AccountId=MEMBER)
    refused("account", "GetPrimaryEmail", "AccessDeniedException", who="member", AccountId=SECURITY)
    refused("account", "GetContactInformation", "ResourceNotFoundException")
    contact = {"FullName": "Ann", "AddressLine1": "1", "City": "Paris", "PostalCode": "75001", "CountryCode": "FR", "PhoneNumber": "+33123456789"}
    a("PutContactInformation", ContactInformation=contact)
    a("GetContactInformation", lambda r: r["ContactInformation"] == contact)
    refused("account", "GetAlternateContact", "ResourceNotFoundException", AlternateContactType="SECURITY")
    a("PutAlternateContact", AlternateContactType="SECURITY", Name="Sec", Title="CISO", EmailAddress="sec@example.com", PhoneNumber="1", AccountId=MEMBER)
    a("GetAlternateContact", lambda r: r["AlternateContact"]["EmailAddress"] == "sec@example.com", AlternateContactType="SECURITY", who="member")
    a("DeleteAlternateContact", AlternateContactType="SECURITY", who="member")
    refused("sts", "GetCallerIdentity", "InvalidClientTokenId", region="eu-south-1")
    a("EnableRegion", RegionName="eu-south-1")
    call("sts", "GetCallerIdentity", ok, region="eu-south-1")
    a("GetRegionOptStatus", lambda r: r["RegionOptStatus"] == "ENABLED", RegionName="eu-south-1")
    a("ListRegions", lambda r: len(r["Regions"]) == 18, RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])
    a("DisableRegion", RegionName="eu-south-1")
    refused("account", "DisableRegion", "ValidationException", RegionName="us-east-1")


def assume_root():
    f = lambda operation, want=ok, **p: call("iam", operation, want, **p)
    ask = {"TargetPrincipal": MEMBER, "TaskPolicyArn": {"arn": TASK + "IAMAuditRootUserCredentials"}}
    f("ListOrganizationsFeatures", lambda a: a["EnabledFeatures"] == [])
    refused("sts", "AssumeRoot", "AccessDenied", **ask)
    refused("iam", "EnableOrganizationsRootSessions", "CallerIsNotManagementAccountException", who="security")
    f("EnableOrganizationsRootSessions")
    refused("sts", "AssumeRoot", "AccessDenied", **ask)
    f("EnableOrganizationsRootCredentialsManagement")
    f("DisableOrganizationsRootSessions", lambda a: a["EnabledFeatures"] == ["RootCredentialsManagement"], who="security")
    f("ListOrganizationsFeatures", lambda a: a["EnabledFeatures"] == ["RootCredentialsManagement"], who="security")
    s = keys(call("sts", "AssumeRoot", ok, who="security", region="eu-west-1", **ask))
    call("sts", "GetCallerIdentity", lambda a: a["Arn"] == f"arn:aws:iam::{MEMBER}:root" and a["UserId"] == MEMBER, credentials=s)
    f("GetUser", lambda a: "UserName" not in a["User"] and a["User"]["Arn"].endswith(":root"), credentials=s)
    f("ListMFADevices", lambda a: a["MFADevices"] == [], credentials=s)
    f("ListAccessKeys", lambda a: len(a["AccessKeyMetadata"]) == 1, credentials=s)
    refused("iam", "ListUsers", "AccessDenied", credentials=s)
    refused("iam", "DeleteAccessKey", "AccessDenied", credentials=s, AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
    refused("sts", "AssumeRoot", "AccessDenied", who="member", **ask)
    refused("sts", "AssumeRoot", "AccessDenied", TargetPrincipal=MGMT, TaskPolicyArn=ask["TaskPolicyArn"])
    refused("sts", "AssumeRoot", "AccessDenied", TargetPrincipal=MEMBER, TaskPolicyArn={"arn": TASK + "S3UnlockBucketPolicy"})
    refused("sts", "AssumeRoot", "ValidationError", TargetPrincipal=MEMBER, TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/AdministratorAccess"})
    refused("sts", "AssumeRoot", "ValidationError", DurationSeconds=901, **ask)
    refused("sts", "AssumeRoot", "InvalidAction", region="aws-global", **ask)
    d = keys(call("sts", "AssumeRoot", ok, TargetPrincipal=MEMBER, TaskPolicyArn={"arn": TASK + "IAMDeleteRootUserCredentials"}))
    key = f("ListAccessKeys", credentials=d)["AccessKeyMetadata"][0]["AccessKeyId"]
    f("DeleteAccessKey", credentials=d, AccessKeyId=key)
    f("GetAccountSummary", lambda a: a["SummaryMap"]["AccountAccessKeysPresent"] == 0, who="member")
    n = keys(call("sts", "AssumeRoot", ok, TargetPrincipal=MEMBER, TaskPolicyArn={"arn": TASK + "IAMCreateRootUserPassword"}))
    f("CreateLoginProfile", lambda a: "UserName" not in a["LoginProfile"], credentials=n)
    f("GetAccountSummary", lambda a: a["SummaryMap"]["AccountPasswordPresent"] == 1, who="member")
    f("DeleteLoginProfile", credentials=d)
    f("DisableOrganizationsRootCredentialsManagement")
    f("EnableOrganizationsRootCredentialsManagement")
    f("EnableOrganizationsRootSessions", lambda a: len(a["EnabledFeatures"]) == 2)
