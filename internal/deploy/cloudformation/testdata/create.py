"""Creates stacks in moto, each in an account of its own, from a list of Region, Parameters
and Template as JSON. Prints for each what was made, as JSON: by the ID of each resource
that moto knows, what AWS's calls say of it. Of the others it prints the types."""

import ast
import json
import logging
import os
import sys

import boto3
import yaml
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type


def known(template):
    """Takes out what moto has no class for, and what refers to it; gives the types."""
    resources = template["Resources"]
    gone = {i for i, r in resources.items() if resource_class_from_type(r["Type"]) is None}
    types = {resources[i]["Type"] for i in gone}
    template["Resources"] = {i: r for i, r in resources.items() if i not in gone}
    for r in template["Resources"].values():
        r["DependsOn"] = [i for i in r.get("DependsOn", []) if i not in gone]
    outputs = template.get("Outputs", {})
    template["Outputs"] = {n: o for n, o in outputs.items() if not any(f'"{i}"' in json.dumps(o) for i in gone)}
    return sorted(types)


def document(policy):
    """Of some resources moto keeps what the template had, of others its text, as Python or JSON."""
    if not isinstance(policy, str):
        return policy
    return ast.literal_eval(policy) if policy.startswith("{'") else json.loads(policy)


def describe(region, kind, name):
    client = lambda service: boto3.client(service, region_name=region)
    if kind == "AWS::KMS::Key":
        kms = client("kms")
        return {"KeyPolicy": document(kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]), "EnableKeyRotation": kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"]}
    if kind == "AWS::IAM::Role":
        iam = client("iam")
        policies = [iam.get_role_policy(RoleName=name, PolicyName=p) for p in iam.list_role_policies(RoleName=name)["PolicyNames"]]
        return {"AssumeRolePolicyDocument": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
                "Policies": [{"PolicyName": p["PolicyName"], "PolicyDocument": document(p["PolicyDocument"])} for p in policies]}
    if kind == "AWS::Logs::LogGroup":
        group = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        return {"LogGroupName": group["logGroupName"], "RetentionInDays": group["retentionInDays"]}  # its key moto forgets
    if kind == "AWS::SNS::Topic":
        return {"KmsMasterKeyId": client("sns").get_topic_attributes(TopicArn=name)["Attributes"].get("KmsMasterKeyId")}
    if kind == "AWS::Events::Rule":
        rule = client("events").describe_rule(Name=name)
        targets = client("events").list_targets_by_rule(Rule=name)["Targets"]
        return {"EventPattern": document(rule["EventPattern"]), "State": rule["State"], "Targets": [{"Id": t["Id"], "Arn": t["Arn"]} for t in targets]}
    if kind == "AWS::SQS::Queue":
        got = client("sqs").get_queue_attributes(QueueUrl=name, AttributeNames=["All"])["Attributes"]
        return {"MessageRetentionPeriod": int(got["MessageRetentionPeriod"]), "RedrivePolicy": document(got["RedrivePolicy"]) if "RedrivePolicy" in got else None}
    if kind == "AWS::S3::Bucket":
        return {"BucketName": client("s3").head_bucket(Bucket=name) and name}
    if kind == "AWS::KMS::Alias":
        return {"AliasName": next(a["AliasName"] for a in client("kms").list_aliases()["Aliases"] if a.get("TargetKeyId") and a["AliasName"] == name)}
    raise SystemExit(f"{kind}: moto knows it, and this test does not look at it")


def create(region, parameters, template):
    template = yaml.safe_load(template)
    unknown = known(template)
    cloudformation = boto3.client("cloudformation", region_name=region)
    cloudformation.create_stack(StackName="rootkeep", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"],
                                Parameters=[{"ParameterKey": p, "ParameterValue": parameters[p]} for p, of in template.get("Parameters", {}).items() if "Default" not in of])
    made = {r["LogicalResourceId"]: r for r in cloudformation.list_stack_resources(StackName="rootkeep")["StackResourceSummaries"]}
    text = json.dumps({
        "Status": cloudformation.describe_stacks(StackName="rootkeep")["Stacks"][0]["StackStatus"], "Unknown": unknown, "Left": sorted(set(template["Resources"]) - set(made)),
        "Made": {i: describe(region, r["ResourceType"], r["PhysicalResourceId"]) for i, r in made.items()},
    })
    for i, r in made.items():
        if r["ResourceType"] == "AWS::KMS::Key":
            text = text.replace(r["PhysicalResourceId"], i.lower())  # an ID that nobody chose
    return json.loads(text)


def main():
    made = []
    for stack in json.load(sys.stdin):
        with mock_aws():
            made.append(create(stack["Region"], stack["Parameters"], stack["Template"]))
    print(json.dumps(made))


logging.disable()
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_EC2_METADATA_DISABLED="true")
main()
