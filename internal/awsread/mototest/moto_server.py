"""Starts moto, the AWS simulation of others, and fills it by boto3. Prints its address
and a user's access key as one line of JSON, and ends when its standard input closes."""

import json
import os
import sys

import boto3
from moto.server import ThreadedMotoServer

HOME, OTHER = "us-east-1", "eu-west-1"
ACCOUNT = "123456789012"

TRUST_EC2 = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
TRUST_MANAGEMENT = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]})
READ_LOGS = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::trail-logs/*"}]})
ROOT_PATTERN = '{ $.userIdentity.type = "Root" }'


def identity(session):
    iam = session.client("iam")
    policy = iam.create_policy(PolicyName="read-logs", PolicyDocument=READ_LOGS)["Policy"]["Arn"]
    iam.create_group(GroupName="responders")
    iam.attach_group_policy(GroupName="responders", PolicyArn=policy)
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "security"}])
    iam.create_login_profile(UserName="alice", Password="correct horse battery staple 1A!")
    iam.add_user_to_group(GroupName="responders", UserName="alice")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(UserName="alice", SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321")
    iam.create_user(UserName="robot")
    iam.put_user_policy(UserName="robot", PolicyName="inline", PolicyDocument=READ_LOGS)
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    iam.create_role(RoleName="server", AssumeRolePolicyDocument=TRUST_EC2)
    iam.attach_role_policy(RoleName="server", PolicyArn=policy)
    iam.create_role(RoleName="RootkeepReadOnly", AssumeRolePolicyDocument=TRUST_MANAGEMENT)
    iam.create_account_alias(AccountAlias="motoworks")
    iam.update_account_password_policy(MinimumPasswordLength=20, RequireSymbols=True, RequireNumbers=True, MaxPasswordAge=365, PasswordReusePrevention=24)
    return key


def bare_address(request, **_):
    """Takes away again the account's number, which S3 Control puts before a host's name."""
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


def storage(session):
    s3 = session.client("s3")
    s3.create_bucket(Bucket="trail-logs")
    s3.put_bucket_versioning(Bucket="trail-logs", VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(Bucket="trail-logs", PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    s3.put_bucket_policy(Bucket="trail-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::trail-logs"}]}))
    control = session.client("s3control")
    control.meta.events.register("before-sign.s3-control.*", bare_address)
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False})
    session.client("sqs").create_queue(QueueName="jobs")
    session.client("secretsmanager").create_secret(Name="token", SecretString="hidden")
    session.client("secretsmanager", region_name=OTHER).create_secret(Name="token-of-ireland", SecretString="hidden")
    session.client("ec2").enable_ebs_encryption_by_default()


def monitoring(session):
    logs, trails, topics = session.client("logs"), session.client("cloudtrail"), session.client("sns")
    logs.create_log_group(logGroupName="trail")
    logs.put_retention_policy(logGroupName="trail", retentionInDays=365)
    key = session.client("kms").create_key(Description="of the trail")["KeyMetadata"]
    session.client("kms").enable_key_rotation(KeyId=key["KeyId"])
    trails.create_trail(
        Name="all", S3BucketName="trail-logs", IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True, EnableLogFileValidation=True, KmsKeyId=key["Arn"],
        CloudWatchLogsLogGroupArn=f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:trail:*", CloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/server")
    trails.start_logging(Name="all")
    trails.put_event_selectors(TrailName="all", EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}])
    trails.put_insight_selectors(TrailName="all", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    topic = topics.create_topic(Name="alerts", Attributes={"KmsMasterKeyId": key["KeyId"]})["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15550100")
    logs.put_metric_filter(logGroupName="trail", filterName="root", filterPattern=ROOT_PATTERN, metricTransformations=[
        {"metricName": "root", "metricNamespace": "CIS", "metricValue": "1"}])
    session.client("cloudwatch").put_metric_alarm(
        AlarmName="root", Namespace="CIS", MetricName="root", Statistic="Sum", Period=300, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching", ActionsEnabled=True, AlarmActions=[topic])
    events = session.client("events")
    events.put_rule(Name="root", EventPattern=json.dumps({"detail": {"userIdentity": {"type": ["Root"]}}}))
    events.put_targets(Rule="root", Targets=[{"Id": "1", "Arn": topic}])


def detection(session):
    config = session.client("config")
    config.put_configuration_recorder(ConfigurationRecorder={
        "name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/server", "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "trail-logs"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    config.put_config_rule(ConfigRule={"ConfigRuleName": "root-key", "Source": {"Owner": "AWS", "SourceIdentifier": "IAM_ROOT_ACCESS_KEY_CHECK"}})
    session.client("guardduty").create_detector(Enable=True, FindingPublishingFrequency="FIFTEEN_MINUTES")
    hub = session.client("securityhub")
    hub.enable_security_hub(EnableDefaultStandards=True)
    hub.enable_organization_admin_account(AdminAccountId=ACCOUNT)


def organization(session, endpoint):
    client = session.client("organizations")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    unit = client.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    member = client.create_account(AccountName="member", Email="member@example.com")["CreateAccountStatus"]["AccountId"]
    client.move_account(AccountId=member, SourceParentId=root, DestinationParentId=unit)
    leaving = client.create_policy(Name="leaving", Description="stay", Type="SERVICE_CONTROL_POLICY", Content=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}]}))["Policy"]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=leaving, TargetId=unit)
    # moto takes an account's own role for given, as the one that the organization makes.
    entered = session.client("sts").assume_role(RoleArn=f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole", RoleSessionName="filling")["Credentials"]
    inside = boto3.Session(entered["AccessKeyId"], entered["SecretAccessKey"], entered["SessionToken"], region_name=HOME)
    iam = inside.client("iam", endpoint_url=endpoint)
    iam.create_role(RoleName="RootkeepReadOnly", AssumeRolePolicyDocument=TRUST_MANAGEMENT)
    iam.create_user(UserName="inside")
    return member


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = endpoint = f"http://{host}:{port}"
    session = boto3.Session("testing", "testing", region_name=HOME)
    key = identity(session)
    storage(session)
    monitoring(session)
    member = organization(session, endpoint)
    detection(session)
    print(json.dumps({"endpoint": endpoint, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "member": member}), flush=True)
    sys.stdin.read()
    server.stop()


main()
