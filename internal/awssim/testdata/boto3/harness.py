"""What the tables of calls share. The simulated organization is described in JSON on
standard input; each call says who makes it and what the answer must be."""
import inspect
import json
import sys

import boto3
import botocore.exceptions
from botocore.config import Config

SIM = json.load(sys.stdin)
ACCOUNTS = SIM["accounts"]  # name -> {id, key, secret}
called, failures = set(), []
_clients = {}


def client(service, who="management", region="us-east-1", credentials=None, **more):
    c = credentials or ACCOUNTS[who]
    key = (service, region, str(c), str(more))
    if key not in _clients:
        _clients[key] = boto3.client(
            service, region_name=region, endpoint_url=SIM["endpoint"], aws_access_key_id=c["key"], aws_secret_access_key=c["secret"],
            aws_session_token=c.get("token"), config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **more))
    return _clients[key]


def method(operation):
    return boto3.session.botocore.xform_name(operation)


def where():
    for frame in inspect.stack():
        if not frame.filename.endswith("harness.py"):
            return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"


def call(service, operation, want, who="management", region="us-east-1", credentials=None, **parameters):
    """Makes a call that must succeed; want judges the answer."""
    try:
        answer = getattr(client(service, who, region, credentials), method(operation))(**parameters)
    except Exception as e:
        failures.append(f"{where()}: {service} {operation}: {e}")
        return {}
    called.add(f"{service} {operation}")
    try:
        if not want(answer):
            failures.append(f"{where()}: {service} {operation}: the answer is not as expected: {answer}")
    except Exception as e:
        failures.append(f"{where()}: {service} {operation}: {e!r} on the answer {answer}")
    return answer


def refused(service, operation, code, who="management", region="us-east-1", credentials=None, **parameters):
    """Makes a call that must be refused with a code."""
    try:
        answer = getattr(client(service, who, region, credentials), method(operation))(**parameters)
    except botocore.exceptions.ClientError as e:
        if e.response["Error"]["Code"] != code:
            failures.append(f"{where()}: {service} {operation}: got {e}, want {code}")
        return e.response
    failures.append(f"{where()}: {service} {operation}: got {answer}, want {code}")


def check(ok, what):
    if not ok:
        failures.append(f"{where()}: {what}")


def keys(answer):
    """The credentials in an answer of STS."""
    c = answer["Credentials"]
    return {"key": c["AccessKeyId"], "secret": c["SecretAccessKey"], "token": c["SessionToken"]}


def ok(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 201, 202, 204)


def pages(service, operation, field, size, who="management", **parameters):
    """All elements of a list, page by page."""
    p = client(service, who).get_paginator(method(operation))
    return [e for page in p.paginate(PaginationConfig={"PageSize": size}, **parameters) for e in page[field]]
