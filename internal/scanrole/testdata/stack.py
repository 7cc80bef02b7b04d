# Makes a stack of a template in moto and prints the role that came of it.
import ast
import json
import os
import sys

import boto3
from moto import mock_aws

os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1")
with mock_aws(), open(sys.argv[1]) as template:
    boto3.client("cloudformation").create_stack(
        StackName="role", TemplateBody=template.read(), Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": "ScannerArn", "ParameterValue": "arn:aws:iam::111122223333:role/scanner"},
            {"ParameterKey": "ExternalId", "ParameterValue": "secret"},
        ])
    iam = boto3.client("iam")
    role = iam.get_role(RoleName="RootkeepReadOnly")["Role"]
    policy = iam.get_role_policy(RoleName="RootkeepReadOnly", PolicyName="read")
    document = policy["PolicyDocument"]
    if isinstance(document, str):  # moto keeps the inline policy of a template as Python prints it
        document = ast.literal_eval(document)
    print(json.dumps({"Trust": role["AssumeRolePolicyDocument"], "Policy": document}))
