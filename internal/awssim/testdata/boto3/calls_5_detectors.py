"""GuardDuty, Security Hub, Access Analyzer, EC2."""
import json

from harness import ACCOUNTS, call, check, ok, pages, refused

ME, SECURITY, MEMBER = (ACCOUNTS[n]["id"] for n in ("management", "security", "member"))


def run():
    guardduty()
    securityhub()
    analyzer()
    network()
    instances()


def guardduty():
    g = lambda operation, want=ok, **p: call("guardduty", operation, want, **{"who": "security", **p})
    g("ListDetectors", lambda a: a["DetectorIds"] == [])
    d = g("CreateDetector", lambda a: len(a["DetectorId"]) == 32, Enable=True, FindingPublishingFrequency="FIFTEEN_MINUTES")["DetectorId"]
    refused("guardduty", "CreateDetector", "BadRequestException", who="security", Enable=True)
    g("GetDetector", lambda a: a["Status"] == "ENABLED" and {f["Name"]: f["Status"] for f in a["Features"]}["RUNTIME_MONITORING"] == "DISABLED", DetectorId=d)
    g("UpdateDetector", DetectorId=d, Features=[{"Name": "RUNTIME_MONITORING", "Status": "ENABLED"}])
    refused("guardduty", "GetDetector", "BadRequestException", DetectorId=d)
    g("CreateSampleFindings", DetectorId=d, FindingTypes=["Policy:IAMUser/RootCredentialUsage", "Recon:IAMUser/MaliciousIPCaller"])
    low = g("ListFindings", lambda a: len(a["FindingIds"]) == 1, DetectorId=d, FindingCriteria={"Criterion": {"severity": {"Lt": 4}}})["FindingIds"]
    g("GetFindings", lambda a: a["Findings"][0]["Type"] == "Policy:IAMUser/RootCredentialUsage" and a["Findings"][0]["Service"]["Count"] == 1, DetectorId=d, FindingIds=low)
    g("ArchiveFindings", DetectorId=d, FindingIds=low)
    g("ListFindings", lambda a: len(a["FindingIds"]) == 1, DetectorId=d, FindingCriteria={"Criterion": {"service.archived": {"Eq": ["false"]}}}, SortCriteria={"AttributeName": "severity", "OrderBy": "DESC"})
    refused("guardduty", "ListFindings", "BadRequestException", who="security", DetectorId=d, FindingCriteria={"Criterion": {"resource.color": {"Eq": ["red"]}}})
    g("UnarchiveFindings", DetectorId=d, FindingIds=low)
    g("CreateFilter", lambda a: a["Name"] == "quiet", DetectorId=d, Name="quiet", Action="ARCHIVE", FindingCriteria={"Criterion": {"type": {"Eq": ["Policy:IAMUser/RootCredentialUsage"]}}})
    g("ListFilters", lambda a: a["FilterNames"] == ["quiet"], DetectorId=d)
    g("GetFilter", lambda a: a["FindingCriteria"]["Criterion"]["type"]["Eq"] == ["Policy:IAMUser/RootCredentialUsage"], DetectorId=d, FilterName="quiet")
    g("DeleteFilter", DetectorId=d, FilterName="quiet")
    p = g("CreatePublishingDestination", DetectorId=d, DestinationType="S3", DestinationProperties={"DestinationArn": "arn:aws:s3:::x", "KmsKeyArn": "arn:aws:kms:us-east-1:1:key/2"})["DestinationId"]
    g("ListPublishingDestinations", lambda a: a["Destinations"][0]["Status"] == "PUBLISHING", DetectorId=d)
    g("DescribePublishingDestination", lambda a: a["DestinationProperties"]["DestinationArn"] == "arn:aws:s3:::x", DetectorId=d, DestinationId=p)
    g("DeletePublishingDestination", DetectorId=d, DestinationId=p)
    g("ListPublishingDestinations", lambda a: a["Destinations"] == [], DetectorId=d)
    s = g("CreateIPSet", DetectorId=d, Name="ours", Format="TXT", Location="https://s3.amazonaws.com/x/y", Activate=True)["IpSetId"]
    g("ListIPSets", lambda a: a["IpSetIds"] == [s], DetectorId=d)
    g("GetIPSet", lambda a: a["Status"] == "ACTIVE", DetectorId=d, IpSetId=s)
    g("EnableOrganizationAdminAccount", who="management", AdminAccountId=SECURITY)
    g("ListOrganizationAdminAccounts", lambda a: a["AdminAccounts"] == [{"AdminAccountId": SECURITY, "AdminStatus": "ENABLED"}], who="management")
    member = g("CreateDetector", who="member", Enable=True)["DetectorId"]
    g("GetAdministratorAccount", lambda a: a["Administrator"]["AccountId"] == SECURITY, who="member", DetectorId=member)
    g("ListMembers", lambda a: [m["AccountId"] for m in a["Members"]] == [MEMBER], DetectorId=d)
    g("UpdateOrganizationConfiguration", DetectorId=d, AutoEnableOrganizationMembers="ALL", Features=[{"Name": "S3_DATA_EVENTS", "AutoEnable": "NEW"}])
    g("DescribeOrganizationConfiguration", lambda a: a["AutoEnableOrganizationMembers"] == "ALL" and a["Features"][0]["AutoEnable"] == "NEW", DetectorId=d)
    refused("guardduty", "DescribeOrganizationConfiguration", "BadRequestException", who="member", DetectorId=member)
    g("DeleteDetector", who="member", DetectorId=member)
    g("DisableOrganizationAdminAccount", who="management", AdminAccountId=SECURITY)
    g("ListOrganizationAdminAccounts", lambda a: a["AdminAccounts"] == [], who="management")


