"""S3, SQS, KMS, Secrets Manager, EventBridge, Config."""
import json
import urllib.parse
import urllib.request

import botocore.exceptions

import harness
from harness import ACCOUNTS, SIM, call, check, client, ok, refused

ME, MEMBER = ACCOUNTS["management"]["id"], ACCOUNTS["member"]["id"]


def run():
    buckets()
    objects()
    unlock()
    queues()
    keys()
    secrets()
    events()
    config()


def buckets():
    s3 = lambda operation, want=ok, **p: call("s3", operation, want, **{"Bucket": "logs-of-example", **p})
    s3("CreateBucket", lambda a: a["Location"] == "/logs-of-example")
    refused("s3", "CreateBucket", "BucketAlreadyExists", who="member", Bucket="logs-of-example")
    call("s3", "CreateBucket", ok, region="eu-west-1", Bucket="other-of-example", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    call("s3", "ListBuckets", lambda a: [b["Name"] for b in a["Buckets"]] == ["logs-of-example", "other-of-example"])
    call("s3", "ListBuckets", lambda a: a["Buckets"] == [], who="member")
    s3("HeadBucket", lambda a: a["BucketRegion"] == "us-east-1")
    refused("s3", "HeadBucket", "404", Bucket="not-there")
    call("s3", "GetBucketLocation", lambda a: a["LocationConstraint"] == "eu-west-1", Bucket="other-of-example")
    s3("GetBucketLocation", lambda a: a["LocationConstraint"] is None)
    refused("s3", "GetBucketPolicy", "NoSuchBucketPolicy", Bucket="logs-of-example")
    public = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs-of-example/*"}]})
    refused("s3", "PutBucketPolicy", "AccessDenied", Bucket="logs-of-example", Policy=public)
    s3("GetPublicAccessBlock", lambda a: all(a["PublicAccessBlockConfiguration"].values()))
    s3("DeletePublicAccessBlock")
    s3("PutBucketPolicy", Policy=public)
    s3("GetBucketPolicyStatus", lambda a: a["PolicyStatus"]["IsPublic"])
    s3("PutPublicAccessBlock", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False})
    s3("DeleteBucketPolicy")
    s3("PutBucketPolicy", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::logs-of-example"},
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs-of-example/AWSLogs/*",
         "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}}]}))
    s3("GetBucketPolicy", lambda a: "cloudtrail" in a["Policy"])
    s3("GetBucketPolicyStatus", lambda a: not a["PolicyStatus"]["IsPublic"])
    settings(s3)


def settings(s3):
    queue = "arn:aws:sqs:us-east-1:" + ME + ":files"
    files = {"Id": "files", "QueueArn": queue, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}, {"Name": "suffix", "Value": ".gz"}]}}}
    tell = lambda *entries: {"Bucket": "logs-of-example", "NotificationConfiguration": {"QueueConfigurations": list(entries)}}
    refused("s3", "PutBucketNotificationConfiguration", "InvalidArgument", **tell(files))
    url = call("sqs", "CreateQueue", ok, QueueName="files", Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue,
         "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::logs-of-example"}, "StringEquals": {"aws:SourceAccount": ME}}}]})})["QueueUrl"]
    s3("GetBucketNotificationConfiguration", lambda a: "QueueConfigurations" not in a)
    s3("PutBucketNotificationConfiguration", **tell(files))
    test = call("sqs", "ReceiveMessage", lambda a: json.loads(a["Messages"][0]["Body"])["Event"] == "s3:TestEvent", QueueUrl=url)
    call("sqs", "DeleteMessage", ok, QueueUrl=url, ReceiptHandle=test["Messages"][0]["ReceiptHandle"])
    refused("s3", "PutBucketNotificationConfiguration", "InvalidArgument", **tell(files, {**files, "Id": "more", "Events": ["s3:ObjectCreated:Put"]}))
    s3("GetBucketNotificationConfiguration", lambda a: a["QueueConfigurations"] == [files])
    s3("PutObject", Key="AWSLogs/a b.gz", Body=b"x")
    s3("PutObject", Key="AWSLogs/a.txt", Body=b"x")
    got = call("sqs", "ReceiveMessage", lambda a: len(a["Messages"]) == 1, QueueUrl=url, MaxNumberOfMessages=10)
    check("a notification", json.loads(got["Messages"][0]["Body"])["Records"][0]["s3"]["object"]["key"] == "AWSLogs/a+b.gz")
    s3("PutBucketNotificationConfiguration", NotificationConfiguration={})
    s3("DeleteObject", Key="AWSLogs/a b.gz")
    s3("DeleteObject", Key="AWSLogs/a.txt")
    call("sqs", "DeleteQueue", ok, QueueUrl=url)
    s3("GetBucketVersioning", lambda a: "Status" not in a)
    s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    refused("s3", "PutBucketVersioning", "AccessDenied", Bucket="logs-of-example", VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}, MFA="1 2")
    s3("GetBucketVersioning", lambda a: a["Status"] == "Enabled")
    s3("GetBucketLogging", lambda a: "LoggingEnabled" not in a)
    s3("PutBucketLogging", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "other-of-example", "TargetPrefix": "x/"}})
    s3("GetBucketLogging", lambda a: a["LoggingEnabled"]["TargetPrefix"] == "x/")
    s3("PutBucketEncryption", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    s3("GetBucketEncryption", lambda a: a["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms")
    s3("DeleteBucketEncryption")
    refused("s3", "GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", Bucket="logs-of-example")
    s3("PutObjectLockConfiguration", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}})
    s3("GetObjectLockConfiguration", lambda a: a["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 30})
    refused("s3", "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", Bucket="logs-of-example")
    s3("PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}}]})
    s3("GetBucketLifecycleConfiguration", lambda a: a["Rules"][0]["Expiration"]["Days"] == 400)
    s3("DeleteBucketLifecycle")
    s3("GetBucketOwnershipControls", lambda a: a["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced")
    refused("s3", "PutBucketAcl", "AccessControlListNotSupported", Bucket="logs-of-example", ACL="log-delivery-write")
    s3("PutBucketOwnershipControls", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3("PutBucketAcl", ACL="log-delivery-write")
    s3("GetBucketAcl", lambda a: [g["Permission"] for g in a["Grants"]] == ["FULL_CONTROL", "WRITE"] and a["Grants"][1]["Grantee"]["Type"] == "Group")
    refused("s3", "GetBucketTagging", "NoSuchTagSet", Bucket="logs-of-example")
    s3("PutBucketTagging", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3("GetBucketTagging", lambda a: a["TagSet"] == [{"Key": "a", "Value": "b"}])
    control = client("s3control")
    control.meta.events.register("before-send", to_loopback)
    for operation, p in (("PutPublicAccessBlock", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}), ("GetPublicAccessBlock", {}), ("DeletePublicAccessBlock", {})):
        answer = getattr(control, harness.method(operation))(AccountId=ME, **p)
        harness.called.add("s3 " + operation.replace("Public", "AccountPublic"))
        check(operation[0] != "G" or answer["PublicAccessBlockConfiguration"]["BlockPublicAcls"], f"account public access block: {answer}")
    try:
        control.get_public_access_block(AccountId=ME)
        check(False, "an account without a public access block has one")
    except botocore.exceptions.ClientError as e:
        check(e.response["Error"]["Code"] == "NoSuchPublicAccessBlockConfiguration", f"account without a public access block: {e.response}")


def versions():
    s3 = lambda operation, want=ok, **p: call("s3", operation, want, **{"Bucket": "versions-of-example", **p})
    s3("CreateBucket")
    s3("PutObject", lambda a: "VersionId" not in a, Key="a", Body=b"0")
    s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    one = s3("PutObject", lambda a: len(a["VersionId"]) == 32, Key="a", Body=b"1")["VersionId"]
    s3("PutObject", Key="b/1", Body=b"22")
    s3("GetObject", lambda a: a["Body"].read() == b"1" and a["VersionId"] == one, Key="a")
    s3("GetObject", lambda a: a["Body"].read() == b"0" and a["VersionId"] == "null", Key="a", VersionId="null")
    s3("HeadObject", lambda a: a["ContentLength"] == 1, Key="a", VersionId=one)
    refused("s3", "GetObject", "NoSuchVersion", Bucket="versions-of-example", Key="a", VersionId="x" * 32)
    marker = s3("DeleteObject", lambda a: a["DeleteMarker"], Key="a")["VersionId"]
    refused("s3", "GetObject", "NoSuchKey", Bucket="versions-of-example", Key="a")
    refused("s3", "GetObject", "MethodNotAllowed", Bucket="versions-of-example", Key="a", VersionId=marker)
    shape = lambda a: ([(v["Key"], v["VersionId"], v["IsLatest"], v["Size"]) for v in a.get("Versions", [])], [(m["Key"], m["VersionId"], m["IsLatest"]) for m in a.get("DeleteMarkers", [])])
    s3("ListObjectVersions", lambda a: shape(a) == ([("a", one, False, 1), ("a", "null", False, 1)], [("a", marker, True)]) and not a["IsTruncated"], Prefix="a")
    s3("ListObjectVersions", lambda a: a["CommonPrefixes"] == [{"Prefix": "b/"}] and len(a["Versions"]) == 2, Delimiter="/")
    p = client("s3").get_paginator("list_object_versions")
    for size in (1, 2):
        found = [x["VersionId"] for page in p.paginate(Bucket="versions-of-example", PaginationConfig={"PageSize": size}) for f in ("DeleteMarkers", "Versions") for x in page.get(f, [])]
        check(found[:3] == [marker, one, "null"] and len(found) == 4, f"versions in pages of {size}: {found}")
    s3("DeleteObject", lambda a: a["DeleteMarker"] and a["VersionId"] == marker, Key="a", VersionId=marker)
    s3("GetObject", lambda a: a["Body"].read() == b"1", Key="a")
    s3("DeleteObject", lambda a: a["VersionId"] == one and "DeleteMarker" not in a, Key="a", VersionId=one)
    s3("GetObject", lambda a: a["Body"].read() == b"0", Key="a")
    s3("PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"})
    s3("PutObject", lambda a: a["VersionId"] == "null", Key="a", Body=b"3")
    s3("DeleteObject", lambda a: a["DeleteMarker"] and a["VersionId"] == "null", Key="a")
    s3("ListObjectVersions", lambda a: shape(a) == ([], [("a", "null", True)]), Prefix="a")
    refused("s3", "DeleteBucket", "BucketNotEmpty", Bucket="versions-of-example")


def ranges():
    s3 = lambda operation, want=ok, **p: call("s3", operation, want, **{"Bucket": "versions-of-example", "Key": "ten", **p})
    etag = s3("PutObject", Body=b"0123456789", IfNoneMatch="*")["ETag"]
    refused("s3", "PutObject", "PreconditionFailed", Bucket="versions-of-example", Key="ten", Body=b"", IfNoneMatch="*")
    part = lambda body, text: lambda a: a["Body"].read() == body and a["ResponseMetadata"]["HTTPStatusCode"] == 206 and a["ContentRange"] == text and a["ContentLength"] == len(body)
    s3("GetObject", part(b"234", "bytes 2-4/10"), Range="bytes=2-4")
    s3("GetObject", part(b"789", "bytes 7-9/10"), Range="bytes=7-")
    s3("GetObject", part(b"89", "bytes 8-9/10"), Range="bytes=-2")
    s3("GetObject", part(b"0123456789", "bytes 0-9/10"), Range="bytes=0-99")
    s3("GetObject", lambda a: len(a["Body"].read()) == 10 and "ContentRange" not in a, Range="bytes=4-2")
    s3("GetObject", lambda a: len(a["Body"].read()) == 10, Range="bytes=0-1,4-5")
    s3("GetObject", lambda a: len(a["Body"].read()) == 10, IfMatch=etag)
    s3("HeadObject", lambda a: a["ContentLength"] == 3, Range="bytes=2-4")
    refused("s3", "GetObject", "InvalidRange", Bucket="versions-of-example", Key="ten", Range="bytes=10-")
    refused("s3", "GetObject", "PreconditionFailed", Bucket="versions-of-example", Key="ten", IfMatch='"x"')


def uploads():
    s3 = lambda operation, want=ok, **p: call("s3", operation, want, **{"Bucket": "versions-of-example", "Key": "big", **p})
    first = b"x" * (5 << 20)
    u = s3("CreateMultipartUpload", lambda a: a["Key"] == "big", ContentType="text/plain", Metadata={"m": "1"})["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3("UploadPart", UploadId=u, PartNumber=n, Body=body)["ETag"]} for n, body in ((1, first), (3, b"end"), (2, b"small"))]
    s3("ListParts", lambda a: [(p["PartNumber"], p["Size"]) for p in a["Parts"]] == [(1, 5 << 20), (2, 5)] and a["IsTruncated"], UploadId=u, MaxParts=2)
    s3("ListParts", lambda a: [p["PartNumber"] for p in a["Parts"]] == [3], UploadId=u, PartNumberMarker=2)
    complete = lambda code, chosen: refused("s3", "CompleteMultipartUpload", code, Bucket="versions-of-example", Key="big", UploadId=u, MultipartUpload={"Parts": chosen})
    complete("InvalidPartOrder", parts)
    complete("InvalidPart", [parts[0], {"PartNumber": 4, "ETag": "x"}])
    complete("EntityTooSmall", [parts[0], parts[2], parts[1]])
    s3("CompleteMultipartUpload", lambda a: a["ETag"].endswith('-2"'), UploadId=u, MultipartUpload={"Parts": parts[:2]})
    s3("GetObject", lambda a: a["Body"].read() == first + b"end" and a["ContentType"] == "text/plain" and a["Metadata"] == {"m": "1"})
    refused("s3", "ListParts", "NoSuchUpload", Bucket="versions-of-example", Key="big", UploadId=u)
    u = s3("CreateMultipartUpload")["UploadId"]
    s3("AbortMultipartUpload", UploadId=u)
    refused("s3", "AbortMultipartUpload", "NoSuchUpload", Bucket="versions-of-example", Key="big", UploadId=u)


def to_loopback(request, **_):
    """S3 Control puts the account before the host's name, which an address has not."""
    request.headers["Host"] = urllib.parse.urlsplit(request.url).netloc
    request.url = request.url.replace(request.headers["Host"], urllib.parse.urlsplit(SIM["endpoint"]).netloc)


def objects():
    s3 = lambda operation, want=ok, **p: call("s3", operation, want, **{"Bucket": "logs-of-example", **p})
    for key in ("a b/ü.txt", "a b/2", "c"):
        s3("PutObject", lambda a: len(a["ETag"]) == 34, Key=key, Body=key.encode(), Metadata={"x": "y"})
    s3("GetObject", lambda a: a["Body"].read() == "a b/ü.txt".encode() and a["Metadata"] == {"x": "y"}, Key="a b/ü.txt")
    s3("HeadObject", lambda a: a["ContentLength"] == 1, Key="c")
    refused("s3", "GetObject", "NoSuchKey", Bucket="logs-of-example", Key="none")
    s3("ListObjectsV2", lambda a: [o["Key"] for o in a["Contents"]] == ["a b/2", "a b/ü.txt", "c"])
    s3("ListObjectsV2", lambda a: a["CommonPrefixes"] == [{"Prefix": "a b/"}] and a["Contents"][0]["Key"] == "c", Delimiter="/")
    page = s3("ListObjectsV2", lambda a: a["IsTruncated"] and a["KeyCount"] == 2, MaxKeys=2)
    s3("ListObjectsV2", lambda a: [o["Key"] for o in a["Contents"]] == ["c"], ContinuationToken=page["NextContinuationToken"])
    url = client("s3", signature_version="s3v4").generate_presigned_url("get_object", Params={"Bucket": "logs-of-example", "Key": "c"}, ExpiresIn=60)
    check(urllib.request.urlopen(url).read() == b"c", "a presigned URL")
    try:
        urllib.request.urlopen(url.replace("/c?", "/a?"))
        check(False, "a presigned URL works for another key")
    except urllib.error.HTTPError as e:
        check(e.code == 403, f"a changed presigned URL gets {e.code}")
    refused("s3", "GetObject", "AccessDenied", who="member", Bucket="logs-of-example", Key="c")
    refused("s3", "DeleteBucket", "BucketNotEmpty", Bucket="logs-of-example")
    for key in ("a b/ü.txt", "a b/2", "c"):
        s3("DeleteObject", lambda a: a["DeleteMarker"] and len(a["VersionId"]) == 32, Key=key)
    s3("ListObjectsV2", lambda a: "Contents" not in a)
    kept = s3("ListObjectVersions", lambda a: len(a["Versions"]) == 3 and len(a["DeleteMarkers"]) == 3)["Versions"][0]
    refused("s3", "DeleteObject", "AccessDenied", Bucket="logs-of-example", Key=kept["Key"], VersionId=kept["VersionId"])
    versions()
    ranges()
    uploads()
    call("s3", "DeleteBucket", ok, Bucket="other-of-example")


def unlock():
    """A bucket that denies everyone is opened again by a root session."""
    call("s3", "CreateBucket", ok, who="member", Bucket="locked-of-example")
    deny = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::locked-of-example", "arn:aws:s3:::locked-of-example/*"]}]})
    call("s3", "PutBucketPolicy", ok, who="member", Bucket="locked-of-example", Policy=deny)
    refused("s3", "DeleteBucketPolicy", "AccessDenied", who="member", Bucket="locked-of-example")
    root = harness.keys(call("sts", "AssumeRoot", ok, TargetPrincipal=MEMBER, TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}))
    refused("s3", "ListObjectsV2", "AccessDenied", credentials=root, Bucket="locked-of-example")
    call("s3", "DeleteBucketPolicy", ok, credentials=root, Bucket="locked-of-example")
    call("s3", "DeleteBucket", ok, who="member", Bucket="locked-of-example")


def queues():
    q = lambda operation, want=ok, **p: call("sqs", operation, want, **p)
    url = q("CreateQueue", lambda a: a["QueueUrl"].endswith(f"/{ME}/jobs"), QueueName="jobs", tags={"a": "b"})["QueueUrl"]
    q("GetQueueUrl", lambda a: a["QueueUrl"] == url, QueueName="jobs")
    refused("sqs", "GetQueueUrl", "AWS.SimpleQueueService.NonExistentQueue", QueueName="none")
    q("ListQueues", lambda a: a["QueueUrls"] == [url], QueueNamePrefix="jo")
    q("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    q("GetQueueAttributes", lambda a: a["Attributes"]["VisibilityTimeout"] == "60" and a["Attributes"]["QueueArn"] == f"arn:aws:sqs:us-east-1:{ME}:jobs", QueueUrl=url, AttributeNames=["All"])
    q("TagQueue", QueueUrl=url, Tags={"c": "d"})
    q("UntagQueue", QueueUrl=url, TagKeys=["c"])
    q("ListQueueTags", lambda a: a["Tags"] == {"a": "b"}, QueueUrl=url)
    q("SendMessage", lambda a: a["MessageId"], QueueUrl=url, MessageBody="hello")
    m = q("ReceiveMessage", lambda a: a["Messages"][0]["Body"] == "hello", QueueUrl=url)["Messages"][0]
    q("ReceiveMessage", lambda a: "Messages" not in a, QueueUrl=url, WaitTimeSeconds=1)
    q("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    refused("sqs", "ChangeMessageVisibility", "AWS.SimpleQueueService.MessageNotInflight", QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    m = q("ReceiveMessage", lambda a: a["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "2", QueueUrl=url, AttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=0)["Messages"][0]
    dead = q("CreateQueue", QueueName="unread")["QueueUrl"]
    refused("sqs", "SetQueueAttributes", "InvalidParameterValue", QueueUrl=url, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:111111111111:none", "maxReceiveCount": 2})})
    q("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ME}:unread", "maxReceiveCount": "2"})})
    q("ReceiveMessage", lambda a: "Messages" not in a, QueueUrl=url)
    q("ReceiveMessage", lambda a: a["Messages"][0]["MessageId"] == m["MessageId"], QueueUrl=dead)
    q("DeleteQueue", QueueUrl=dead)
    q("DeleteMessage", QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    q("PurgeQueue", QueueUrl=url)
    refused("sqs", "SendMessage", "AccessDeniedException", who="member", QueueUrl=url, MessageBody="x")
    q("DeleteQueue", QueueUrl=url)


def keys():
    k = lambda operation, want=ok, **p: call("kms", operation, want, **p)
    key = k("CreateKey", lambda a: a["KeyMetadata"]["KeyState"] == "Enabled", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    k("CreateAlias", AliasName="alias/trail", TargetKeyId=key)
    k("DescribeKey", lambda a: a["KeyMetadata"]["KeyId"] == key, KeyId="alias/trail")
    refused("kms", "DescribeKey", "NotFoundException", KeyId="alias/none")
    k("ListKeys", lambda a: [x["KeyId"] for x in a["Keys"]] == [key] and not a["Truncated"])
    k("ListAliases", lambda a: a["Aliases"][0]["TargetKeyId"] == key)
    k("GetKeyPolicy", lambda a: "kms:*" in a["Policy"], KeyId=key)
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": "kms:*", "Resource": "*"}]})
    refused("kms", "PutKeyPolicy", "MalformedPolicyDocumentException", KeyId=key, Policy=text)
    k("PutKeyPolicy", KeyId=key, Policy=text.replace(MEMBER, ME))
    k("EnableKeyRotation", KeyId=key)
    k("GetKeyRotationStatus", lambda a: a["KeyRotationEnabled"] and a["RotationPeriodInDays"] == 365, KeyId=key)
    k("DisableKeyRotation", KeyId=key)
    k("ListResourceTags", lambda a: a["Tags"] == [{"TagKey": "a", "TagValue": "b"}], KeyId=key)
    sealed = k("Encrypt", KeyId=key, Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]
    k("Decrypt", lambda a: a["Plaintext"] == b"secret", CiphertextBlob=sealed, EncryptionContext={"a": "b"})
    refused("kms", "Decrypt", "InvalidCiphertextException", CiphertextBlob=sealed, EncryptionContext={"a": "c"})
    refused("kms", "Decrypt", "AccessDeniedException", who="member", CiphertextBlob=sealed, EncryptionContext={"a": "b"})
    k("GenerateDataKey", lambda a: len(a["Plaintext"]) == 32, KeyId=key, KeySpec="AES_256")
    k("DisableKey", KeyId=key)
    refused("kms", "Encrypt", "DisabledException", KeyId=key, Plaintext=b"x")
    k("EnableKey", KeyId=key)
    k("ScheduleKeyDeletion", lambda a: a["KeyState"] == "PendingDeletion", KeyId=key, PendingWindowInDays=7)
    k("CancelKeyDeletion", KeyId=key)
    k("DeleteAlias", AliasName="alias/trail")


def secrets():
    s = lambda operation, want=ok, **p: call("secretsmanager", operation, want, **p)
    arn = s("CreateSecret", lambda a: a["VersionId"], Name="db", SecretString="one", Tags=[{"Key": "a", "Value": "b"}])["ARN"]
    s("GetSecretValue", lambda a: a["SecretString"] == "one" and a["VersionStages"] == ["AWSCURRENT"], SecretId="db")
    s("PutSecretValue", lambda a: a["VersionStages"] == ["AWSCURRENT"], SecretId=arn, SecretString="two")
    s("GetSecretValue", lambda a: a["SecretString"] == "one", SecretId="db", VersionStage="AWSPREVIOUS")
    s("RotateSecret", SecretId="db", RotationLambdaARN=f"arn:aws:lambda:us-east-1:{ME}:function:x", RotationRules={"AutomaticallyAfterDays": 30})
    s("DescribeSecret", lambda a: a["RotationEnabled"] and len(a["VersionIdsToStages"]) == 2, SecretId="db")
    s("CancelRotateSecret", SecretId="db")
    s("ListSecrets", lambda a: a["SecretList"][0]["Name"] == "db" and a["SecretList"][0]["RotationEnabled"] is False, Filters=[{"Key": "name", "Values": ["d"]}])
    s("GetResourcePolicy", lambda a: "ResourcePolicy" not in a, SecretId="db")
    s("PutResourcePolicy", SecretId="db", ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}))
    call("secretsmanager", "GetSecretValue", lambda a: a["SecretString"] == "two", who="member", SecretId=arn)
    s("DeleteResourcePolicy", SecretId="db")
    refused("secretsmanager", "GetSecretValue", "AccessDeniedException", who="member", SecretId=arn)
    s("TagResource", SecretId="db", Tags=[{"Key": "c", "Value": "d"}])
    s("UntagResource", SecretId="db", TagKeys=["c"])
    s("DeleteSecret", lambda a: a["DeletionDate"], SecretId="db")
    refused("secretsmanager", "GetSecretValue", "InvalidRequestException", SecretId="db")
    s("RestoreSecret", SecretId="db")
    s("DeleteSecret", SecretId="db", ForceDeleteWithoutRecovery=True)


def events():
    e = lambda operation, want=ok, **p: call("events", operation, want, **p)
    e("ListEventBuses", lambda a: [b["Name"] for b in a["EventBuses"]] == ["default"])
    e("CreateEventBus", Name="security")
    e("PutPermission", EventBusName="security", Action="events:PutEvents", Principal=MEMBER, StatementId="member")
    e("DescribeEventBus", lambda a: MEMBER in a["Policy"], Name="security")
    e("RemovePermission", EventBusName="security", StatementId="member")
    e("DeleteEventBus", Name="security")
    refused("events", "PutRule", "InvalidEventPatternException", Name="root", EventPattern="{")
    e("PutRule", lambda a: a["RuleArn"].endswith(":rule/root"), Name="root", EventPattern='{"detail":{"userIdentity":{"type":["Root"]}}}')
    e("DisableRule", Name="root")
    e("DescribeRule", lambda a: a["State"] == "DISABLED", Name="root")
    e("EnableRule", Name="root")
    e("ListRules", lambda a: a["Rules"][0]["State"] == "ENABLED", NamePrefix="ro")
    topic = f"arn:aws:sns:us-east-1:{ME}:alerts"
    e("PutTargets", lambda a: a["FailedEntryCount"] == 0, Rule="root", Targets=[{"Id": "1", "Arn": topic, "InputTransformer": {"InputPathsMap": {"a": "$.b"}, "InputTemplate": "x"}}])
    e("ListTargetsByRule", lambda a: a["Targets"][0]["Arn"] == topic and a["Targets"][0]["InputTransformer"]["InputPathsMap"] == {"a": "$.b"}, Rule="root")
    e("ListRuleNamesByTarget", lambda a: a["RuleNames"] == ["root"], TargetArn=topic)
    refused("events", "DeleteRule", "ValidationException", Name="root")
    e("RemoveTargets", lambda a: a["FailedEntryCount"] == 0, Rule="root", Ids=["1"])
    put = [{"Source": "mine", "DetailType": "test", "Detail": "{}"}, {"Source": "aws.iam", "DetailType": "test", "Detail": "{}"}, {"Source": "mine", "DetailType": "test", "Detail": "{"}]
    e("PutEvents", lambda a: a["FailedEntryCount"] == 2 and a["Entries"][0]["EventId"] and a["Entries"][2]["ErrorCode"] == "MalformedDetail", Entries=put)
    event = json.dumps({"id": "1", "account": ME, "source": "aws.signin", "time": "2026-11-20T09:10:00Z", "region": "us-east-1", "resources": [], "detail-type": "x", "detail": {"a": "b"}})
    e("TestEventPattern", lambda a: a["Result"] is True, Event=event, EventPattern='{"source": [{"prefix": "aws."}], "detail": {"a": [{"anything-but": "c"}]}}')
    e("TestEventPattern", lambda a: a["Result"] is False, Event=event, EventPattern='{"source": ["aws.iam"]}')
    refused("events", "TestEventPattern", "InvalidEventPatternException", Event=event, EventPattern='{"source": "aws.iam"}')
    e("DeleteRule", Name="root")


def config():
    c = lambda operation, want=ok, **p: call("config", operation, want, **p)
    role = f"arn:aws:iam::{ME}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    c("DescribeConfigurationRecorders", lambda a: a["ConfigurationRecorders"] == [])
    refused("config", "PutDeliveryChannel", "NoAvailableConfigurationRecorderException", DeliveryChannel={"name": "default", "s3BucketName": "logs-of-example"})
    c("PutConfigurationRecorder", ConfigurationRecorder={"name": "default", "roleARN": role, "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}})
    c("DescribeConfigurationRecorders", lambda a: a["ConfigurationRecorders"][0]["recordingGroup"]["includeGlobalResourceTypes"])
    refused("config", "StartConfigurationRecorder", "NoAvailableDeliveryChannelException", ConfigurationRecorderName="default")
    c("PutDeliveryChannel", DeliveryChannel={"name": "default", "s3BucketName": "logs-of-example"})
    c("StartConfigurationRecorder", ConfigurationRecorderName="default")
    c("DescribeConfigurationRecorderStatus", lambda a: a["ConfigurationRecordersStatus"][0]["recording"])
    c("DescribeDeliveryChannels", lambda a: a["DeliveryChannels"][0]["s3BucketName"] == "logs-of-example")
    c("DescribeDeliveryChannelStatus", lambda a: a["DeliveryChannelsStatus"][0]["configStreamDeliveryInfo"]["lastStatus"] == "SUCCESS")
    rule = {"ConfigRuleName": "root-mfa", "Source": {"Owner": "AWS", "SourceIdentifier": "ROOT_ACCOUNT_MFA_ENABLED"}}
    c("PutConfigRule", ConfigRule=rule)
    c("DescribeConfigRules", lambda a: a["ConfigRules"][0]["Source"] == rule["Source"] and a["ConfigRules"][0]["ConfigRuleState"] == "ACTIVE")
    c("DescribeComplianceByConfigRule", lambda a: a["ComplianceByConfigRules"][0]["Compliance"]["ComplianceType"] == "INSUFFICIENT_DATA", ConfigRuleNames=["root-mfa"])
    c("DescribeConfigRuleEvaluationStatus", lambda a: a["ConfigRulesEvaluationStatus"][0]["FirstEvaluationStarted"] is False)
    refused("config", "DescribeConfigRules", "NoSuchConfigRuleException", ConfigRuleNames=["none"])
    c("DeleteConfigRule", ConfigRuleName="root-mfa")
    c("PutConfigurationAggregator", lambda a: a["ConfigurationAggregator"]["ConfigurationAggregatorArn"], ConfigurationAggregatorName="all", OrganizationAggregationSource={"RoleArn": role, "AllAwsRegions": True})
    refused("config", "PutConfigurationAggregator", "OrganizationAccessDeniedException", who="member", ConfigurationAggregatorName="all", OrganizationAggregationSource={"RoleArn": role, "AllAwsRegions": True})
    c("DescribeConfigurationAggregators", lambda a: a["ConfigurationAggregators"][0]["OrganizationAggregationSource"]["AllAwsRegions"])
    c("DeleteConfigurationAggregator", ConfigurationAggregatorName="all")
    c("StopConfigurationRecorder", ConfigurationRecorderName="default")
    c("DeleteDeliveryChannel", DeliveryChannelName="default")
    c("DeleteConfigurationRecorder", ConfigurationRecorderName="default")
