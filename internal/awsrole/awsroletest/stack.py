# Makes a stack of a template in moto and prints the role that came of it.
import ast
import json
import os
import sys

import boto3
from moto import mock_aws

given = json.load(sys.stdin)
os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1")
with mock_aws():
    boto3.client("cloudformation").create_stack(
        StackName="role", TemplateBody=given["Template"], Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in (given["Parameters"] or {}).items()])
    iam = boto3.client("iam")
    role = iam.get_role(RoleName=given["Role"])["Role"]
    names = iam.list_role_policies(RoleName=given["Role"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=given["Role"], PolicyName=names[0])["PolicyDocument"]
    if isinstance(document, str):  # moto keeps the inline policy of a template as Python prints it
        document = ast.literal_eval(document)
    print(json.dumps({"Trust": role["AssumeRolePolicyDocument"], "Policy": document, "Policies": names}))