FINDING = {"SchemaVersion": "2018-10-08", "Id": "root-mfa", "ProductArn": "arn:aws:securityhub:us-east-1:222222222222:product/222222222222/default", "GeneratorId": "RT-01",
           "AwsAccountId": SECURITY, "Types": ["Software and Configuration Checks"], "CreatedAt": "2026-11-20T00:00:00Z", "UpdatedAt": "2026-11-20T00:00:00Z",
           "Severity": {"Label": "CRITICAL"}, "Title": "Root has no MFA", "Description": "x", "Resources": [{"Type": "AwsAccount", "Id": "AWS::::Account:222222222222"}]}


def securityhub():
    h = lambda operation, want=ok, **p: call("securityhub", operation, want, **{"who": "security", **p})
    refused("securityhub", "DescribeHub", "InvalidAccessException", who="security")
    h("EnableSecurityHub", EnableDefaultStandards=False)
    h("DescribeHub", lambda a: a["AutoEnableControls"] and a["ControlFindingGenerator"] == "SECURITY_CONTROL")
    h("UpdateSecurityHubConfiguration", AutoEnableControls=False)
    check(len(pages("securityhub", "DescribeStandards", "Standards", 2, who="security")) == 6, "pages of standards")
    fsbp = h("DescribeStandards", lambda a: len(a["Standards"]) == 6)["Standards"][1]["StandardsArn"]
    s = h("BatchEnableStandards", lambda a: a["StandardsSubscriptions"][0]["StandardsStatus"] == "READY", StandardsSubscriptionRequests=[{"StandardsArn": fsbp}])["StandardsSubscriptions"][0]["StandardsSubscriptionArn"]
    h("GetEnabledStandards", lambda a: a["StandardsSubscriptions"][0]["StandardsArn"] == fsbp)
    control = next(c for c in h("DescribeStandardsControls", StandardsSubscriptionArn=s)["Controls"] if c["ControlId"] == "IAM.9")
    h("UpdateStandardsControl", StandardsControlArn=control["StandardsControlArn"], ControlStatus="DISABLED", DisabledReason="test")
    h("DescribeStandardsControls", lambda a: [c["ControlId"] for c in a["Controls"] if c["ControlStatus"] == "DISABLED"] == ["IAM.9"], StandardsSubscriptionArn=s)
    cis = h("DescribeStandards")["Standards"][3]["StandardsArn"]
    pair = lambda control, standard: {"SecurityControlId": control, "StandardsArn": standard}
    h("BatchGetStandardsControlAssociations", lambda a: [(d["SecurityControlId"], d["AssociationStatus"], d.get("UpdatedReason")) for d in a["StandardsControlAssociationDetails"]] ==
      [("IAM.4", "ENABLED", None), ("IAM.9", "DISABLED", "test"), ("CloudWatch.1", "DISABLED", None)] and a["UnprocessedAssociations"][0]["ErrorCode"] == "NOT_FOUND",
      StandardsControlAssociationIds=[pair("IAM.4", fsbp), pair("IAM.9", fsbp), pair("CloudWatch.1", cis), pair("CloudWatch.1", fsbp)])
    h("BatchUpdateStandardsControlAssociations", lambda a: a["UnprocessedAssociationUpdates"] == [], StandardsControlAssociationUpdates=[{**pair("IAM.9", fsbp), "AssociationStatus": "ENABLED"}])
    h("BatchGetStandardsControlAssociations", lambda a: a["StandardsControlAssociationDetails"][0]["AssociationStatus"] == "ENABLED", StandardsControlAssociationIds=[pair("IAM.9", fsbp)])
    h("BatchImportFindings", lambda a: a["SuccessCount"] == 1 and a["FailedCount"] == 1, Findings=[FINDING, {**FINDING, "Id": "other", "AwsAccountId": MEMBER}])
    match = {"SeverityLabel": [{"Value": "CRITICAL", "Comparison": "EQUALS"}], "WorkflowStatus": [{"Value": "NEW", "Comparison": "EQUALS"}], "ResourceType": [{"Value": "AwsAcc", "Comparison": "PREFIX"}]}
    h("GetFindings", lambda a: a["Findings"][0]["Title"] == "Root has no MFA" and a["Findings"][0]["RecordState"] == "ACTIVE", Filters=match)
    h("BatchUpdateFindings", lambda a: len(a["ProcessedFindings"]) == 1 and len(a["UnprocessedFindings"]) == 1,
      FindingIdentifiers=[{"Id": "root-mfa", "ProductArn": FINDING["ProductArn"]}, {"Id": "none", "ProductArn": FINDING["ProductArn"]}], Workflow={"Status": "RESOLVED"})
    h("GetFindings", lambda a: a["Findings"] == [], Filters=match)
    h("BatchImportFindings", lambda a: a["SuccessCount"] == 1, Findings=[FINDING])
    h("GetFindings", lambda a: a["Findings"][0]["Workflow"]["Status"] == "RESOLVED", Filters={"Id": [{"Value": "root-mfa", "Comparison": "EQUALS"}]})
    h("GetFindings", lambda a: a["Findings"] == [], Filters={"WorkflowStatus": [{"Value": "RESOLVED", "Comparison": "NOT_EQUALS"}]})
    h("BatchImportFindings", Findings=[{**FINDING, "Id": "older", "CreatedAt": "2026-11-01T00:00:00Z", "Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.9"}}])
    h("GetFindings", lambda a: [f["Id"] for f in a["Findings"]] == ["older"], MaxResults=1, SortCriteria=[{"Field": "CreatedAt", "SortOrder": "asc"}], Filters={"Region": [{"Value": "us-east-1", "Comparison": "EQUALS"}]})
    h("GetFindings", lambda a: [f["Id"] for f in a["Findings"]] == ["older"], Filters={"ComplianceSecurityControlId": [{"Value": "IAM.9", "Comparison": "EQUALS"}]})
    refused("securityhub", "GetFindings", "InvalidInputException", who="security", SortCriteria=[{"Field": "Color", "SortOrder": "asc"}])
    refused("securityhub", "GetFindings", "InvalidInputException", who="security", Filters={"NetworkProtocol": [{"Value": "x", "Comparison": "EQUALS"}]})
    a = h("CreateFindingAggregator", lambda r: r["FindingAggregationRegion"] == "us-east-1", RegionLinkingMode="ALL_REGIONS")["FindingAggregatorArn"]
    h("ListFindingAggregators", lambda r: r["FindingAggregators"][0]["FindingAggregatorArn"] == a)
    h("GetFindingAggregator", lambda r: r["RegionLinkingMode"] == "ALL_REGIONS", FindingAggregatorArn=a)
    h("DeleteFindingAggregator", FindingAggregatorArn=a)
    h("EnableOrganizationAdminAccount", who="management", AdminAccountId=SECURITY)
    h("ListOrganizationAdminAccounts", lambda r: r["AdminAccounts"][0]["AccountId"] == SECURITY, who="management")
    refused("securityhub", "GetAdministratorAccount", "InvalidAccessException", who="member")
    h("EnableSecurityHub", who="member", EnableDefaultStandards=False)
    h("GetAdministratorAccount", lambda r: r["Administrator"]["AccountId"] == SECURITY, who="member")
    h("GetAdministratorAccount", lambda r: "Administrator" not in r)
    refused("securityhub", "DescribeOrganizationConfiguration", "InvalidAccessException", who="member")
    h("DisableSecurityHub", who="member")
    h("UpdateOrganizationConfiguration", AutoEnable=True, AutoEnableStandards="NONE")
    h("DescribeOrganizationConfiguration", lambda r: r["AutoEnable"] and r["AutoEnableStandards"] == "NONE")
    h("DisableOrganizationAdminAccount", who="management", AdminAccountId=SECURITY)
    h("ListOrganizationAdminAccounts", lambda r: r["AdminAccounts"] == [], who="management")
    h("BatchDisableStandards", lambda r: r["StandardsSubscriptions"][0]["StandardsStatus"] == "DELETING", StandardsSubscriptionArns=[s])
    refused("securityhub", "DescribeSecurityHubV2", "ResourceNotFoundException", who="security")
    h("EnableSecurityHubV2", lambda r: r["HubV2Arn"])
    h("DescribeSecurityHubV2", lambda r: r["SubscribedAt"])
    h("DisableSecurityHubV2")
    h("DisableSecurityHub")


