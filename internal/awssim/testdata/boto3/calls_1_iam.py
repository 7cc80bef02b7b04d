"""STS and IAM."""
import base64
import hashlib
import hmac
import json
import struct
import time
import urllib.request

from harness import ACCOUNTS, SIM, call, check, client, keys, ok, pages, refused

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNTS["management"]["id"]}, "Action": "sts:AssumeRole"}]})
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}]})
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def iam(operation, want=ok, **p):
    return call("iam", operation, want, **p)


def totp(seed, at):
    digest = hmac.new(base64.b32decode(seed + b"=" * (-len(seed) % 8)), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return "%06d" % ((struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000)


def run():
    me = ACCOUNTS["management"]["id"]
    call("sts", "GetCallerIdentity", lambda a: a["Account"] == me and a["Arn"].endswith(":user/admin"))
    users(me)
    credentials(me)
    providers(me)
    groups()
    roles(me)
    policies()
    account()
    sessions(me)


def users(me):
    iam("CreateUser", lambda a: a["User"]["Arn"] == f"arn:aws:iam::{me}:user/staff/ann", UserName="ann", Path="/staff/", Tags=[{"Key": "team", "Value": "red"}])
    refused("iam", "CreateUser", "EntityAlreadyExists", UserName="ann")
    refused("iam", "CreateUser", "ValidationError", UserName="a b")
    iam("GetUser", lambda a: a["User"]["Tags"] == [{"Key": "team", "Value": "red"}], UserName="ann")
    iam("GetUser", lambda a: a["User"]["UserName"] == "admin")
    refused("iam", "GetUser", "NoSuchEntity", UserName="nobody")
    iam("ListUsers", lambda a: [u["UserName"] for u in a["Users"]] == ["ann"], PathPrefix="/staff/")
    check([u["UserName"] for u in pages("iam", "ListUsers", "Users", 1)] == ["admin", "ann"], "pages of users")
    refused("iam", "ListUsers", "InvalidInput", Marker="nonsense")
    iam("TagUser", UserName="ann", Tags=[{"Key": "team", "Value": "blue"}, {"Key": "x", "Value": "y"}])
    iam("UntagUser", UserName="ann", TagKeys=["x"])
    iam("ListUserTags", lambda a: a["Tags"] == [{"Key": "team", "Value": "blue"}] and not a["IsTruncated"], UserName="ann")
    iam("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=ADMIN)
    iam("GetUser", lambda a: a["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN, UserName="ann")
    iam("DeleteUserPermissionsBoundary", UserName="ann")
    iam("UpdateUser", UserName="ann", NewUserName="anna")
    iam("UpdateUser", UserName="anna", NewUserName="ann")


def credentials(me):
    k = iam("CreateAccessKey", lambda a: a["AccessKey"]["UserName"] == "ann", UserName="ann")["AccessKey"]
    iam("ListAccessKeys", lambda a: a["AccessKeyMetadata"][0]["Status"] == "Active", UserName="ann")
    ann = {"key": k["AccessKeyId"], "secret": k["SecretAccessKey"]}
    refused("iam", "ListUsers", "AccessDenied", credentials=ann)
    iam("GetAccessKeyLastUsed", lambda a: a["AccessKeyLastUsed"]["ServiceName"] == "iam", AccessKeyId=k["AccessKeyId"])
    iam("UpdateAccessKey", UserName="ann", AccessKeyId=k["AccessKeyId"], Status="Inactive")
    refused("sts", "GetCallerIdentity", "InvalidClientTokenId", credentials=ann)
    refused("sts", "GetCallerIdentity", "SignatureDoesNotMatch", credentials={"key": ACCOUNTS["management"]["key"], "secret": "wrong"})
    iam("DeleteAccessKey", UserName="ann", AccessKeyId=k["AccessKeyId"])
    c = iam("UploadSigningCertificate", UserName="ann", CertificateBody="-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----")["Certificate"]
    iam("ListSigningCertificates", lambda a: a["Certificates"][0]["CertificateId"] == c["CertificateId"], UserName="ann")
    iam("UpdateSigningCertificate", UserName="ann", CertificateId=c["CertificateId"], Status="Inactive")
    iam("ListSigningCertificates", lambda a: a["Certificates"][0]["Status"] == "Inactive", UserName="ann")
    iam("DeleteSigningCertificate", UserName="ann", CertificateId=c["CertificateId"])
    refused("iam", "CreateLoginProfile", "PasswordPolicyViolation", UserName="ann", Password="short")
    iam("CreateLoginProfile", lambda a: a["LoginProfile"]["PasswordResetRequired"], UserName="ann", Password="Correct-Horse-1", PasswordResetRequired=True)
    iam("UpdateLoginProfile", UserName="ann", PasswordResetRequired=False)
    iam("GetLoginProfile", lambda a: not a["LoginProfile"]["PasswordResetRequired"], UserName="ann")
    iam("DeleteLoginProfile", UserName="ann")
    refused("iam", "GetLoginProfile", "NoSuchEntity", UserName="ann")
    d = iam("CreateVirtualMFADevice", VirtualMFADeviceName="ann")["VirtualMFADevice"]
    serial, now = d["SerialNumber"], time.time()
    refused("iam", "EnableMFADevice", "InvalidAuthenticationCode", UserName="ann", SerialNumber=serial, AuthenticationCode1="000000", AuthenticationCode2="000001")
    iam("EnableMFADevice", UserName="ann", SerialNumber=serial, AuthenticationCode1=totp(d["Base32StringSeed"], now - 30), AuthenticationCode2=totp(d["Base32StringSeed"], now))
    iam("ListMFADevices", lambda a: a["MFADevices"][0]["SerialNumber"] == serial, UserName="ann")
    iam("GetMFADevice", lambda a: a["UserName"] == "ann", UserName="ann", SerialNumber=serial)
    iam("ListVirtualMFADevices", lambda a: [v["User"]["Arn"].split(":")[-1] for v in a["VirtualMFADevices"]] == ["user/staff/ann", "root"], AssignmentStatus="Assigned")
    refused("iam", "DeleteVirtualMFADevice", "DeleteConflict", SerialNumber=serial)
    iam("DeactivateMFADevice", UserName="ann", SerialNumber=serial)
    iam("DeleteVirtualMFADevice", SerialNumber=serial)


def providers(me):
    ssh = iam("UploadSSHPublicKey", lambda a: a["SSHPublicKey"]["Status"] == "Active", UserName="ann", SSHPublicKeyBody="ssh-rsa AAAAB3NzaC1yc2E= ann")["SSHPublicKey"]["SSHPublicKeyId"]
    iam("ListSSHPublicKeys", lambda a: a["SSHPublicKeys"][0]["UserName"] == "ann", UserName="ann")
    service = iam("CreateServiceSpecificCredential", lambda a: a["ServiceSpecificCredential"]["ServicePassword"], UserName="ann",
                  ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    iam("ListServiceSpecificCredentials", lambda a: a["ServiceSpecificCredentials"][0]["ServiceName"] == "codecommit.amazonaws.com", AllUsers=True)
    refused("iam", "CreateServiceSpecificCredential", "NotSupportedService", UserName="ann", ServiceName="x.amazonaws.com")
    refused("iam", "DeleteUser", "DeleteConflict", UserName="ann")
    iam("UpdateServiceSpecificCredential", UserName="ann", ServiceSpecificCredentialId=service, Status="Inactive")
    iam("ListServiceSpecificCredentials", lambda a: a["ServiceSpecificCredentials"][0]["Status"] == "Inactive", UserName="ann")
    iam("UpdateSSHPublicKey", UserName="ann", SSHPublicKeyId=ssh, Status="Inactive")
    iam("ListSSHPublicKeys", lambda a: a["SSHPublicKeys"][0]["Status"] == "Inactive", UserName="ann")
    refused("iam", "UpdateSSHPublicKey", "ValidationError", UserName="ann", SSHPublicKeyId=ssh, Status="Sleeping")
    iam("DeleteServiceSpecificCredential", UserName="ann", ServiceSpecificCredentialId=service)
    iam("DeleteSSHPublicKey", UserName="ann", SSHPublicKeyId=ssh)
    refused("iam", "DeleteSSHPublicKey", "NoSuchEntity", UserName="ann", SSHPublicKeyId=ssh)
    iam("UploadServerCertificate", lambda a: a["ServerCertificateMetadata"]["Expiration"].year == 2030, ServerCertificateName="web", CertificateBody=SIM["certificate"], PrivateKey="x")
    refused("iam", "UploadServerCertificate", "MalformedCertificate", ServerCertificateName="bad", CertificateBody="x", PrivateKey="x")
    iam("ListServerCertificates", lambda a: a["ServerCertificateMetadataList"][0]["ServerCertificateName"] == "web")
    iam("DeleteServerCertificate", ServerCertificateName="web")
    saml = iam("CreateSAMLProvider", Name="corp", SAMLMetadataDocument="<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>")["SAMLProviderArn"]
    iam("ListSAMLProviders", lambda a: a["SAMLProviderList"][0]["Arn"] == saml)
    oidc = iam("CreateOpenIDConnectProvider", lambda a: a["OpenIDConnectProviderArn"] == f"arn:aws:iam::{me}:oidc-provider/token.example.com", Url="https://token.example.com", ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
    iam("GetOpenIDConnectProvider", lambda a: a["ClientIDList"] == ["sts.amazonaws.com"], OpenIDConnectProviderArn=oidc)
    iam("ListOpenIDConnectProviders", lambda a: a["OpenIDConnectProviderList"] == [{"Arn": oidc}])
    iam("GetAccountSummary", lambda a: a["SummaryMap"]["Providers"] == 2 and a["SummaryMap"]["ServerCertificates"] == 0)


def groups():
    iam("CreateGroup", lambda a: a["Group"]["Path"] == "/", GroupName="dev")
    iam("ListGroups", lambda a: [g["GroupName"] for g in a["Groups"]] == ["dev"])
    iam("AddUserToGroup", GroupName="dev", UserName="ann")
    iam("GetGroup", lambda a: a["Users"][0]["UserName"] == "ann", GroupName="dev")
    iam("ListGroupsForUser", lambda a: a["Groups"][0]["GroupName"] == "dev", UserName="ann")
    iam("AttachGroupPolicy", GroupName="dev", PolicyArn=ADMIN)
    iam("ListAttachedGroupPolicies", lambda a: a["AttachedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN}], GroupName="dev")
    iam("PutGroupPolicy", GroupName="dev", PolicyName="read", PolicyDocument=READ)
    iam("GetGroupPolicy", lambda a: a["PolicyDocument"] == json.loads(READ) and a["GroupName"] == "dev", GroupName="dev", PolicyName="read")
    iam("ListGroupPolicies", lambda a: a["PolicyNames"] == ["read"], GroupName="dev")


def roles(me):
    refused("iam", "CreateRole", "MalformedPolicyDocument", RoleName="bad", AssumeRolePolicyDocument=READ)
    iam("CreateRole", lambda a: a["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST), RoleName="audit", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)
    iam("ListRoles", lambda a: [r["RoleName"] for r in a["Roles"]] == ["audit"])
    call("iam", "CreateServiceLinkedRole", lambda a: a["Role"]["Arn"].endswith(":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"), who="member", AWSServiceName="config.amazonaws.com")
    refused("iam", "CreateServiceLinkedRole", "InvalidInput", who="member", AWSServiceName="config.amazonaws.com")
    call("iam", "DeleteServiceLinkedRole", lambda a: a["DeletionTaskId"].startswith("task/aws-service-role/config.amazonaws.com/"), who="member", RoleName="AWSServiceRoleForConfig")
    refused("iam", "GetRole", "NoSuchEntity", who="member", RoleName="AWSServiceRoleForConfig")
    iam("UpdateRole", RoleName="audit", Description="reads")
    iam("UpdateAssumeRolePolicy", RoleName="audit", PolicyDocument=TRUST)
    iam("TagRole", RoleName="audit", Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    iam("UntagRole", RoleName="audit", TagKeys=["c"])
    iam("ListRoleTags", lambda a: a["Tags"] == [{"Key": "a", "Value": "b"}], RoleName="audit")
    iam("PutRolePermissionsBoundary", RoleName="audit", PermissionsBoundary=ADMIN)
    iam("GetRole", lambda a: a["Role"]["Description"] == "reads" and a["Role"]["PermissionsBoundary"] and a["Role"]["MaxSessionDuration"] == 7200, RoleName="audit")
    iam("DeleteRolePermissionsBoundary", RoleName="audit")
    iam("AttachRolePolicy", RoleName="audit", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam("ListAttachedRolePolicies", lambda a: a["AttachedPolicies"][0]["PolicyName"] == "SecurityAudit", RoleName="audit")
    iam("PutRolePolicy", RoleName="audit", PolicyName="read", PolicyDocument=READ)
    iam("GetRolePolicy", lambda a: a["PolicyDocument"] == json.loads(READ), RoleName="audit", PolicyName="read")
    iam("ListRolePolicies", lambda a: a["PolicyNames"] == ["read"], RoleName="audit")
    iam("CreateInstanceProfile", InstanceProfileName="web")
    iam("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="audit")
    iam("ListInstanceProfiles", lambda a: a["InstanceProfiles"][0]["Roles"][0]["RoleName"] == "audit")
    iam("ListInstanceProfilesForRole", lambda a: a["InstanceProfiles"][0]["InstanceProfileName"] == "web", RoleName="audit")


def policies():
    arn = iam("CreatePolicy", lambda a: a["Policy"]["DefaultVersionId"] == "v1", PolicyName="reader", PolicyDocument=READ)["Policy"]["Arn"]
    iam("GetPolicy", lambda a: a["Policy"]["AttachmentCount"] == 0, PolicyArn=arn)
    iam("CreatePolicyVersion", lambda a: a["PolicyVersion"]["VersionId"] == "v2", PolicyArn=arn, PolicyDocument=READ, SetAsDefault=True)
    iam("GetPolicyVersion", lambda a: a["PolicyVersion"]["Document"] == json.loads(READ), PolicyArn=arn, VersionId="v1")
    iam("ListPolicyVersions", lambda a: [v["VersionId"] for v in a["Versions"]] == ["v2", "v1"], PolicyArn=arn)
    iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
    iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
    iam("AttachUserPolicy", UserName="ann", PolicyArn=arn)
    iam("ListAttachedUserPolicies", lambda a: a["AttachedPolicies"][0]["PolicyArn"] == arn, UserName="ann")
    iam("ListPolicies", lambda a: [p["PolicyName"] for p in a["Policies"]] == ["reader"], Scope="Local", OnlyAttached=True)
    iam("ListEntitiesForPolicy", lambda a: a["PolicyUsers"][0]["UserName"] == "ann" and a["PolicyRoles"] == [], PolicyArn=arn)
    refused("iam", "DeletePolicy", "DeleteConflict", PolicyArn=arn)
    iam("PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=READ)
    iam("GetUserPolicy", lambda a: a["PolicyDocument"] == json.loads(READ), UserName="ann", PolicyName="own")
    iam("ListUserPolicies", lambda a: a["PolicyNames"] == ["own"], UserName="ann")
    details()
    simulations(arn)
    iam("DetachUserPolicy", UserName="ann", PolicyArn=arn)
    iam("DeleteUserPolicy", UserName="ann", PolicyName="own")
    iam("DeletePolicy", PolicyArn=arn)


def simulations(arn):
    ann = f"arn:aws:iam::{ACCOUNTS['management']['id']}:user/staff/ann"
    deny = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}]}, indent=1)
    verdict = lambda a: [(r["EvalActionName"], r["EvalResourceName"], r["EvalDecision"]) for r in a["EvaluationResults"]]
    a = iam("SimulatePrincipalPolicy", lambda a: verdict(a) == [("iam:ListUsers", "*", "allowed")], PolicySourceArn=ann, ActionNames=["iam:ListUsers"])
    check(sorted((s["SourcePolicyId"], s["SourcePolicyType"]) for s in a["EvaluationResults"][0]["MatchedStatements"]) == [
        ("AdministratorAccess", "aws-managed"), ("own", "user"), ("read", "group"), ("reader", "user-managed")], f"matched statements: {a}")
    iam("SimulatePrincipalPolicy", lambda a: verdict(a) == [("iam:ListUsers", "*", "explicitDeny")] and a["EvaluationResults"][0]["MatchedStatements"] == [
        {"SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "none", "StartPosition": {"Line": 4, "Column": 3}, "EndPosition": {"Line": 13, "Column": 4}}],
        PolicySourceArn=ann, ActionNames=["iam:ListUsers"], PolicyInputList=[deny], ContextEntries=[{"ContextKeyName": "aws:MultiFactorAuthPresent", "ContextKeyValues": ["false"], "ContextKeyType": "boolean"}])
    bucket = "arn:aws:s3:::b/k"
    iam("SimulateCustomPolicy", lambda a: verdict(a) == [("iam:ListUsers", "*", "allowed"), ("iam:ListUsers", bucket, "allowed"), ("s3:GetObject", "*", "implicitDeny"), ("s3:GetObject", bucket, "implicitDeny")]
        and a["EvaluationResults"][0]["MissingContextValues"] == ["aws:multifactorauthpresent"], PolicyInputList=[READ, deny], ActionNames=["iam:ListUsers", "s3:GetObject"], ResourceArns=["*", bucket])
    check([r["EvalActionName"] for r in pages("iam", "SimulateCustomPolicy", "EvaluationResults", 1, PolicyInputList=[READ], ActionNames=["iam:ListUsers", "iam:ListRoles"])]
          == ["iam:ListUsers", "iam:ListRoles"], "pages of a simulation")
    refused("iam", "SimulateCustomPolicy", "InvalidInput", PolicyInputList=["{}"], ActionNames=["iam:ListUsers"])
    refused("iam", "SimulatePrincipalPolicy", "NoSuchEntity", PolicySourceArn=ann + "x", ActionNames=["iam:ListUsers"])


def details():
    iam("GetAccountAuthorizationDetails", lambda a: [r["RoleName"] for r in a["RoleDetailList"]] == ["audit"] and a["UserDetailList"] == [], Filter=["Role"])
    p = client("iam").get_paginator("get_account_authorization_details")
    found = {"UserDetailList": 0, "GroupDetailList": 0, "RoleDetailList": 0, "Policies": 0}
    for page in p.paginate(PaginationConfig={"PageSize": 2}):
        for field in found:
            found[field] += len(page[field])
    check(found == {"UserDetailList": 2, "GroupDetailList": 1, "RoleDetailList": 1, "Policies": 3}, f"details page by page: {found}")


def account():
    iam("GetAccountSummary", lambda a: a["SummaryMap"]["AccountMFAEnabled"] == 1 and a["SummaryMap"]["AccountPasswordPresent"] == 1)
    call("iam", "GetAccountSummary", lambda a: a["SummaryMap"]["AccountAccessKeysPresent"] == 1 and a["SummaryMap"]["AccountMFAEnabled"] == 0, who="member")
    refused("iam", "GetAccountPasswordPolicy", "NoSuchEntity")
    iam("UpdateAccountPasswordPolicy", MinimumPasswordLength=14, MaxPasswordAge=90)
    iam("GetAccountPasswordPolicy", lambda a: a["PasswordPolicy"]["MinimumPasswordLength"] == 14 and a["PasswordPolicy"]["ExpirePasswords"])
    iam("DeleteAccountPasswordPolicy")
    iam("CreateAccountAlias", AccountAlias="example-corp")
    iam("ListAccountAliases", lambda a: a["AccountAliases"] == ["example-corp"])
    iam("DeleteAccountAlias", AccountAlias="example-corp")
    refused("iam", "GetCredentialReport", "ReportNotPresent")
    states = [iam("GenerateCredentialReport")["State"] for _ in range(3)]
    check(states == ["STARTED", "INPROGRESS", "COMPLETE"], f"states of the report: {states}")
    rows = iam("GetCredentialReport", lambda a: a["ReportFormat"] == "text/csv")["Content"].decode().split("\n")
    check(len(rows[0].split(",")) == 22 and rows[1].startswith("<root_account>,arn:aws:iam::") and len(rows) == 4, f"credential report: {rows}")


def sessions(me):
    role = f"arn:aws:iam::{me}:role/audit"
    refused("sts", "AssumeRole", "AccessDenied", RoleArn=role, RoleSessionName="scan", SourceIdentity="SC-1")
    s = keys(call("sts", "AssumeRole", lambda a: a["AssumedRoleUser"]["Arn"].endswith(":assumed-role/audit/scan"), RoleArn=role, RoleSessionName="scan"))
    call("iam", "ListUsers", lambda a: len(a["Users"]) == 2, credentials=s)
    refused("iam", "CreateUser", "AccessDenied", credentials=s, UserName="eve")
    refused("sts", "GetCallerIdentity", "InvalidClientTokenId", credentials={**s, "token": "wrong"})
    refused("sts", "AssumeRole", "AccessDenied", RoleArn=role + "-no", RoleSessionName="scan")
    refused("sts", "AssumeRole", "ValidationError", RoleArn=role, RoleSessionName="scan", DurationSeconds=7201)
    refused("sts", "AssumeRole", "AccessDenied", who="member", RoleArn=role, RoleSessionName="scan")
    s = keys(call("sts", "AssumeRole", ok, RoleArn=role, RoleSessionName="scan", Policy=READ.replace("iam:List*", "iam:ListRoles")))
    refused("iam", "ListUsers", "AccessDenied", credentials=s)
    s = keys(call("sts", "GetSessionToken", ok))
    call("iam", "ListUsers", ok, credentials=s)
    call("sts", "GetFederationToken", lambda a: a["FederatedUser"]["Arn"].endswith(":federated-user/bob"), Name="bob", Policy=READ)
    call("sts", "GetAccessKeyInfo", lambda a: a["Account"] == me, AccessKeyId=ACCOUNTS["management"]["key"])
    cleanup()


def cleanup():
    iam("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="audit")
    iam("DeleteInstanceProfile", InstanceProfileName="web")
    iam("DeleteRolePolicy", RoleName="audit", PolicyName="read")
    iam("DetachRolePolicy", RoleName="audit", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam("DeleteRole", RoleName="audit")
    refused("iam", "DeleteGroup", "DeleteConflict", GroupName="dev")
    iam("RemoveUserFromGroup", GroupName="dev", UserName="ann")
    iam("DetachGroupPolicy", GroupName="dev", PolicyArn=ADMIN)
    iam("DeleteGroupPolicy", GroupName="dev", PolicyName="read")
    iam("DeleteGroup", GroupName="dev")
    iam("DeleteUser", UserName="ann")
    try:
        urllib.request.urlopen(urllib.request.Request(SIM["endpoint"], data=b"Action=ListUsers", method="POST"))
        check(False, "a request that nobody signed is answered")
    except urllib.error.HTTPError as e:
        check(e.code == 403 and b"MissingAuthenticationToken" in e.read(), f"a request that nobody signed gets {e.code}")
