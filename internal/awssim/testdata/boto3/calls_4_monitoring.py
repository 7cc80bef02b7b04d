"""CloudTrail, CloudWatch, CloudWatch Logs, SNS."""
import datetime
import json

import boto3

import harness
from harness import ACCOUNTS, SIM, call, check, client, ok, refused

ME, MEMBER = ACCOUNTS["management"]["id"], ACCOUNTS["member"]["id"]


def run():
    topics()
    mail()
    groups()
    trails()
    lookup()
    alarms("cloudwatch")
    metrics()
    other_protocols()
    newer_alarms()


def topics():
    s = lambda operation, want=ok, **p: call("sns", operation, want, **p)
    topic = s("CreateTopic", lambda a: a["TopicArn"].endswith(":alerts"), Name="alerts", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    s("ListTopics", lambda a: a["Topics"] == [{"TopicArn": topic}])
    s("SetTopicAttributes", TopicArn=topic, AttributeName="DisplayName", AttributeValue="Alerts")
    sub = s("Subscribe", lambda a: a["SubscriptionArn"].startswith(topic), TopicArn=topic, Protocol="email", Endpoint="x@example.com", ReturnSubscriptionArn=True)["SubscriptionArn"]
    s("ListSubscriptionsByTopic", lambda a: a["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation", TopicArn=topic)
    s("GetSubscriptionAttributes", lambda a: a["Attributes"]["PendingConfirmation"] == "true", SubscriptionArn=sub)
    s("GetTopicAttributes", lambda a: a["Attributes"]["SubscriptionsPending"] == "1" and a["Attributes"]["DisplayName"] == "Alerts", TopicArn=topic)
    refused("sns", "ConfirmSubscription", "InvalidParameter", TopicArn=topic, Token="wrong")
    # The token is in the mail, which the simulation keeps for whoever runs it.
    import urllib.request
    token = urllib.request.urlopen(SIM["mail"] + "?topic=" + topic + "&endpoint=x@example.com").read().decode()
    s("ConfirmSubscription", lambda a: a["SubscriptionArn"] == sub, TopicArn=topic, Token=token)
    s("ListSubscriptions", lambda a: a["Subscriptions"][0]["SubscriptionArn"] == sub)
    queue = call("sqs", "CreateQueue", ok, QueueName="inbox", Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})["QueueUrl"]
    s("Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ME}:inbox")
    s("Publish", lambda a: a["MessageId"], TopicArn=topic, Message="fire", Subject="root")
    call("sqs", "ReceiveMessage", lambda a: json.loads(a["Messages"][0]["Body"])["Message"] == "fire", QueueUrl=queue)
    raw = s("CreateTopic", Name="raw")["TopicArn"]
    out = call("sqs", "CreateQueue", ok, QueueName="outbox", Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": raw}}}]})})["QueueUrl"]
    s("Subscribe", TopicArn=raw, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ME}:outbox", Attributes={"RawMessageDelivery": "true"})
    s("Publish", TopicArn=raw, Message="plain")
    call("sqs", "ReceiveMessage", lambda a: a["Messages"][0]["Body"] == "plain", QueueUrl=out)
    s("DeleteTopic", TopicArn=raw)
    s("Publish", lambda a: a["MessageId"], TopicArn=topic, Message="again", MessageAttributes={"severity": {"DataType": "String", "StringValue": "high"}})
    refused("sns", "Publish", "InvalidParameter", TopicArn=topic, Message="x", Subject="a\nb")
    refused("sns", "Publish", "InvalidParameter", TopicArn=topic, Message="x", MessageAttributes={"severity": {"DataType": "Number", "StringValue": "1"}})
    s("TagResource", ResourceArn=topic, Tags=[{"Key": "c", "Value": "d"}])
    s("UntagResource", ResourceArn=topic, TagKeys=["c"])
    s("ListTagsForResource", lambda a: a["Tags"] == [{"Key": "a", "Value": "b"}], ResourceArn=topic)
    refused("sns", "GetTopicAttributes", "NotFound", TopicArn=topic + "-none")
    refused("sns", "Publish", "AuthorizationError", who="member", TopicArn=topic, Message="x")
    s("Unsubscribe", SubscriptionArn=sub)
    s("DeleteTopic", TopicArn=topic)


def mail():
    m = lambda operation, want=ok, **p: call("sesv2", operation, want, **p)
    raw = {"Raw": {"Data": b"From: a@example.com\r\nSubject: root\r\n\r\nfire\r\n"}}
    to = {"ToAddresses": ["b@example.com"]}
    refused("sesv2", "SendEmail", "MessageRejected", FromEmailAddress="a@example.com", Destination=to, Content=raw)
    m("CreateEmailIdentity", lambda a: a["IdentityType"] == "DOMAIN" and a["VerifiedForSendingStatus"], EmailIdentity="example.com")
    refused("sesv2", "CreateEmailIdentity", "AlreadyExistsException", EmailIdentity="example.com")
    m("GetEmailIdentity", lambda a: a["VerifiedForSendingStatus"], EmailIdentity="example.com")
    m("SendEmail", lambda a: a["MessageId"], FromEmailAddress="a@example.com", Destination=to, Content=raw)
    refused("sesv2", "SendEmail", "BadRequestException", FromEmailAddress="a@example.com", Destination={"ToAddresses": []}, Content=raw)
    refused("sesv2", "SendEmail", "BadRequestException", FromEmailAddress="a@example.com", Destination=to, Content={"Raw": {"Data": b"fire"}})
    m("DeleteEmailIdentity", EmailIdentity="example.com")
    refused("sesv2", "GetEmailIdentity", "NotFoundException", EmailIdentity="example.com")


def groups():
    g = lambda operation, want=ok, **p: call("logs", operation, want, **p)
    name, arn = "trail/root", f"arn:aws:logs:us-east-1:{ME}:log-group:trail/root"
    g("CreateLogGroup", logGroupName=name, tags={"a": "b"})
    refused("logs", "CreateLogGroup", "ResourceAlreadyExistsException", logGroupName=name)
    g("PutRetentionPolicy", logGroupName=name, retentionInDays=365)
    g("DescribeLogGroups", lambda a: a["logGroups"][0]["retentionInDays"] == 365 and a["logGroups"][0]["arn"] == arn + ":*", logGroupNamePrefix="trail")
    g("DeleteRetentionPolicy", logGroupName=name)
    g("AssociateKmsKey", logGroupName=name, kmsKeyId=f"arn:aws:kms:us-east-1:{ME}:key/1")
    g("CreateLogStream", logGroupName=name, logStreamName="s")
    g("DescribeLogStreams", lambda a: a["logStreams"][0]["logStreamName"] == "s", logGroupName=name)
    pattern = '{ $.userIdentity.type = "Root" && $.eventType != "AwsServiceEvent" }'
    f = {"logGroupName": name, "filterName": "root", "metricTransformations": [{"metricName": "Root", "metricNamespace": "CIS", "metricValue": "1"}]}
    refused("logs", "PutMetricFilter", "InvalidParameterException", filterPattern="{ $.a = ", **f)
    g("PutMetricFilter", filterPattern=pattern, **f)
    g("DescribeMetricFilters", lambda a: a["metricFilters"][0]["filterPattern"] == pattern, metricName="Root", metricNamespace="CIS")
    g("DeleteMetricFilter", logGroupName=name, filterName="root")
    g("TestMetricFilter", lambda a: [m["eventNumber"] for m in a["matches"]] == [2], filterPattern='{ $.userIdentity.type = "Root" }',
      logEventMessages=['{"userIdentity": {"type": "IAMUser"}}', '{"userIdentity": {"type": "Root"}}'])
    refused("logs", "TestMetricFilter", "InvalidParameterException", filterPattern="{ $.a = ", logEventMessages=["x"])
    g("PutSubscriptionFilter", logGroupName=name, filterName="all", filterPattern="", destinationArn=f"arn:aws:lambda:us-east-1:{ME}:function:x")
    g("DescribeSubscriptionFilters", lambda a: a["subscriptionFilters"][0]["filterName"] == "all", logGroupName=name)
    g("DeleteSubscriptionFilter", logGroupName=name, filterName="all")
    g("TagResource", resourceArn=arn, tags={"c": "d"})
    g("ListTagsForResource", lambda a: a["tags"] == {"a": "b", "c": "d"}, resourceArn=arn)
    g("DeleteLogGroup", logGroupName=name)


def trails():
    t = lambda operation, want=ok, **p: call("cloudtrail", operation, want, **p)
    refused("cloudtrail", "CreateTrail", "S3BucketDoesNotExistException", Name="audit", S3BucketName="not-there-example")
    call("s3", "CreateBucket", ok, Bucket="closed-of-example")
    refused("cloudtrail", "CreateTrail", "InsufficientS3BucketPolicyException", Name="audit", S3BucketName="closed-of-example")
    call("organizations", "EnableAWSServiceAccess", ok, ServicePrincipal="cloudtrail.amazonaws.com")
    arn = t("CreateTrail", lambda a: a["IsOrganizationTrail"], Name="audit", S3BucketName="logs-of-example", IsMultiRegionTrail=True, IsOrganizationTrail=True)["TrailARN"]
    t("UpdateTrail", lambda a: a["LogFileValidationEnabled"], Name="audit", EnableLogFileValidation=True)
    t("StartLogging", Name="audit")
    t("GetTrailStatus", lambda a: a["IsLogging"] and a["StartLoggingTime"], Name=arn)
    t("DescribeTrails", lambda a: a["trailList"][0]["HomeRegion"] == "us-east-1" and a["trailList"][0]["IsOrganizationTrail"], who="member", region="eu-west-1")
    t("DescribeTrails", lambda a: a["trailList"] == [], region="eu-west-1", includeShadowTrails=False)
    refused("cloudtrail", "StopLogging", "InvalidHomeRegionException", region="eu-west-1", Name=arn)
    refused("cloudtrail", "StopLogging", "NotOrganizationMasterAccountException", who="member", Name=arn)
    t("GetTrail", lambda a: a["Trail"]["HasCustomEventSelectors"] is False, Name="audit")
    t("ListTrails", lambda a: a["Trails"][0]["Name"] == "audit")
    t("GetEventSelectors", lambda a: a["EventSelectors"][0]["ReadWriteType"] == "All", TrailName="audit")
    t("PutEventSelectors", TrailName="audit", AdvancedEventSelectors=[{"Name": "m", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}])
    t("GetEventSelectors", lambda a: a["AdvancedEventSelectors"][0]["Name"] == "m", TrailName=arn)
    refused("cloudtrail", "GetInsightSelectors", "InsightNotEnabledException", TrailName="audit")
    t("PutInsightSelectors", TrailName="audit", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    t("GetInsightSelectors", lambda a: a["InsightSelectors"][0]["InsightType"] == "ApiCallRateInsight", TrailName="audit")
    t("AddTags", ResourceId=arn, TagsList=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    t("RemoveTags", ResourceId=arn, TagsList=[{"Key": "c"}])
    t("ListTags", lambda a: a["ResourceTagList"][0]["TagsList"] == [{"Key": "a", "Value": "b"}], ResourceIdList=[arn])
    t("ListPublicKeys", lambda a: a["PublicKeyList"] == [])
    t("StopLogging", Name="audit")
    t("DeleteTrail", Name="audit")
    refused("cloudtrail", "GetTrail", "TrailNotFoundException", Name="audit")


def lookup():
    t = lambda want, **p: call("cloudtrail", "LookupEvents", want, **p)
    e = t(lambda a: a["Events"][0]["EventName"] == "AssumeRoot", LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoot"}])["Events"][0]
    record = json.loads(e["CloudTrailEvent"])
    check(record["requestParameters"]["targetPrincipal"] == MEMBER and record["responseElements"]["credentials"]["accessKeyId"].startswith("ASIA"), f"record of AssumeRoot: {record}")
    check("secretAccessKey" not in record["responseElements"]["credentials"], "a record shows a secret key")
    used = t(lambda a: a["Events"], who="member", LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "root"}])["Events"][0]
    check(json.loads(used["CloudTrailEvent"])["userIdentity"]["sessionContext"]["assumedRoot"] == "true", "the record of a root session shows that root was assumed")
    events = [x["EventId"] for page in client("cloudtrail").get_paginator("lookup_events").paginate() for x in page["Events"]]
    check(len(events) > 100 and len(set(events)) == len(events), f"pages of events: {len(events)}, {len(set(events))} of them different")
    refused("cloudtrail", "LookupEvents", "InvalidMaxResultsException", MaxResults=51)


ALARM = {"AlarmName": "root", "MetricName": "Root", "Namespace": "CIS", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
         "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"}


def alarms(service):
    c = lambda operation, want=ok, **p: call(service, operation, want, **p)
    topic = f"arn:aws:sns:us-east-1:{ME}:alerts"
    c("PutMetricAlarm", AlarmActions=[topic], Tags=[{"Key": "a", "Value": "b"}], Dimensions=[{"Name": "x", "Value": "y"}], **ALARM)
    refused(service, "PutMetricAlarm", "InvalidParameterCombination", **{k: v for k, v in ALARM.items() if k != "Period"})
    c("DescribeAlarms", lambda a: a["MetricAlarms"][0]["Threshold"] == 1 and a["MetricAlarms"][0]["AlarmActions"] == [topic] and a["MetricAlarms"][0]["ActionsEnabled"], AlarmNamePrefix="ro")
    c("DescribeAlarmsForMetric", lambda a: a["MetricAlarms"][0]["AlarmName"] == "root", MetricName="Root", Namespace="CIS", Dimensions=[{"Name": "x", "Value": "y"}])
    c("DisableAlarmActions", AlarmNames=["root"])
    c("DescribeAlarms", lambda a: not a["MetricAlarms"][0]["ActionsEnabled"], AlarmNames=["root"])
    c("EnableAlarmActions", AlarmNames=["root"])
    c("SetAlarmState", AlarmName="root", StateValue="ALARM", StateReason="test")
    c("DescribeAlarmHistory", lambda a: any(h["HistorySummary"].endswith("to ALARM") and h["Timestamp"].year > 2000 for h in a["AlarmHistoryItems"]), AlarmName="root", HistoryItemType="StateUpdate")
    c("DescribeAlarmHistory", lambda a: a["AlarmHistoryItems"][0]["HistorySummary"].startswith("Failed to execute action " + topic), AlarmName="root", HistoryItemType="Action")
    c("PutCompositeAlarm", AlarmName="any", AlarmRule="ALARM(root)")
    c("DescribeAlarms", lambda a: a["CompositeAlarms"][0]["AlarmRule"] == "ALARM(root)", AlarmTypes=["CompositeAlarm"])
    arn = f"arn:aws:cloudwatch:us-east-1:{ME}:alarm:root"
    c("TagResource", ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    c("UntagResource", ResourceARN=arn, TagKeys=["c"])
    c("ListTagsForResource", lambda a: a["Tags"] == [{"Key": "a", "Value": "b"}], ResourceARN=arn)
    c("DeleteAlarms", AlarmNames=["root", "any"])


def metrics():
    c = lambda operation, want=ok, **p: call("cloudwatch", operation, want, **p)
    now = datetime.datetime.now(datetime.timezone.utc)
    room = [{"Name": "room", "Value": "1"}]
    c("PutMetricData", Namespace="Lab", MetricData=[
        {"MetricName": "Heat", "Dimensions": room, "Timestamp": now - datetime.timedelta(minutes=5), "Value": 3},
        {"MetricName": "Heat", "Dimensions": room, "Timestamp": now - datetime.timedelta(minutes=5), "Values": [1, 5], "Counts": [2, 1]},
        {"MetricName": "Heat", "Timestamp": now, "StatisticValues": {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3}, "Unit": "Count"}])
    span = {"Namespace": "Lab", "MetricName": "Heat", "StartTime": now - datetime.timedelta(hours=1), "EndTime": now + datetime.timedelta(minutes=1), "Period": 3600}
    shape = lambda a: [(d.get("SampleCount"), d.get("Sum"), d.get("Average"), d.get("Minimum"), d.get("Maximum"), d["Unit"]) for d in a["Datapoints"]]
    every = ["SampleCount", "Sum", "Average", "Minimum", "Maximum"]
    c("GetMetricStatistics", lambda a: shape(a) == [(4, 10, 2.5, 1, 5, "None")] and a["Label"] == "Heat", Dimensions=room, Statistics=every, **span)
    c("GetMetricStatistics", lambda a: [(n, s, u) for n, s, _, _, _, u in shape(a)] == [(None, 4, "Count")], Statistics=["Sum"], **{**span, "StartTime": now - datetime.timedelta(minutes=1)})
    c("GetMetricStatistics", lambda a: a["Datapoints"] == [], Statistics=["Sum"], **{**span, "MetricName": "Cold"})
    refused("cloudwatch", "GetMetricStatistics", "InvalidParameterCombination", Statistics=["Sum"], **{**span, "StartTime": now - datetime.timedelta(days=9), "Period": 60})
    refused("cloudwatch", "PutMetricData", "InvalidParameterValueException", Namespace="AWS/EC2", MetricData=[{"MetricName": "x", "Value": 1}])
    refused("cloudwatch", "PutMetricData", "InvalidParameterValueException", Namespace="Lab", MetricData=[{"MetricName": "x", "Value": 1, "Timestamp": now - datetime.timedelta(days=15)}])
    refused("cloudwatch", "PutMetricData", "InvalidParameterCombination", Namespace="Lab", MetricData=[{"MetricName": "x"}])


def other_protocols():
    """The same calls in the protocols that older clients speak."""
    session = boto3.session.Session()
    original = session._session.get_component("data_loader").load_service_model
    for protocol in ("json", "query"):
        def load(name, kind, api_version=None):
            model = original(name, kind, api_version)
            if name == "cloudwatch" and kind == "service-2":
                model = {**model, "metadata": {**model["metadata"], "protocol": protocol, "protocols": [protocol]}}
            return model
        session._session.get_component("data_loader").load_service_model = load
        c = ACCOUNTS["management"]
        cw = session.client("cloudwatch", region_name="us-east-1", endpoint_url=SIM["endpoint"], aws_access_key_id=c["key"], aws_secret_access_key=c["secret"])
        check(cw.meta.service_model.resolved_protocol == protocol, f"the client speaks {cw.meta.service_model.resolved_protocol}")
        cw.put_metric_alarm(AlarmActions=["arn:aws:sns:us-east-1:111111111111:x"], Dimensions=[{"Name": "x", "Value": "y"}], **ALARM)
        alarm = cw.describe_alarms(AlarmNames=["root"])["MetricAlarms"][0]
        check(alarm["Threshold"] == 1.0 and alarm["Dimensions"] == [{"Name": "x", "Value": "y"}] and alarm["StateUpdatedTimestamp"].year > 2000, f"{protocol}: {alarm}")
        cw.delete_alarms(AlarmNames=["root"])
        try:
            cw.delete_alarms(AlarmNames=["root"])
            check(False, f"{protocol}: an alarm that is not there is deleted")
        except cw.exceptions.ResourceNotFound:
            pass


def newer_alarms():
    """Log alarms and evaluation windows are younger than the client's model of CloudWatch: it is told of them."""
    session = boto3.session.Session()
    original = session._session.get_component("data_loader").load_service_model

    def load(name, kind, api_version=None):
        model = original(name, kind, api_version)
        if name != "cloudwatch" or kind != "service-2" or "PutLogAlarm" in model["operations"]:
            return model
        shapes, operations = dict(model["shapes"]), dict(model["operations"])
        structure = lambda **members: {"type": "structure", "members": {k: {"shape": v} for k, v in members.items()}}
        shapes |= {
            "NewText": {"type": "string"}, "NewInteger": {"type": "integer"}, "NewLong": {"type": "long"}, "NewTexts": {"type": "list", "member": {"shape": "NewText"}},
            "Clock": structure(Timezone="NewText"), "EvaluationWindow": structure(SlidingWindow="Clock", WallClockWindow="Clock"),
            "Schedule": structure(ScheduleExpression="NewText", StartTimeOffset="NewLong", EndTimeOffset="NewLong"),
            "Query": structure(QueryString="NewText", AggregationExpression="NewText", ScheduledQueryRoleARN="NewText", QueryARN="NewText", LogGroupIdentifiers="NewTexts",
                               ScheduleConfiguration="Schedule"),
            "LogAlarm": structure(AlarmName="NewText", AlarmArn="NewText", AlarmActions="ResourceList", ComparisonOperator="NewText", QueryResultsToAlarm="NewInteger",
                                  QueryResultsToEvaluate="NewInteger", Threshold="Threshold", ScheduledQueryConfiguration="Query"),
            "LogAlarms": {"type": "list", "member": {"shape": "LogAlarm"}},
        }
        operations["PutLogAlarm"] = {"name": "PutLogAlarm", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "LogAlarm"}}
        for shape, member, kind in (("DescribeAlarmsOutput", "LogAlarms", "LogAlarms"), ("MetricAlarm", "EvaluationWindow", "EvaluationWindow"),
                                    ("PutMetricAlarmInput", "EvaluationWindow", "EvaluationWindow")):
            shapes[shape] = {**shapes[shape], "members": {**shapes[shape]["members"], member: {"shape": kind}}}
        return {**model, "shapes": shapes, "operations": operations}
    session._session.get_component("data_loader").load_service_model = load
    me = ACCOUNTS["management"]
    cw = session.client("cloudwatch", region_name="us-east-1", endpoint_url=SIM["endpoint"], aws_access_key_id=me["key"], aws_secret_access_key=me["secret"])
    cw.put_metric_alarm(EvaluationWindow={"WallClockWindow": {"Timezone": "UTC"}}, **ALARM)
    alarm = cw.describe_alarms(AlarmNames=["root"])["MetricAlarms"][0]
    check(alarm["EvaluationWindow"] == {"WallClockWindow": {"Timezone": "UTC"}}, f"evaluation window: {alarm}")
    query = {"QueryString": 'filter userIdentity.type = "Root"', "AggregationExpression": "count(*)", "ScheduledQueryRoleARN": f"arn:aws:iam::{ME}:role/query",
             "LogGroupIdentifiers": ["trail"], "ScheduleConfiguration": {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 300}}
    log = {"AlarmName": "log", "ComparisonOperator": "GreaterThanOrEqualToThreshold", "QueryResultsToAlarm": 1, "QueryResultsToEvaluate": 1, "Threshold": 1,
           "ScheduledQueryConfiguration": query}
    cw.put_log_alarm(**log)
    alarm = cw.describe_alarms(AlarmTypes=["LogAlarm"])["LogAlarms"][0]
    check(alarm["ScheduledQueryConfiguration"]["QueryString"] == query["QueryString"] and alarm["Threshold"] == 1, f"log alarm: {alarm}")
    harness.called.add("cloudwatch PutLogAlarm")
    for wrong in ({"QueryResultsToAlarm": 2}, {"AlarmName": "root"}):
        try:
            cw.put_log_alarm(**{**log, **wrong})
            check(False, f"a log alarm with {wrong} is taken")
        except cw.exceptions.ClientError as e:
            check(e.response["Error"]["Code"] == "InvalidParameterValueException", f"{wrong}: {e}")
    cw.delete_alarms(AlarmNames=["root", "log"])