def analyzer():
    a = lambda operation, want=ok, **p: call("accessanalyzer", operation, want, **p)
    refused("accessanalyzer", "CreateAnalyzer", "AccessDeniedException", who="member", analyzerName="org", type="ORGANIZATION")
    arn = a("CreateAnalyzer", analyzerName="org", type="ORGANIZATION", tags={"a": "b"})["arn"]
    a("CreateAnalyzer", analyzerName="unused", type="ACCOUNT_UNUSED_ACCESS", configuration={"unusedAccess": {"unusedAccessAge": 90}})
    a("ListAnalyzers", lambda r: [z["name"] for z in r["analyzers"]] == ["org"], type="ORGANIZATION")
    a("GetAnalyzer", lambda r: r["analyzer"]["configuration"]["unusedAccess"]["unusedAccessAge"] == 90 and r["analyzer"]["createdAt"].year > 2000, analyzerName="unused")
    a("CreateArchiveRule", analyzerName="org", ruleName="known", filter={"resourceType": {"eq": ["AWS::S3::Bucket"]}})
    a("ListArchiveRules", lambda r: r["archiveRules"][0]["filter"]["resourceType"]["eq"] == ["AWS::S3::Bucket"], analyzerName="org")
    a("DeleteArchiveRule", analyzerName="org", ruleName="known")
    found = a("ListFindings", lambda r: len(r["findings"]) == 0, analyzerArn=arn, filter={"status": {"eq": ["ACTIVE"]}})
    a("ListFindingsV2", lambda r: r["findings"] == [], analyzerArn=arn)
    refused("accessanalyzer", "ListFindings", "ResourceNotFoundException", analyzerArn=arn + "-none")
    a("UpdateFindings", analyzerArn=arn, status="ARCHIVED", ids=["1"])
    a("DeleteAnalyzer", analyzerName="unused")


def network():
    e = lambda operation, want=ok, **p: call("ec2", operation, want, **p)
    e("DescribeRegions", lambda a: len(a["Regions"]) == 17)
    e("DescribeRegions", lambda a: len(a["Regions"]) == 14, AllRegions=True, Filters=[{"Name": "opt-in-status", "Values": ["not-opted-in"]}])
    vpc = e("DescribeVpcs", lambda a: a["Vpcs"][0]["IsDefault"], Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    refused("ec2", "DescribeVpcs", "InvalidVpcID.NotFound", VpcIds=["vpc-1"])
    refused("ec2", "DescribeVpcs", "InvalidParameterValue", Filters=[{"Name": "color", "Values": ["red"]}])
    e("DescribeSubnets", lambda a: a["Subnets"][0]["VpcId"] == vpc)
    e("DescribeNetworkAcls", lambda a: len(a["NetworkAcls"][0]["Entries"]) == 4)
    g = e("CreateSecurityGroup", GroupName="web", Description="web")["GroupId"]
    ssh = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    e("AuthorizeSecurityGroupIngress", lambda a: a["Return"], GroupId=g, IpPermissions=ssh)
    refused("ec2", "AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", GroupId=g, IpPermissions=ssh)
    e("DescribeSecurityGroups", lambda a: a["SecurityGroups"][0]["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}] and a["SecurityGroups"][0]["Description"] == "web", GroupIds=[g])
    e("RevokeSecurityGroupIngress", lambda a: a["Return"], GroupId=g, IpPermissions=ssh)
    e("DescribeSecurityGroups", lambda a: [x["GroupName"] for x in a["SecurityGroups"]] == ["default"], Filters=[{"Name": "group-name", "Values": ["def*"]}])
    e("DeleteSecurityGroup", GroupId=g)
    f = e("CreateFlowLogs", ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", LogDestination="arn:aws:s3:::x")["FlowLogIds"]
    e("DescribeFlowLogs", lambda a: a["FlowLogs"][0]["ResourceId"] == vpc and a["FlowLogs"][0]["TrafficType"] == "ALL", Filters=[{"Name": "resource-id", "Values": [vpc]}])
    e("DeleteFlowLogs", FlowLogIds=f)


def instances():
    e = lambda operation, want=ok, **p: call("ec2", operation, want, **p)
    e("GetEbsEncryptionByDefault", lambda a: a["EbsEncryptionByDefault"] is False)
    e("EnableEbsEncryptionByDefault", lambda a: a["EbsEncryptionByDefault"])
    call("iam", "CreateInstanceProfile", ok, InstanceProfileName="app")
    i = e("RunInstances", lambda a: a["Instances"][0]["State"]["Name"] == "running", ImageId="ami-1", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "app"},
          MetadataOptions={"HttpTokens": "required"})["Instances"][0]["InstanceId"]
    e("DescribeInstances", lambda a: a["Reservations"][0]["Instances"][0]["MetadataOptions"]["HttpTokens"] == "required", InstanceIds=[i])
    e("DescribeIamInstanceProfileAssociations", lambda a: a["IamInstanceProfileAssociations"][0]["InstanceId"] == i)
    e("DescribeVolumes", lambda a: a["Volumes"][0]["Encrypted"])
    e("DisableEbsEncryptionByDefault", lambda a: not a["EbsEncryptionByDefault"])
    e("TerminateInstances", lambda a: a["TerminatingInstances"][0]["CurrentState"]["Name"] == "terminated", InstanceIds=[i])
    call("iam", "DeleteInstanceProfile", ok, InstanceProfileName="app")
    refused("ec2", "DescribeVpcs", "UnauthorizedOperation", credentials=nobody())


def nobody():
    """A user without permissions."""
    call("iam", "CreateUser", ok, UserName="nobody")
    k = call("iam", "CreateAccessKey", ok, UserName="nobody")["AccessKey"]
    return {"key": k["AccessKeyId"], "secret": k["SecretAccessKey"]}
